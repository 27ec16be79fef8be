"""Which labels the probabilities speak for, and how sure they are of them together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lungdet.records import ClassList

from .arrays import FloatArray, as_rows, as_targets
from .calibration import SIGMOID


@dataclass(frozen=True)
class LabelChoice:
    """How labels are chosen from calibrated probabilities.

    * One label: the most probable class, and its probability.
    * Several labels that share a whole (``softmax``): all that have at least ``share`` of the highest probability. A
      single one is right with its probability. Two may share a picture, or the network may waver between them, and the
      probabilities do not tell which: the sum of theirs is multiplied by ``several``.
    * Several labels, each a question of its own (``sigmoid``): all at or above their thresholds, maybe none. All are
      right together with the product of the probabilities of the side that each class is on.

    Attributes:
        multi_label: whether a picture may have several labels.
        activation: of the :class:`~lungdet.routing.Calibration` that made the probabilities.
        share: for ``softmax``, above 0 and at most 1.
        several: for ``softmax``, how often a choice of several labels is right, in units of their sum; from 0 to 1.
        thresholds: for ``sigmoid``, one for each class; empty for 0.5 throughout.
    """

    multi_label: bool
    activation: str
    share: float = 0.5
    several: float = 1.0
    thresholds: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not 0.0 < self.share <= 1.0:
            raise ValueError(f"share must be above 0 and at most 1, got {self.share}")
        if not 0.0 <= self.several <= 1.0:
            raise ValueError(f"several must be from 0 to 1, got {self.several}")
        if any(not 0.0 < threshold < 1.0 for threshold in self.thresholds):
            raise ValueError(f"thresholds must be between 0 and 1, got {self.thresholds}")
        if self.activation == SIGMOID and not self.multi_label:
            raise ValueError("one label of many needs softmax; sigmoid is for a multi-label class list")

    def choose(self, probabilities: Any) -> tuple[FloatArray, FloatArray]:
        """Choose the labels of each picture.

        Args:
            probabilities: ``(N, K)``, calibrated.

        Returns:
            ``(N, K)`` zeros and ones, and ``(N,)`` the probability that they are right together.

        Example:
            >>> chosen, sure = LabelChoice(True, "softmax").choose([[0.5, 0.375, 0.125]])
            >>> chosen.tolist(), sure.tolist()
            ([[1.0, 1.0, 0.0]], [0.875])
        """
        values = as_rows("probabilities", probabilities, len(self.thresholds) or None)
        if not len(values):
            return values, values.sum(axis=1)
        if not self.multi_label:
            return np.eye(values.shape[1])[values.argmax(axis=1)], values.max(axis=1)
        if self.activation == SIGMOID:
            chosen = values >= (np.array(self.thresholds) if self.thresholds else 0.5)
            return chosen.astype(np.float64), np.where(chosen, values, 1 - values).prod(axis=1)
        chosen = values >= self.share * values.max(axis=1, keepdims=True)
        together = np.minimum((values * chosen).sum(axis=1), 1.0)
        return chosen.astype(np.float64), np.where(chosen.sum(axis=1) > 1, self.several * together, together)


def fit_several(choice: LabelChoice, probabilities: Any, labels: Any) -> LabelChoice:
    """Learn how far choices of several labels that share can be trusted, on pictures that were not trained on.

    Args:
        choice: for ``softmax`` and several labels.
        probabilities: ``(N, K)``, calibrated.
        labels: ``(N, K)`` zeros and ones.

    Returns:
        The same with another ``several``; by Laplace's rule it is about one half where nothing is known.
    """
    plain = replace(choice, several=1.0)
    chosen, together = plain.choose(probabilities)
    right = (chosen == as_targets(labels, *chosen.shape)).all(axis=1)
    many = chosen.sum(axis=1) > 1
    expected = (together[many].sum() + 2.0) / (many.sum() + 2)
    return replace(choice, several=float(min((right[many].sum() + 1) / (many.sum() + 2) / expected, 1.0)))


def fit_thresholds(probabilities: Any, labels: Any) -> tuple[float, ...]:
    """Choose for each label the threshold of the best F1 on pictures that were not trained on.

    Of equal ones the middle between two neighbouring probabilities nearest to 0.5 wins. A label with fewer than five
    pictures keeps 0.5.

    Args:
        probabilities: ``(N, K)``, calibrated, of a ``sigmoid``.
        labels: ``(N, K)`` zeros and ones.
    """
    values = as_rows("probabilities", probabilities)
    targets = as_targets(labels, *values.shape)
    return tuple(_best_threshold(values[:, k], targets[:, k]) for k in range(values.shape[1]))


def _best_threshold(probabilities: FloatArray, present: FloatArray) -> float:
    if present.sum() < 5:
        return 0.5
    levels = np.unique(np.concatenate([probabilities, [0.0, 1.0]]))
    middles = (levels[1:] + levels[:-1]) / 2
    order = np.argsort(probabilities)
    before = np.searchsorted(probabilities[order], middles)  # (T,) how many are below each
    hits = present.sum() - np.concatenate([[0.0], np.cumsum(present[order])])[before]
    scores = 2 * hits / (len(probabilities) - before + present.sum())
    best = middles[scores >= scores.max() - 1e-12]
    return float(best[np.abs(best - 0.5).argmin()])


def group_probabilities(probabilities: Any, class_list: ClassList, activation: str) -> FloatArray:
    """Add the probabilities of classes up to those of their groups.

    Args:
        probabilities: ``(N, K)``.
        class_list: one with groups.
        activation: with ``sigmoid``, a group is there if any class of it is, as though classes were independent; the
            groups are then made to add up to 1.

    Returns:
        ``(N, groups)``.

    Raises:
        ValueError: the list has no groups.
    """
    values = as_rows("probabilities", probabilities, len(class_list))
    if not class_list.groups:
        raise ValueError(f"{class_list.name}: the class list has no groups")
    member = np.eye(len(class_list.groups))[list(class_list.group_of)]  # (K, groups)
    if activation != SIGMOID:
        summed: FloatArray = values @ member
        return np.minimum(summed, 1.0)  # rounding may add a last digit
    absent = np.exp(np.log(np.maximum(1 - values, 1e-12)) @ member)
    present = 1 - absent
    whole: FloatArray = present / np.maximum(present.sum(axis=1, keepdims=True), 1e-12)
    return np.minimum(whole, 1.0)
