"""What is won by passing when unsure: accuracy over the part that is answered; and ranking by a score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .froc_curve import number_or_none

Array = NDArray[np.float64]
REPORTED_COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
REPORTED_ACCURACIES = (0.9, 0.95, 0.96, 0.98, 0.99, 0.995)
ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class CoverageCurve:
    """Accuracy on what is answered, for every confidence at which one could begin to answer.

    Pictures of equal confidence are answered all or none, so there is a point for each different confidence.

    Attributes:
        thresholds: ``(P,)`` least confidence that is answered, falling.
        coverage: ``(P,)`` part of the pictures that is answered, rising to 1.
        accuracy: ``(P,)`` part of these that is right.
    """

    thresholds: Array
    coverage: Array
    accuracy: Array

    def accuracy_at(self, coverage: float) -> float:
        """Accuracy where at least so much is answered, at the first such point; NaN without a picture."""
        reached = np.flatnonzero(self.coverage >= coverage - ROUNDING)
        return float(self.accuracy[reached[0]]) if len(reached) else float("nan")

    def coverage_at(self, accuracy: float) -> float:
        """The largest part that can be answered this accurately; 0 if none, NaN without a picture."""
        if not len(self.coverage):
            return float("nan")
        good = self.coverage[self.accuracy >= accuracy - ROUNDING]
        return float(good[-1]) if len(good) else 0.0

    @property
    def area(self) -> float:
        """Mean accuracy over all coverages, each step at the accuracy that it ends with; NaN without a picture.

        It is 1 less the area under the risk-coverage curve (AURC; Geifman, El-Yaniv, 2017).
        """
        if not len(self.coverage):
            return float("nan")
        return float((np.diff(self.coverage, prepend=0.0) * self.accuracy).sum())

    def to_json(self) -> dict[str, Any]:
        """Return the points that a table wants; None for what cannot be told."""
        return {
            "area": number_or_none(self.area),
            "accuracy_at_coverage": {f"{at:g}": number_or_none(self.accuracy_at(at)) for at in REPORTED_COVERAGES},
            "coverage_at_accuracy": {f"{at:g}": number_or_none(self.coverage_at(at)) for at in REPORTED_ACCURACIES},
        }


def coverage_curve(confidence: ArrayLike, right: ArrayLike) -> CoverageCurve:
    """Answer the surest pictures first.

    Args:
        confidence: ``(N,)`` finite numbers, higher is surer.
        right: ``(N,)`` whether the answer is right.

    Raises:
        ValueError: shapes do not fit, or a confidence is not finite.

    Example:
        >>> curve = coverage_curve([0.9, 0.8, 0.8, 0.3], [1, 1, 0, 0])
        >>> curve.coverage.tolist(), curve.accuracy.round(2).tolist()
        ([0.25, 0.75, 1.0], [1.0, 0.67, 0.5])
        >>> curve.coverage_at(0.6)
        0.75
    """
    sure, was = _scores(confidence, right)
    if not len(sure):
        return CoverageCurve(np.empty(0), np.empty(0), np.empty(0))
    order = np.argsort(-sure, kind="stable")
    sure, hits = sure[order], np.cumsum(was[order])
    last = np.flatnonzero(np.append(np.diff(sure) != 0, True))  # the last of equals
    return CoverageCurve(sure[last], (last + 1) / len(sure), hits[last] / (last + 1))


def auroc(scores: ArrayLike, positive: ArrayLike) -> float:
    """Chance that a positive scores higher than a negative, ties counting half.

    Args:
        scores: ``(N,)`` finite, higher for positives, such as "not one of mine".
        positive: ``(N,)`` yes or no.

    Returns:
        The area under the ROC curve; NaN where positives or negatives are absent.

    Raises:
        ValueError: shapes do not fit, or a score is not finite.

    Example:
        >>> auroc([0.1, 0.4, 0.4, 0.9], [0, 1, 0, 1])
        0.875
    """
    values, yes = _scores(scores, positive)
    positives, negatives = int(yes.sum()), int((~yes).sum())
    if not positives or not negatives:
        return float("nan")
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[place]  # mean rank of equals, from 1
    return float((rank[yes].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def _scores(scores: ArrayLike, marks: ArrayLike) -> tuple[Array, NDArray[np.bool_]]:
    values, flags = np.asarray(scores, dtype=np.float64), np.asarray(marks, dtype=bool)
    if values.ndim != 1 or values.shape != flags.shape:
        raise ValueError(f"two lists of one length are wanted, got {values.shape} and {flags.shape}")
    if not np.isfinite(values).all():
        raise ValueError("scores must be finite")
    return values, flags
