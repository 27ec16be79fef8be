"""Which boxes lie in or near the lungs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

MARGIN_MM = 10.0  # a nodule on the pleura may be marked off its middle


def near_lungs(
    labels: NDArray[Any], boxes_edge: NDArray[Any], spacing_mm: Sequence[float], margin_mm: float = MARGIN_MM
) -> NDArray[np.bool_]:
    """Tell of each box whether lung is no further away than a margin, along each axis.

    Args:
        labels: ``(I, J, K)``, not 0 in the lungs; see :func:`~lungdet.geometry.lung_mask.lung_mask`.
        boxes_edge: ``(N, 6)`` in the edge frame of ``labels``, min corner then max corner; may reach out of it.
        spacing_mm: voxel size along the axes.
        margin_mm: the margin.

    Returns:
        ``(N,)``. Without any lung nothing is near; whether that is a reason to drop all is the caller's.

    Raises:
        ValueError: boxes are not ``(N, 6)``, or the margin is negative or no number.

    Example:
        >>> labels = np.zeros((20, 20, 20), dtype=np.uint8)
        >>> labels[:8] = 1
        >>> boxes = np.array([[2.0, 2, 2, 4, 4, 4], [12, 2, 2, 14, 4, 4]])
        >>> near_lungs(labels, boxes, (1.0, 1.0, 1.0), margin_mm=3.0).tolist()
        [True, False]
    """
    boxes = np.asarray(boxes_edge, dtype=np.float64)
    if boxes.ndim != 2 or boxes.shape[1] != 6:
        raise ValueError(f"boxes must be (N, 6), got {boxes.shape}")
    if not 0 <= margin_mm < np.inf:
        raise ValueError(f"margin_mm must not be negative, got {margin_mm}")
    margin = margin_mm / np.asarray(spacing_mm, dtype=np.float64)
    low = np.clip(np.floor(boxes[:, :3] - margin), 0, labels.shape).astype(int)
    high = np.clip(np.ceil(boxes[:, 3:] + margin), 0, labels.shape).astype(int)
    spans = ((slice(*ends) for ends in zip(first, last, strict=True)) for first, last in zip(low, high, strict=True))
    return np.array([labels[tuple(span)].any() for span in spans], dtype=bool)
