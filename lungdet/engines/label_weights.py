"""How much each class counts in a loss, from how often a training list has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np


def count_labels(items: Iterable[Mapping[str, Any]], num_classes: int, key: str = "label") -> list[int]:
    """Count the pictures of each class.

    Args:
        items: ``key`` of each holds a class, or ``(num_classes,)`` of 0 and 1.
        num_classes: how many classes there are.
        key: of the label.

    Raises:
        ValueError: a label is no class, or is as long as another list of classes.

    Example:
        >>> count_labels([{"label": 1}, {"label": 1}, {"label": 2}], 3)
        [0, 2, 1]
        >>> count_labels([{"label": [1, 0, 1]}, {"label": [0, 0, 1]}], 3)
        [1, 0, 2]
    """
    counts = np.zeros(num_classes, dtype=np.int64)
    for item in items:
        label = np.asarray(item[key])
        if label.ndim == 0 and 0 <= label < num_classes:
            counts[int(label)] += 1
        elif label.shape == (num_classes,):
            counts += label > 0
        else:
            name = item.get("image", "an item")
            raise ValueError(f"{name}: the label {label.tolist()} is none of {num_classes} classes")
    return [int(count) for count in counts]


def label_weights(
    items: Sequence[Mapping[str, Any]],
    num_classes: int,
    multi_label: bool = False,
    balance: float = 0.5,
    most: float = 5.0,
    key: str = "label",
) -> list[float]:
    """Weigh classes against their imbalance, within bounds.

    A class with ``n`` of ``N`` pictures, among ``K`` classes, counts ``(N / (K * n)) ** balance`` times, at most
    ``most`` and at least ``1 / most`` times, scaled so that a picture counts once on average. Where a picture has
    several labels, a present label counts ``((N - n) / n) ** balance`` times an absent one, between 1 and ``most``. A
    class that no picture has counts 1.

    Args:
        items: of the training.
        num_classes: ``K``.
        multi_label: a picture may have several labels.
        balance: 0 leaves things as they are, 1 makes all classes alike (up to the bounds).
        most: the bound; rare classes with unbounded weights make a training unsteady.
        key: of the label in an item.

    Returns:
        ``K`` weights, for :class:`lungdet.losses.LabelLoss`.

    Raises:
        ValueError: ``balance`` or ``most`` is out of its range, or a label is no class.

    Example:
        >>> pictures = [{"label": 0}] * 8 + [{"label": 1}] * 2
        >>> [round(weight, 3) for weight in label_weights(pictures, 2, balance=1.0)]
        [0.625, 2.5]
        >>> label_weights([{"label": [1, 0]}] * 4 + [{"label": [1, 1]}], 2, multi_label=True)
        [1.0, 2.0]
    """
    if not 0 <= balance <= 1 or not most >= 1:
        raise ValueError(f"balance must be in [0, 1] and most at least 1, got {balance} and {most}")
    counts, total = np.array(count_labels(items, num_classes, key), dtype=np.float64), len(items)
    seen = counts > 0
    weights = np.ones(num_classes)
    if multi_label:
        weights[seen] = np.clip(((total - counts[seen]) / counts[seen]) ** balance, 1, most)
    elif seen.any():
        weights[seen] = np.clip((total / (num_classes * counts[seen])) ** balance, 1 / most, most)
        weights /= (weights * counts).sum() / total
    return [float(weight) for weight in weights]
