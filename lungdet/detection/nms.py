"""Non-maximum suppression of 3D boxes, by overlap or by distance.

Boxes are walked down by score; one that is still alive drops the lower-scored boxes it is in conflict with. Two ways
lead to the same result, and the cheaper one is taken as the work goes on: scattered boxes, the usual case, are sorted
along an axis, so that only pairs that meet are looked at; in a heap the best boxes, one at a time, soon clear the rest.
It is done in NumPy, which keeps to one thread and needs no GPU for a few thousand boxes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[Any]
Conflict = Callable[[Any, Array], Array]  # position or positions of the better box, and of the worse ones -> bool
FEW_PAIRS = 100_000  # so few are looked at in a few milliseconds
MAX_PAIRS = 3_000_000  # about 100 MB of indices
WALK_AT_ONCE = 32
WORTH_A_WALK = 6  # boxes that one must drop on average for the walk to be cheaper than the pairs
EPSILON = np.float32(torch.finfo(torch.float32).eps)


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

    The result is that of ``monai.data.box_utils.non_max_suppression``, index for index: the IoU is computed in float32
    as it is there, and compared with the threshold in the precision of the boxes, so that ties fall alike.

    Args:
        boxes: ``(N, 6)``, min corner then max corner.
        scores: ``(N,)``; of equal scores the earlier one is better.
        iou_threshold: in [0, 1].
        max_boxes: how many to keep at most.

    Returns:
        Indices of the boxes to keep, by falling score, int64.

    Raises:
        ValueError: shapes do not fit, a box is not finite, or a max corner lies below its min corner.

    Example:
        >>> boxes = torch.tensor([[0.0, 0, 0, 4, 4, 4], [1, 0, 0, 5, 4, 4], [9, 9, 9, 12, 12, 12]])
        >>> nms_by_iou(boxes, torch.tensor([0.8, 0.9, 0.3]), iou_threshold=0.5).tolist()
        [1, 2]
    """
    precision = boxes.dtype if boxes.is_floating_point() else torch.float32
    array, order = _by_falling_score(boxes, scores, np.float32)
    volume = np.prod(array[3:] - array[:3], axis=0, dtype=np.float32)

    def conflict(better: Any, worse: Array) -> Array:
        shared = None
        for axis in range(3):  # in this order, since a product in another order is rounded otherwise
            ends = np.minimum(array[axis + 3][better], array[axis + 3][worse])
            side = np.maximum(ends - np.maximum(array[axis][better], array[axis][worse]), np.float32(0))
            shared = side if shared is None else shared * side
        overlap = shared / (volume[better] + volume[worse] - shared + EPSILON)
        return np.asarray(torch.from_numpy(overlap).to(precision) > iou_threshold)

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
        ValueError: shapes do not fit, a box is not finite, or a max corner lies below its min corner.

    Example:
        >>> boxes = torch.tensor([[0.0, 0, 0, 4, 4, 4], [1, 0, 0, 5, 4, 4], [3, 0, 0, 7, 4, 4]])
        >>> nms_by_distance(boxes, torch.tensor([0.9, 0.8, 0.3])).tolist()
        [0, 2]
    """
    array, order = _by_falling_score(boxes, scores, np.float64)
    center = (array[:3] + array[3:]) / 2
    radius = np.cbrt(np.prod(array[3:] - array[:3], axis=0)) / 2
    radius = np.maximum(radius * radius_factor, min_distance)
    reach = radius**2

    def conflict(better: Any, worse: Array) -> Array:
        squared = sum((axis[better] - axis[worse]) ** 2 for axis in center)
        return np.asarray(squared < reach[better])

    # Two balls of which one holds the other's centre meet, and so do the cubes around them.
    alive = _walk_down(np.concatenate([center - radius, center + radius]), conflict)
    return torch.from_numpy(order[alive][:max_boxes].copy()).to(boxes.device)


def _by_falling_score(boxes: Tensor, scores: Tensor, dtype: type[np.floating[Any]]) -> tuple[Array, Array]:
    """Check, and return the boxes as ``(6, N)`` sorted by falling score, and their indices in the input."""
    if boxes.ndim != 2 or boxes.shape[1] != 6 or scores.shape != boxes.shape[:1]:
        raise ValueError(f"boxes must be (N, 6) and scores (N,), got {tuple(boxes.shape)} and {tuple(scores.shape)}")
    array = boxes.detach().cpu().double().numpy()
    bad = ~np.isfinite(array).all(axis=1) | (array[:, 3:] < array[:, :3]).any(axis=1)
    if bad.any():
        place = int(bad.argmax())
        raise ValueError(f"boxes must be finite, min corner then max corner; box {place} is {array[place].tolist()}")
    order = np.argsort(-scores.detach().cpu().double().numpy(), kind="stable")
    return np.ascontiguousarray(array[order].T, dtype=dtype), order


def _walk_down(reach: Array, conflict: Conflict) -> Array:
    """Return which boxes survive.

    Args:
        reach: ``(6, N)`` by falling score: boxes whose reaches do not meet are never in conflict.
        conflict: tells which pairs are in conflict.

    Returns:
        ``(N,)`` bool.
    """
    alive = np.ones(reach.shape[1], dtype=bool)
    rest = np.arange(reach.shape[1])
    sweep = _Sweep(reach)
    pays = True
    while sweep.pairs > MAX_PAIRS or (pays and sweep.pairs > FEW_PAIRS):
        before = len(rest)
        rest = _walk(alive, rest, conflict)
        pays = before - len(rest) >= WORTH_A_WALK * WALK_AT_ONCE
        sweep = _Sweep(reach[:, rest])
    first, second = sweep.meeting()
    better, worse = rest[np.minimum(first, second)], rest[np.maximum(first, second)]
    over = conflict(better, worse)
    _drop(alive, better[over], worse[over])
    return alive


def _walk(alive: Array, rest: Array, conflict: Conflict) -> Array:
    """Let the best of ``rest`` drop what they are in conflict with, in place, and return who is left to be judged."""
    for box in rest[:WALK_AT_ONCE]:
        if alive[box]:
            worse = rest[(rest > box) & alive[rest]]
            alive[worse[conflict(box, worse)]] = False
    rest = rest[WALK_AT_ONCE:]
    return rest[alive[rest]]


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
    """The pairs of boxes that meet, by sorting along the axis on which the fewest do.

    Attributes:
        pairs: how many pairs meet along that axis.
    """

    def __init__(self, boxes: Array) -> None:
        self.boxes = boxes
        self.first = np.arange(1, boxes.shape[1] + 1)
        swept = [self._along(axis) for axis in range(3)]
        self.axis = int(np.argmin([counts.sum() for _, counts in swept]))
        self.order, self.counts = swept[self.axis]
        self.pairs = int(self.counts.sum())

    def _along(self, axis: int) -> tuple[Array, Array]:
        """Return the order along an axis, and how many of the following boxes each one meets there."""
        order = np.argsort(self.boxes[axis], kind="stable")
        low, high = self.boxes[axis][order], self.boxes[axis + 3][order]
        begun = np.searchsorted(low, high, side="right")  # boxes that begin before this one ends
        return order, np.maximum(begun - self.first, 0)

    def meeting(self) -> tuple[Array, Array]:
        """Return the pairs that meet along all three axes, each once, as two index arrays."""
        before = np.cumsum(self.counts) - self.counts
        a = np.repeat(np.arange(self.boxes.shape[1]), self.counts)
        b = np.arange(self.pairs) + np.repeat(self.first - before, self.counts)
        a, b = self.order[a], self.order[b]
        for axis in {0, 1, 2} - {self.axis}:
            low, high = self.boxes[axis], self.boxes[axis + 3]
            meet = (low[a] <= high[b]) & (low[b] <= high[a])
            a, b = a[meet], b[meet]
        return a, b
