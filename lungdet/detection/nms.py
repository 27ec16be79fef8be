"""Non-maximum suppression of 3D boxes, by overlap or by distance.

Both kinds look for pairs in conflict, then walk down the scores: a box that is still alive drops the lower-scored
boxes it is in conflict with. Pairs are found by sorting along one axis, so scattered boxes, the usual case, cost far
less than all pairs. It is done in NumPy, which keeps to one thread and needs no GPU for a few thousand boxes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[Any]
PAIRS_AT_ONCE = 1_000_000


def nms(
    boxes: Tensor,
    scores: Tensor,
    kind: Literal["distance", "iou"] = "distance",
    iou_threshold: float = 0.1,
    radius_factor: float = 1.0,
    min_distance: float = 0.0,
    max_boxes: int | None = None,
) -> Tensor:
    """Choose the boxes to keep; see :func:`nms_by_distance` and :func:`nms_by_iou`."""
    if kind == "distance":
        return nms_by_distance(boxes, scores, radius_factor, min_distance, max_boxes)
    if kind == "iou":
        return nms_by_iou(boxes, scores, iou_threshold, max_boxes)
    raise ValueError(f"kind must be 'distance' or 'iou', got {kind!r}")


def nms_by_iou(boxes: Tensor, scores: Tensor, iou_threshold: float, max_boxes: int | None = None) -> Tensor:
    """Drop every box whose overlap (IoU) with a better one that is kept exceeds the threshold.

    Args:
        boxes: ``(N, 6)``, min corner then max corner.
        scores: ``(N,)``; of equal scores the earlier one is better.
        iou_threshold: in [0, 1].
        max_boxes: how many to keep at most.

    Returns:
        Indices of the boxes to keep, by falling score, int64.

    Raises:
        ValueError: shapes do not fit.

    Example:
        >>> boxes = torch.tensor([[0.0, 0, 0, 4, 4, 4], [1, 0, 0, 5, 4, 4], [9, 9, 9, 12, 12, 12]])
        >>> nms_by_iou(boxes, torch.tensor([0.8, 0.9, 0.3]), iou_threshold=0.5).tolist()
        [1, 2]
    """
    array, order = _by_falling_score(boxes, scores)
    volume = np.prod(array[:, 3:] - array[:, :3], axis=1)
    conflicts = []
    for a, b in _meeting_pairs(array):
        sides = np.minimum(array[a, 3:], array[b, 3:]) - np.maximum(array[a, :3], array[b, :3])
        shared = np.prod(np.clip(sides, 0, None), axis=1)
        union = volume[a] + volume[b] - shared
        over = shared > iou_threshold * union
        conflicts.append(np.stack([np.minimum(a, b)[over], np.maximum(a, b)[over]]))
    return _survivors(conflicts, order, max_boxes, boxes.device)


def nms_by_distance(
    boxes: Tensor,
    scores: Tensor,
    radius_factor: float = 1.0,
    min_distance: float = 0.0,
    max_boxes: int | None = None,
) -> Tensor:
    """Drop every box whose centre lies within a better box's ball, the way LUNA16 decides what is a hit.

    The ball's radius is ``radius_factor`` times half the geometric mean of the better box's sides, and at least
    ``min_distance``.

    Args:
        boxes: ``(N, 6)``, min corner then max corner, on axes of equal spacing.
        scores: ``(N,)``; of equal scores the earlier one is better.
        radius_factor: radius of the ball over that of the box.
        min_distance: least radius of the ball, in the unit of the boxes.
        max_boxes: how many to keep at most.

    Returns:
        Indices of the boxes to keep, by falling score, int64.

    Raises:
        ValueError: shapes do not fit.

    Example:
        >>> boxes = torch.tensor([[0.0, 0, 0, 4, 4, 4], [1, 0, 0, 5, 4, 4], [3, 0, 0, 7, 4, 4]])
        >>> nms_by_distance(boxes, torch.tensor([0.9, 0.8, 0.3])).tolist()
        [0, 2]
    """
    array, order = _by_falling_score(boxes, scores)
    center = (array[:, :3] + array[:, 3:]) / 2
    radius = np.cbrt(np.prod(np.clip(array[:, 3:] - array[:, :3], 0, None), axis=1)) / 2
    radius = np.maximum(radius * radius_factor, min_distance)[:, None]
    conflicts = []
    # Two balls of which one holds the other's centre meet.
    for a, b in _meeting_pairs(np.concatenate([center - radius, center + radius], axis=1)):
        better, worse = np.minimum(a, b), np.maximum(a, b)
        over = ((center[better] - center[worse]) ** 2).sum(axis=1) < radius[better, 0] ** 2
        conflicts.append(np.stack([better[over], worse[over]]))
    return _survivors(conflicts, order, max_boxes, boxes.device)


def _by_falling_score(boxes: Tensor, scores: Tensor) -> tuple[Array, Array]:
    """Check, and return the boxes sorted by falling score (float64) and their indices in the input."""
    if boxes.ndim != 2 or boxes.shape[1] != 6 or scores.shape != boxes.shape[:1]:
        raise ValueError(f"boxes must be (N, 6) and scores (N,), got {tuple(boxes.shape)} and {tuple(scores.shape)}")
    order = np.argsort(-scores.detach().double().cpu().numpy(), kind="stable")
    return boxes.detach().double().cpu().numpy()[order], order


def _meeting_pairs(boxes: Array) -> Iterator[tuple[Array, Array]]:
    """Yield the index pairs of boxes that meet, each pair once, about a million candidates at a time."""
    if len(boxes) < 2:
        return
    axis = int(np.argmax(boxes[:, :3].std(axis=0)))
    order = np.argsort(boxes[:, axis], kind="stable")
    low, high = boxes[order, axis], boxes[order, axis + 3]
    first = np.arange(1, len(boxes) + 1)
    counts = np.maximum(np.searchsorted(low, high, side="right") - first, 0)  # boxes that begin before this one ends
    ends = np.cumsum(counts)
    start = 0
    while start < len(boxes):
        done = ends[start - 1] if start else 0
        stop = max(int(np.searchsorted(ends, done + PAIRS_AT_ONCE, side="right")), start + 1)
        piece = counts[start:stop]
        a = np.repeat(np.arange(start, stop), piece)
        within = np.arange(piece.sum()) - np.repeat(np.cumsum(piece) - piece, piece)
        b = first[a] + within
        a, b = order[a], order[b]
        for other in {0, 1, 2} - {axis}:
            meet = (boxes[a, other] <= boxes[b, other + 3]) & (boxes[b, other] <= boxes[a, other + 3])
            a, b = a[meet], b[meet]
        yield a, b
        start = stop


def _survivors(conflicts: list[Array], order: Array, max_boxes: int | None, device: torch.device) -> Tensor:
    """Walk down the scores; return indices into the caller's boxes.

    Args:
        conflicts: ``(2, M)`` arrays of (better, worse) positions in the sorted boxes.
        order: caller's index of each sorted box.
        max_boxes: how many to keep at most.
        device: where the result goes.
    """
    alive = np.ones(len(order), dtype=bool)
    better, worse = np.concatenate([np.empty((2, 0), dtype=np.int64), *conflicts], axis=1)
    if better.size:
        by_better = np.argsort(better, kind="stable")
        better, worse = better[by_better], worse[by_better]
        boxes, starts = np.unique(better, return_index=True)
        for box, victims in zip(boxes, np.split(worse, starts[1:]), strict=True):
            if alive[box]:
                alive[victims] = False
    return torch.from_numpy(order[alive][:max_boxes].copy()).to(device)
