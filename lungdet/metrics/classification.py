"""How well pictures were given their classes: recall, precision and F1 of each class, and their means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .froc_curve import number_or_none

Array = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ClassificationScores:
    """Scores of pictures with one class each, or with several.

    Means are over the classes that have an example: one without any has no recall. A class that was never chosen has no
    precision of its own, and counts as 0 in the mean.

    Attributes:
        classes: names, in the order of all arrays.
        images: how many pictures there were.
        support: ``(K,)`` pictures of each class.
        true_positives, false_positives: ``(K,)``.
        recall: ``(K,)``; NaN without an example.
        precision: ``(K,)``; NaN for a class that was never chosen.
        f1: ``(K,)``; NaN where there is neither an example nor a choice.
        macro_recall, macro_precision, macro_f1: means over the classes with an example; NaN where there is none.
        accuracy: part of the pictures whose classes are exactly the chosen ones; NaN without a picture.
    """

    classes: tuple[str, ...]
    images: int
    support: Counts
    true_positives: Counts
    false_positives: Counts
    recall: Array
    precision: Array
    f1: Array
    macro_recall: float
    macro_precision: float
    macro_f1: float
    accuracy: float

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers, at full precision; None for what cannot be told."""
        names = ("accuracy", "macro_recall", "macro_precision", "macro_f1")
        rates = ("recall", "precision", "f1")
        return {
            "images": self.images,
            **{name: number_or_none(getattr(self, name)) for name in names},
            "classes": [
                {
                    "class": name,
                    "support": int(self.support[place]),
                    "chosen": int(self.true_positives[place] + self.false_positives[place]),
                    **{rate: number_or_none(float(getattr(self, rate)[place])) for rate in rates},
                }
                for place, name in enumerate(self.classes)
            ],
            "classes_without_example": [name for name, n in zip(self.classes, self.support, strict=True) if not n],
        }


def classification_scores(
    truth: ArrayLike, chosen: ArrayLike, classes: Sequence[str] | None = None
) -> ClassificationScores:
    """Compare the chosen classes with the true ones.

    Args:
        truth: ``(N, K)``, see :func:`~lungdet.metrics.truth_matrix`.
        chosen: ``(N, K)``, see :func:`~lungdet.metrics.choose_classes`.
        classes: ``K`` names; their numbers if None.

    Raises:
        ValueError: the shapes do not fit.

    Example:
        >>> from lungdet.metrics import choose_classes, truth_matrix
        >>> truth, chosen = truth_matrix([0, 0, 1], 3), truth_matrix([0, 1, 1], 3)
        >>> scores = classification_scores(truth, chosen)
        >>> scores.recall.tolist(), scores.precision.tolist(), round(scores.macro_f1, 4)
        ([0.5, 1.0, nan], [1.0, 0.5, nan], 0.6667)
    """
    true, picked = as_pair(truth, chosen)
    names = tuple(map(str, range(true.shape[1]) if classes is None else classes))
    if len(names) != true.shape[1]:
        raise ValueError(f"{len(names)} names for {true.shape[1]} classes")
    hits, wrong, missed = (part.sum(axis=0) for part in (true & picked, ~true & picked, true & ~picked))
    rates = class_rates(hits, wrong, missed)
    recall, precision, f1 = (float(mean) for mean in macro_rates(rates, hits + missed))
    accuracy = float((true == picked).all(axis=1).mean()) if len(true) else float("nan")
    return ClassificationScores(names, len(true), hits + missed, hits, wrong, *rates, recall, precision, f1, accuracy)


def as_pair(truth: ArrayLike, chosen: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return both as ``(N, K)`` matrices of yes and no.

    Raises:
        ValueError: they are no matrices of one shape.
    """
    true, picked = np.asarray(truth, dtype=bool), np.asarray(chosen, dtype=bool)
    if true.ndim != 2 or true.shape != picked.shape:
        raise ValueError(f"truth and choices must be (N, K) both, got {true.shape} and {picked.shape}")
    return true, picked


def class_rates(hits: ArrayLike, wrong: ArrayLike, missed: ArrayLike) -> tuple[Array, Array, Array]:
    """Return recall, precision and F1 from counts of any one shape; NaN for 0 / 0."""
    right, false, lost = (np.asarray(each, dtype=np.float64) for each in (hits, wrong, missed))
    return _part(right, right + lost), _part(right, right + false), _part(2 * right, 2 * right + false + lost)


def macro_rates(rates: tuple[Array, Array, Array], support: ArrayLike) -> tuple[Array, Array, Array]:
    """Return the means along the last axis, over classes with support; one never chosen has precision 0."""
    present = np.asarray(support) > 0
    recall, precision, f1 = (
        _part(np.where(present, np.nan_to_num(rate), 0.0).sum(axis=-1), present.sum(axis=-1)) for rate in rates
    )
    return recall, precision, f1


def _part(part: ArrayLike, whole: ArrayLike) -> Array:
    over, under = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    return np.asarray(np.where(under > 0, over / np.where(under > 0, under, 1.0), np.nan))
