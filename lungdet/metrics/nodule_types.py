"""How well one of several types was told: accuracy and confusion, each type against the rest, and calibration."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .calibration_error import Reliability, negative_log_likelihood, reliability
from .class_choices import choose_classes, truth_matrix
from .classification import ClassificationScores, classification_scores
from .classification_bootstrap import ClassificationIntervals, bootstrap_classification
from .confusion import confusion_matrix
from .froc_curve import number_or_none
from .patient_draws import Estimate, estimate, weighted_auroc

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TypeScores:
    """Scores of the types of nodules; NaN for what cannot be told.

    Attributes:
        scores: accuracy; recall, precision and F1 of each type, and their means.
        intervals: of these.
        aucs: of each type against the others, by its probability.
        confusion: ``(K, K)`` counts, rows true, columns chosen.
        reliability: of the chosen type's probability.
        log_loss: mean negative log-probability of the true type, in nats.
    """

    scores: ClassificationScores
    intervals: ClassificationIntervals
    aucs: tuple[Estimate, ...]
    confusion: Array
    reliability: Reliability
    log_loss: float

    @property
    def accuracy(self) -> Estimate:
        """Part of the nodules whose type is right."""
        return Estimate(self.scores.accuracy, *self.intervals.accuracy)

    @property
    def mean_auc(self) -> float:
        """Mean of the types' areas that can be told; NaN without any."""
        known = [area.value for area in self.aucs if np.isfinite(area.value)]
        return float(np.mean(known)) if known else float("nan")

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers, at full precision; None for what cannot be told."""
        content = self.scores.to_json()
        for row, area in zip(content["classes"], self.aucs, strict=True):
            row["auc"] = area.to_json()
        return {
            "nodules": content.pop("images"),
            "accuracy": self.accuracy.to_json(),
            "mean_auc": number_or_none(self.mean_auc),
            "log_loss": number_or_none(self.log_loss),
            "scores": content,
            "intervals": self.intervals.to_json(),
            "confusion": self.confusion.astype(int).tolist(),
            "calibration": self.reliability.to_json(),
        }


def type_scores(
    probabilities: ArrayLike,
    types: ArrayLike,
    names: Sequence[str],
    patients: Sequence[Hashable] | None = None,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    bins: int = 10,
) -> TypeScores:
    """Score the types of nodules.

    Args:
        probabilities: ``(N, K)``, those of a nodule adding up to 1.
        types: ``(N,)`` whole numbers from 0: nodules of unknown type are left out before.
        names: of the ``K`` types.
        patients: ``N`` names; each nodule is a patient of its own if None.
        resamples: of the patients, for the intervals.
        confidence: part of the draws that an interval holds.
        seed: of the draws.
        bins: of the calibration.

    Raises:
        ValueError: shapes do not fit, or a type is none.

    Example:
        >>> said = [[0.8, 0.2], [0.6, 0.4], [0.3, 0.7]]
        >>> scores = type_scores(said, [0, 1, 1], ["solid", "ground glass"], resamples=50)
        >>> round(scores.accuracy.value, 3), scores.confusion.tolist(), scores.mean_auc
        (0.667, [[1.0, 0.0], [1.0, 1.0]], 1.0)
    """
    said = np.asarray(probabilities, dtype=np.float64).reshape(-1, len(names))
    labels = np.asarray(types, dtype=np.int64).reshape(-1)
    if len(said) != len(labels) or (labels < 0).any():
        raise ValueError(f"each nodule needs a type, got {len(said)} answers for {(labels >= 0).sum()} types")
    truth = truth_matrix(labels, len(names))
    chosen = choose_classes(said) if len(said) else np.zeros_like(truth)
    settings = (patients, resamples, confidence, seed)
    return TypeScores(
        scores=classification_scores(truth, chosen, names),
        intervals=bootstrap_classification(truth, chosen, *settings),
        aucs=tuple(
            estimate(_area_of(said[:, place], truth[:, place]), len(said), *settings) for place in range(len(names))
        ),
        confusion=confusion_matrix(truth, chosen)[:-1, :-1],
        reliability=reliability(said.max(axis=1, initial=0.0), (truth & chosen).any(axis=1), bins, "quantile"),
        log_loss=negative_log_likelihood(said, truth),
    )


def _area_of(scores: Array, positive: NDArray[np.bool_]) -> Any:
    return lambda weights: weighted_auroc(scores, positive, weights)
