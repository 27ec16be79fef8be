"""Overlap of boxes in 2D and 3D, in NumPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def pairwise_iou(boxes: ArrayLike, others: ArrayLike) -> Array:
    """Intersection over union of all pairs; that of two boxes without volume is 0.

    Args:
        boxes: ``(N, 6)`` in space or ``(N, 4)`` in a slice, half-open, min corner then max corner, in any frame. Boxes
            with inclusive pixel corners, as in some evaluations of DeepLesion, need 1 added to the max corner first.
        others: ``(M, 6)`` or ``(M, 4)``, in the same frame.

    Returns:
        ``(N, M)`` in ``[0, 1]``.

    Raises:
        ValueError: shapes do not fit.

    Example:
        >>> pairwise_iou([[0, 0, 4, 4]], [[0, 0, 4, 2], [4, 0, 8, 4]]).tolist()
        [[0.5, 0.0]]
    """
    first, second = as_boxes(boxes), as_boxes(others)
    if len(first) == 0 or len(second) == 0:
        return np.zeros((len(first), len(second)))
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"boxes in a slice and boxes in space do not overlap: {first.shape} and {second.shape}")
    half = first.shape[1] // 2
    low = np.maximum(first[:, None, :half], second[None, :, :half])
    high = np.minimum(first[:, None, half:], second[None, :, half:])
    shared = np.prod(np.clip(high - low, 0.0, None), axis=2)
    union = _volumes(first)[:, None] + _volumes(second)[None] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def as_boxes(values: ArrayLike) -> Array:
    """Return ``(N, 6)`` or ``(N, 4)`` float64; nothing at all is ``(0, 6)``.

    Raises:
        ValueError: it is neither, a corner is not finite, or a min corner lies above its max corner.
    """
    boxes = np.asarray(values, dtype=np.float64)
    boxes = boxes.reshape(0, 6) if boxes.size == 0 else boxes
    if boxes.ndim != 2 or boxes.shape[1] not in (4, 6):
        raise ValueError(f"boxes must be (N, 6), or (N, 4) in a slice, got {boxes.shape}")
    if not np.isfinite(boxes).all():
        raise ValueError("corners of boxes must be finite")
    half = boxes.shape[1] // 2
    inverted = (boxes[:, half:] < boxes[:, :half]).any(axis=1)
    if inverted.any():
        raise ValueError(f"boxes are min corner, then max corner, got {boxes[inverted][0].tolist()}")
    return boxes


def cubes(centers: ArrayLike, diameters: ArrayLike) -> Array:
    """Boxes of equal sides around ``(N, D)`` centres, ``(N, 2 D)``.

    Example:
        >>> cubes([[1.0, 2.0, 3.0]], [2.0]).tolist()
        [[0.0, 1.0, 2.0, 2.0, 3.0, 4.0]]
    """
    middle, half = np.asarray(centers, dtype=np.float64), np.asarray(diameters, dtype=np.float64)[:, None] / 2
    return np.concatenate([middle - half, middle + half], axis=1)


def _volumes(boxes: Array) -> Array:
    half = boxes.shape[1] // 2
    return np.asarray(np.prod(np.clip(boxes[:, half:] - boxes[:, :half], 0.0, None), axis=1))
