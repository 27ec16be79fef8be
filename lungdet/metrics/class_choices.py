"""Labels and probabilities of pictures as matrices of yes and no: a row for each picture, a column for each class."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Matrix = NDArray[np.bool_]
NO_CLASS = -1  # a label that says: none of the classes


def truth_matrix(labels: ArrayLike, num_classes: int) -> Matrix:
    """Turn labels into one row for each picture.

    Args:
        labels: ``(N,)`` whole numbers from 0, or -1 for "none of the classes"; or ``(N, K)`` zeros and ones, where a
            picture may have several classes or none; a row of -1 is one of zeros.
        num_classes: ``K``.

    Returns:
        ``(N, K)``.

    Raises:
        ValueError: a label is none of the classes, or the shape does not fit.

    Example:
        >>> truth_matrix([2, 0, -1], 3).astype(int).tolist()
        [[0, 0, 1], [1, 0, 0], [0, 0, 0]]
        >>> truth_matrix([[1, 0, 1]], 3).tolist()
        [[True, False, True]]
    """
    values = np.asarray(labels)
    if values.ndim == 2:
        return _several(values, num_classes)
    if values.ndim != 1:
        raise ValueError(f"labels must be (N,) or (N, {num_classes}), got {values.shape}")
    if not np.equal(values, np.round(values)).all():
        raise ValueError("labels (N,) must be whole numbers; give (N, K) zeros and ones for several classes")
    wrong = values[(values < NO_CLASS) | (values >= num_classes)]
    if len(wrong):
        raise ValueError(f"labels must be from -1 to {num_classes - 1}, got {wrong[0]}: does the class list fit?")
    return np.asarray(values[:, None] == np.arange(num_classes))


def choose_classes(
    probabilities: ArrayLike, multi_label: bool = False, thresholds: ArrayLike = 0.5, at_least_one: bool = False
) -> Matrix:
    """Choose the classes of each picture.

    Args:
        probabilities: ``(N, K)``; for a single label anything that rises with them, such as logits.
        multi_label: all classes that reach their threshold; otherwise the best, the first of equals.
        thresholds: one for all classes, ``(K,)``, or ``(N, 1)``; for several labels only.
        at_least_one: choose the best class where none reaches its threshold.

    Returns:
        ``(N, K)``.

    Raises:
        ValueError: the probabilities are no matrix, or there is no class.

    Example:
        >>> choose_classes([[0.2, 0.7, 0.6]]).astype(int).tolist()
        [[0, 1, 0]]
        >>> choose_classes([[0.2, 0.7, 0.6]], multi_label=True).astype(int).tolist()
        [[0, 1, 1]]
    """
    values = np.asarray(probabilities, dtype=np.float64)
    if values.ndim != 2 or not values.shape[1]:
        raise ValueError(f"probabilities must be (N, K) with K > 0, got {values.shape}")
    best = np.asarray(values.argmax(axis=1)[:, None] == np.arange(values.shape[1]))
    if not multi_label:
        return best
    chosen = np.asarray(values >= np.asarray(thresholds, dtype=np.float64))
    return np.asarray(chosen | (best & ~chosen.any(axis=1, keepdims=True))) if at_least_one else chosen


def _several(values: NDArray[np.generic], num_classes: int) -> Matrix:
    if values.shape[1] != num_classes:
        raise ValueError(f"labels of several classes must be (N, {num_classes}), got {values.shape}")
    numbers = np.where((values == NO_CLASS).all(axis=1, keepdims=True), 0, values)
    if not np.isin(numbers, (0, 1)).all():
        raise ValueError("labels of several classes must be 0 or 1")
    return np.asarray(numbers == 1)
