"""Network outputs as float64 arrays of a known shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def as_rows(name: str, values: Any, width: int | None = None) -> FloatArray:
    """Return ``values`` as a finite ``(N, width)`` array.

    Args:
        name: what it is, for the error.
        values: an array, nested lists, or a tensor of any device and precision.
        width: wanted length of a row; None takes any.

    Raises:
        ValueError: another shape, or a value that is not finite.

    Example:
        >>> as_rows("logits", [[1, 2]], 2).tolist()
        [[1.0, 2.0]]
    """
    array = as_array(values)
    if array.ndim != 2 or (width is not None and array.shape[1] != width):
        raise ValueError(f"{name} must be (N, {'D' if width is None else width}), got {array.shape}")
    if not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).any(axis=1).sum())
        raise ValueError(f"{name}: {bad} of {len(array)} rows are not finite; the network's output cannot be trusted")
    return array


def as_array(values: Any) -> FloatArray:
    """Return ``values`` as float64; a tensor leaves its graph, device and precision (NumPy has no bfloat16)."""
    if hasattr(values, "detach"):
        values = values.detach().double().cpu().numpy()
    return np.asarray(values, dtype=np.float64)


def as_targets(labels: Any, count: int, classes: int) -> FloatArray:
    """Return labels as zeros and ones.

    Args:
        labels: ``(N,)`` class indices, or ``(N, K)`` zeros and ones.
        count: ``N``.
        classes: ``K``.

    Returns:
        ``(N, K)``.

    Raises:
        ValueError: the labels do not fit.

    Example:
        >>> as_targets([1, 0], 2, 3).tolist()
        [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    array = as_array(labels)
    if array.ndim == 1:
        if len(array) != count or not np.isin(array, np.arange(classes)).all():
            raise ValueError(f"labels must be {count} class indices from 0 to {classes - 1}, got {array[:8]}")
        return np.eye(classes, dtype=np.float64)[array.astype(np.int64)]
    if array.shape != (count, classes) or not np.isin(array, (0.0, 1.0)).all():
        raise ValueError(f"labels must be ({count}, {classes}) zeros and ones, got shape {array.shape}")
    return array
