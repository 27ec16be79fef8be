"""From which probability on an answer is given, so that what is answered is right often enough."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import betaincinv

from .arrays import FloatArray, IntArray, as_array

# Shares of the pictures that are tried to answer, the largest first.
COVERAGES = (1.0, 0.95, 0.9, 0.8, 0.65, 0.5)


@dataclass(frozen=True)
class Abstention:
    """A threshold on the probability, and what it did on the pictures that it was chosen on.

    Attributes:
        threshold: answers need at least this probability; above 1 everything goes to a person.
        target_accuracy: that was wanted among answers.
        confidence: with which it was wanted; None where the observed accuracy was enough.
        coverage: share of pictures that were answered.
        accuracy: observed among them; NaN if there were none.
        accuracy_low: what the accuracy is at least, with ``confidence``; equal to ``accuracy`` without one. Where
            patients were told apart, it is the share of patients whose answered pictures are all right.
        pictures: how many there were.
    """

    threshold: float = 0.0
    target_accuracy: float = 0.0
    confidence: float | None = None
    coverage: float = 1.0
    accuracy: float = math.nan
    accuracy_low: float = math.nan
    pictures: int = 0

    def __post_init__(self) -> None:
        if not self.threshold >= 0.0:
            raise ValueError(f"threshold must not be negative, got {self.threshold}")

    @property
    def reached(self) -> bool:
        """Whether anything is answered at all."""
        return self.threshold <= 1.0


def choose_threshold(
    probabilities: Any,
    correct: Any,
    *,
    target_accuracy: float = 0.99,
    confidence: float | None = 0.9,
    patients: Sequence[Hashable] | None = None,
) -> Abstention:
    """Choose the lowest threshold that keeps the target on pictures that were not trained on.

    With ``confidence`` the accuracy among answers must be at least the target with that confidence for pictures like
    these, not just have been so by luck: the exact one-sided bound of Clopper and Pearson (1934) is taken. Six shares
    of the pictures are tried (:data:`COVERAGES`), and the confidence is divided among them by Bonferroni's rule, so
    that it also holds for the one that is chosen, as Geifman and El-Yaniv do (Selective Classification for Deep Neural
    Networks, NeurIPS 2017). That needs pictures: for 99 % at 90 % confidence, 408 without an error; for 95 %, 80. If no
    share passes, everything goes to a person. ``confidence=None`` takes the largest share whose observed accuracy is
    the target or more, down to the surest picture: it promises nothing for other pictures.

    The bound is for pictures that are independent of each other. Those of one patient are not: with ``patients`` each
    patient counts once, as right if all its answered pictures are, and both the bound on patients and the observed
    accuracy of pictures must keep the target. It is also for pictures that chose nothing else. If the same ones chose
    the epoch of the weights, the temperature or other thresholds, as they do in the training of the bundle, what it
    says is optimistic, by an amount that it does not know; only pictures kept out of all of that show the truth.

    Args:
        probabilities: ``(N,)`` calibrated probability that the answer is right.
        correct: ``(N,)`` whether it is.
        target_accuracy: share of answers that must be right, above 0 and below 1.
        confidence: above 0 and below 1, or None.
        patients: ``N``, of whom each picture is; None if each is of another. Without ``confidence`` they do not matter.

    Raises:
        ValueError: the arrays do not fit each other, or a number is out of range.

    Example:
        >>> choose_threshold([0.9, 0.8, 0.7, 0.6], [1, 1, 0, 1], target_accuracy=0.9, confidence=None).threshold
        0.8
    """
    sure, right = as_array(probabilities), as_array(correct)
    if sure.ndim != 1 or sure.shape != right.shape or not np.isfinite(sure).all():
        raise ValueError(f"wanted one finite probability and one truth a picture, got {sure.shape} and {right.shape}")
    if not 0.0 < target_accuracy < 1.0 or not (confidence is None or 0.0 < confidence < 1.0):
        raise ValueError(f"wanted numbers between 0 and 1, got {target_accuracy=} and {confidence=}")
    if patients is not None and len(patients) != len(sure):
        raise ValueError(f"wanted one patient a picture, got {len(patients)} for {len(sure)}")
    order = np.argsort(-sure, kind="stable")
    people = _numbered(range(len(sure)) if patients is None else patients)[order]
    sure, right = sure[order], right[order]
    hits = np.cumsum(right)
    for count in _counts(sure.tolist(), confidence is not None):
        accuracy = float(hits[count - 1] / count)
        low = accuracy if confidence is None else _bound(*_people(right[:count], people[:count]), confidence)
        if min(low, accuracy) >= target_accuracy:
            threshold, coverage = float(sure[count - 1]), count / len(sure)
            return Abstention(threshold, target_accuracy, confidence, coverage, accuracy, low, len(sure))
    return Abstention(math.nextafter(1.0, 2.0), target_accuracy, confidence, 0.0, math.nan, math.nan, len(sure))


def _counts(falling: list[float], few: bool) -> list[int]:
    """How many of the surest pictures may be answered together: equal probabilities stay together."""
    total = len(falling)
    ends = [count for count in range(total, 0, -1) if count == total or falling[count] < falling[count - 1]]
    if not few:
        return ends
    wanted = [next((end for end in ends if end <= share * total + 1e-9), 0) for share in COVERAGES]
    return [count for count in dict.fromkeys(wanted) if count]


def _numbered(patients: Sequence[Hashable]) -> IntArray:
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(patient, len(numbers)) for patient in patients], dtype=np.int64)


def _people(right: FloatArray, patients: IntArray) -> tuple[int, int]:
    """How many patients have nothing but right answers, and how many there are."""
    count = len(np.unique(patients))
    return count - len(np.unique(patients[right == 0])), count


def _bound(hits: int, count: int, confidence: float) -> float:
    if hits == 0:
        return 0.0
    return float(betaincinv(hits, count - hits + 1, (1 - confidence) / len(COVERAGES)))
