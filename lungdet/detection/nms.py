"""Non-maximum suppression of 3D boxes, by overlap or by distance.

Boxes are walked down by score; one that is still alive drops the lower-scored boxes it is in conflict with. Scattered
boxes, the usual case, cost far less than all pairs, since pairs that can meet are found by sorting along one axis. It
is done in NumPy, which keeps to one thread and needs no GPU for a few thousand boxes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[Any]
Conflict = Callable[[Any, Array], Array]  # positions of the better and the worse boxes -> bool
MAX_PAIRS = 3_000_000  # about 100 MB of indices
WALK_AT_ONCE = 64


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

    def conflict(better: Array, worse: Array) -> Array:
        sides = np.minimum(array[better, 3:], array[worse, 3:]) - np.maximum(array[better, :3], array[worse, :3])
        shared = np.prod(np.clip(sides, 0, None), axis=1)
        union: Array = volume[better] + volume[worse] - shared
        return np.asarray(shared > iou_threshold * union)

    alive = _walk_down(array, conflict)
    return torch.from_numpy(order[alive][:max_boxes].copy()).to(boxes.device)


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
    radius = np.maximum(radius * radius_factor, min_distance)

    def conflict(better: Array, worse: Array) -> Array:
        return np.asarray(((center[better] - center[worse]) ** 2).sum(axis=1) < radius[better] ** 2)

    # Two balls of which one holds the other's centre meet, and so do the cubes around them.
    alive = _walk_down(np.concatenate([center - radius[:, None], center + radius[:, None]], axis=1), conflict)
    return torch.from_numpy(order[alive][:max_boxes].copy()).to(boxes.device)


def _by_falling_score(boxes: Tensor, scores: Tensor) -> tuple[Array, Array]:
    """Check, and return the boxes sorted by falling score (float64) and their indices in the input."""
    if boxes.ndim != 2 or boxes.shape[1] != 6 or scores.shape != boxes.shape[:1]:
        raise ValueError(f"boxes must be (N, 6) and scores (N,), got {tuple(boxes.shape)} and {tuple(scores.shape)}")
    order = np.argsort(-scores.detach().double().cpu().numpy(), kind="stable")
    return boxes.detach().double().cpu().numpy()[order], order


def _walk_down(reach: Array, conflict: Conflict) -> Array:
    """Return which boxes survive.

    Args:
        reach: ``(N, 6)`` by falling score: boxes whose reaches do not meet are never in conflict.
        conflict: tells which pairs are in conflict.

    Returns:
        ``(N,)`` bool.
    """
    alive = np.ones(len(reach), dtype=bool)
    rest = np.arange(len(reach))
    sweep = _Sweep(reach)
    while sweep.pairs > MAX_PAIRS:  # a heap of boxes: the best ones, one at a time, usually clear it
        for box in rest[:WALK_AT_ONCE]:
            if alive[box]:
                worse = rest[(rest > box) & alive[rest]]
                alive[worse[conflict(np.full(len(worse), box), worse)]] = False
        rest = rest[WALK_AT_ONCE:]
        rest = rest[alive[rest]]
        sweep = _Sweep(reach[rest])
    first, second = sweep.meeting()
    better, worse = rest[np.minimum(first, second)], rest[np.maximum(first, second)]
    over = conflict(better, worse)
    _drop(alive, better[over], worse[over])
    return alive


def _drop(alive: Array, better: Array, worse: Array) -> None:
    """Walk down the pairs in conflict, in place."""
    if better.size == 0:
        return
    order = np.argsort(better, kind="stable")
    better, worse = better[order], worse[order]
    boxes, starts = np.unique(better, return_index=True)
    for box, victims in zip(boxes, np.split(worse, starts[1:]), strict=True):
        if alive[box]:
            alive[victims] = False


class _Sweep:
    """The pairs of boxes that meet, by sorting along the axis on which they are spread widest.

    Attributes:
        pairs: how many pairs meet along that axis.
    """

    def __init__(self, boxes: Array) -> None:
        self.boxes = boxes
        self.axis = int(np.argmax(np.ptp(boxes[:, :3], axis=0))) if len(boxes) else 0
        self.order = np.argsort(boxes[:, self.axis], kind="stable")
        low, high = boxes[self.order, self.axis], boxes[self.order, self.axis + 3]
        self.first = np.arange(1, len(boxes) + 1)
        begun = np.searchsorted(low, high, side="right")  # boxes that begin before this one ends
        self.counts = np.maximum(begun - self.first, 0)
        self.pairs = int(self.counts.sum())

    def meeting(self) -> tuple[Array, Array]:
        """Return the pairs that meet along all three axes, each once, as two index arrays."""
        before = np.cumsum(self.counts) - self.counts
        a = np.repeat(np.arange(len(self.boxes)), self.counts)
        b = np.arange(self.pairs) + np.repeat(self.first - before, self.counts)
        a, b = self.order[a], self.order[b]
        for axis in {0, 1, 2} - {self.axis}:
            low, high = self.boxes[:, axis], self.boxes[:, axis + 3]
            meet = (low[a] <= high[b]) & (low[b] <= high[a])
            a, b = a[meet], b[meet]
        return a, b
