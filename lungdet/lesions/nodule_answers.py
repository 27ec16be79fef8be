"""A nodule classifier's logits to what it says."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungdet.records import NODULE_TYPES, ORDINAL_RATINGS, RATING_LEVELS, NoduleAnswer, RatingAnswer

from .classifier_file import ClassifierFile
from .mark_calibration import MarkCalibration

Array = NDArray[np.float64]
FIRST_RATING = 1 + len(NODULE_TYPES)
STEPS = RATING_LEVELS - 1
LOGITS = FIRST_RATING + STEPS * len(ORDINAL_RATINGS)
UNLEARNT = "ratings left out"  # begins the note of those that were not learnt
SURENESS = "probability of a nodule"  # begins the note of how it is calibrated


class NoduleAnswers:
    """Turn logits of ``NoduleClassifier`` into calibrated answers.

    A call gives all there is, for an evaluation to score. For people take :meth:`learnt` of each answer and, where it
    is of a detector's mark, :meth:`on_marks`; :meth:`notes` says what that has done.

    Args:
        path: the ``classifier.json`` of the weights; None divides by no temperature, and takes .5 for the threshold.
        weights_sha256: of the weights, to be checked; empty checks nothing.
        weights: file of the weights, whose SHA-256 is to be checked in its place.

    Attributes:
        file: what is in ``path``.

    Raises:
        ClassifierFileError: the file is none, or belongs to other weights.
        OSError: it cannot be read.

    Example:
        >>> answer = NoduleAnswers()(np.zeros((1, 33)))[0]
        >>> answer.nodule, answer.kinds, answer.rating("malignancy").levels
        (0.5, (0.25, 0.25, 0.25, 0.25), (0.5, 0.0, 0.0, 0.0, 0.5))
    """

    def __init__(
        self, path: str | Path | None = None, weights_sha256: str = "", weights: str | Path | None = None
    ) -> None:
        if path is not None and weights is not None:
            weights_sha256 = hashlib.sha256(Path(weights).read_bytes()).hexdigest()
        self.file = ClassifierFile() if path is None else ClassifierFile.load(path, weights_sha256=weights_sha256)

    def __call__(self, logits: Any) -> list[NoduleAnswer]:
        """Return the answer to each row.

        Args:
            logits: ``(B, 33)``, an array or a tensor of any device and precision.

        Raises:
            ValueError: another shape, or a logit that is not finite.
        """
        rows = _rows(logits)
        nodules = _sigmoid(rows[:, 0] / self.file.nodule)
        kinds = _softmax(rows[:, 1:FIRST_RATING] / self.file.kind)
        above = _sigmoid(rows[:, FIRST_RATING:] / self.file.ratings).reshape(-1, len(ORDINAL_RATINGS), STEPS)
        levels = shares_to_levels(above)
        return [
            NoduleAnswer(float(nodules[row]), tuple(map(float, kinds[row])), _ratings(levels[row]))
            for row in range(len(rows))
        ]

    def learnt(self, answer: NoduleAnswer) -> NoduleAnswer:
        """Leave out the ratings that the weights have not learnt; where nobody has judged them, none."""
        names = self.file.learnt
        if names is None:
            return answer
        return replace(answer, ratings=tuple(rating for rating in answer.ratings if rating.name in names))

    def on_marks(self, answer: NoduleAnswer, detector_sha256: str) -> NoduleAnswer:
        """Make the probability of a nodule hold among a detector's marks, if it was fitted to that one; once only.

        Args:
            answer: as a call gave it; a filter of marks and ``file.threshold`` are for this one.
            detector_sha256: weights of the detector that made the mark.
        """
        fitted = self._fitted_to(detector_sha256)
        return answer if fitted is None else replace(answer, nodule=fitted(answer.nodule))

    def notes(self, detector_sha256: str) -> tuple[str, ...]:
        """Say what :meth:`learnt` leaves out, and what :meth:`on_marks` makes of this detector's marks."""
        learnt, fitted = self.file.learnt, self._fitted_to(detector_sha256)
        missing = [] if learnt is None else [name for name in ORDINAL_RATINGS if name not in learnt]
        left_out = [f"{UNLEARNT}, for the classifier has not learnt them: {', '.join(missing)}"] if missing else []
        if fitted is None:
            return *left_out, f"{SURENESS}: not calibrated on marks of this detector, so it may be far too high"
        return *left_out, f"{SURENESS}: calibrated on this detector's marks that score {fitted.min_score:g} or more"

    def _fitted_to(self, detector_sha256: str) -> MarkCalibration | None:
        fitted = self.file.on_marks
        return fitted if fitted is not None and fitted.detector_sha256 == detector_sha256 else None


def shares_to_levels(above: Array) -> Array:
    """Turn probabilities of more than 1, 2, 3, 4 into those of 1 to 5.

    Args:
        above: ``(..., 4)``, falling; where it rises by rounding, the step is taken for 0.

    Returns:
        ``(..., 5)``, summing to 1.

    Example:
        >>> shares_to_levels(np.array([1.0, 0.75, 0.5, 0.0])).tolist()
        [0.0, 0.25, 0.25, 0.5, 0.0]
    """
    ones, zeros = np.ones((*above.shape[:-1], 1)), np.zeros((*above.shape[:-1], 1))
    bounds = np.concatenate([ones, above, zeros], axis=-1)
    steps = np.clip(bounds[..., :-1] - bounds[..., 1:], 0.0, 1.0)
    levels: Array = steps / steps.sum(axis=-1, keepdims=True)
    return levels


def _ratings(levels: Array) -> tuple[RatingAnswer, ...]:
    named = zip(ORDINAL_RATINGS, levels, strict=True)
    return tuple(RatingAnswer.of_levels(name, tuple(map(float, each))) for name, each in named)


def _rows(logits: Any) -> Array:
    plain = logits.detach().double().cpu().numpy() if hasattr(logits, "detach") else logits
    rows: Array = np.asarray(plain, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != LOGITS:
        raise ValueError(f"a nodule classifier's logits are (B, {LOGITS}), got {rows.shape}")
    if bad := int((~np.isfinite(rows)).any(axis=1).sum()):
        raise ValueError(f"{bad} of {len(rows)} answers are not finite; the weights or the cubes cannot be trusted")
    return rows


def _sigmoid(values: Array) -> Array:
    result: Array = 0.5 * (1.0 + np.tanh(0.5 * values))
    return result


def _softmax(values: Array) -> Array:
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    result: Array = raised / raised.sum(axis=1, keepdims=True)
    return result
