"""A detector's score and a classifier's opinion as one score: the filter of false marks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

Array = NDArray[np.float64]
SUREST = 1e-6  # answers of exactly 0 or 1 are taken for this near to it, for their logits are infinite
PULL = 1e-3  # towards weights of 0, so that marks that can be told apart without an error have finite ones


@dataclass(frozen=True)
class MarkFilter:
    """Weigh the logits of a mark's two scores, by a logistic regression that :func:`fit_mark_filter` fits.

    Attributes:
        intercept: added to both.
        detector: weight of the logit of the detector's score, not negative.
        classifier: weight of the logit of the classifier's probability of a nodule, not negative.

    Raises:
        ValueError: a number is not finite, or a weight is negative.

    Example:
        >>> MarkFilter(0.0, 1.0, 1.0).scores([0.5, 0.9], [0.9, 0.9]).round(3).tolist()
        [0.9, 0.988]
    """

    intercept: float
    detector: float
    classifier: float

    def __post_init__(self) -> None:
        numbers = asdict(self)
        if not all(math.isfinite(number) for number in numbers.values()) or min(self.detector, self.classifier) < 0:
            raise ValueError(f"a filter needs finite numbers and weights that are not negative, got {numbers}")

    def scores(self, detector_scores: ArrayLike, nodule_probabilities: ArrayLike) -> Array:
        """Return the probability that each mark hits a nodule.

        Args:
            detector_scores: ``(N,)`` in [0, 1].
            nodule_probabilities: ``(N,)`` in [0, 1], of the classifier, calibrated.

        Returns:
            ``(N,)`` in [0, 1].

        Raises:
            ValueError: the shapes differ, or a number is not in [0, 1].
        """
        first, second = _logits(detector_scores, nodule_probabilities)
        found: Array = expit(self.intercept + self.detector * first + self.classifier * second)
        return found

    def to_dict(self) -> dict[str, float]:
        """Return plain numbers, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> MarkFilter:
        """Read what :meth:`to_dict` gave; other keys, such as what it was fitted on, are left.

        Raises:
            ValueError: a number is missing or none.
        """
        names = ("intercept", "detector", "classifier")
        try:
            return cls(*(float(content[name]) for name in names))
        except (KeyError, TypeError) as error:
            raise ValueError(f"a filter is {', '.join(names)}, got {dict(content)}") from error


def fit_mark_filter(detector_scores: ArrayLike, nodule_probabilities: ArrayLike, hits: ArrayLike) -> MarkFilter:
    """Fit a filter to marks on scans that neither network was trained on.

    Every mark counts alike, so the filtered score is the probability of a hit among marks like these. A weight that
    would be negative is 0: a mark never gets worse by a better score.

    Args:
        detector_scores: ``(N,)`` in [0, 1].
        nodule_probabilities: ``(N,)`` in [0, 1], of the classifier, calibrated.
        hits: ``(N,)`` whether each mark hits a nodule; leave out marks that are neither right nor wrong.

    Raises:
        ValueError: the shapes differ, a number is not in [0, 1], or all marks are right or all are wrong.
    """
    first, second = _logits(detector_scores, nodule_probabilities)
    right = np.asarray(hits, dtype=np.float64).reshape(-1)
    if right.shape != first.shape:
        raise ValueError(f"every mark is a hit or not: got {len(right)} for {len(first)} marks")
    if not ((right == 0) | (right == 1)).all() or len(np.unique(right)) < 2:
        raise ValueError(f"a filter is fitted to right and wrong marks, got {int(right.sum())} right of {len(right)}")
    rows = np.stack([np.ones_like(first), first, second], axis=1)  # (N, 3)

    def loss(weights: Array) -> tuple[float, Array]:
        values = rows @ weights
        pull = PULL * np.array([0.0, 1.0, 1.0]) * weights
        total = (np.logaddexp(0.0, values) - right * values).mean() + 0.5 * (pull * weights).sum()
        return float(total), rows.T @ (expit(values) - right) / len(right) + pull

    found = minimize(loss, np.zeros(3), jac=True, method="L-BFGS-B", bounds=[(None, None), (0, None), (0, None)])
    return MarkFilter(*(float(number) for number in found.x))


def _logits(detector_scores: ArrayLike, nodule_probabilities: ArrayLike) -> tuple[Array, Array]:
    """Logits of both, ``(N,)`` each."""
    scores = [np.asarray(each, dtype=np.float64).reshape(-1) for each in (detector_scores, nodule_probabilities)]
    if scores[0].shape != scores[1].shape:
        raise ValueError(f"every mark has two scores: got {len(scores[0])} and {len(scores[1])}")
    for name, each in zip(("detector_scores", "nodule_probabilities"), scores, strict=True):
        if not ((each >= 0) & (each <= 1)).all():
            raise ValueError(f"{name} must be in [0, 1], got {each[~((each >= 0) & (each <= 1))][:3].tolist()}")
    first, second = (logit(np.clip(each, SUREST, 1 - SUREST)) for each in scores)
    return first, second
