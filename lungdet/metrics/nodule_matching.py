"""Which marks of a scan hit which nodules, by the rules of LUNA16, with balls or with boxes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .box_overlap import as_boxes, pairwise_iou

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
MISSED = -math.inf
UNKNOWN_DIAMETER_MM = 10.0  # LUNA16 writes a diameter of -1 on findings that nobody measured


@dataclass(frozen=True)
class ScanMatch:
    """What became of the marks and the nodules of one scan; all that a FROC curve needs.

    Attributes:
        nodule_scores: for each nodule the highest score of the marks on it; minus infinity if none found it.
        false_scores: scores of the marks on nothing.
        marks: number of marks that were kept.
        double_hits: marks on a nodule beyond its best one; they count neither way.
        on_excluded: marks on excluded findings alone; they count neither way.
        strata: labels of the nodules by kind, such as ``{"size": ("3-6 mm", "6-10 mm")}``.
    """

    nodule_scores: tuple[float, ...]
    false_scores: tuple[float, ...]
    marks: int
    double_hits: int = 0
    on_excluded: int = 0
    strata: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind, labels in self.strata.items():
            if len(labels) != self.nodules:
                raise ValueError(
                    f"stratum {kind!r} needs a label for each of {self.nodules} nodules, got {len(labels)}"
                )

    @property
    def nodules(self) -> int:
        """Number of nodules in the scan, found or not."""
        return len(self.nodule_scores)

    @property
    def hit_scores(self) -> tuple[float, ...]:
        """Best scores of the nodules that were found."""
        return tuple(score for score in self.nodule_scores if score > MISSED)


def match_scan(
    marks_mm: ArrayLike,
    scores: ArrayLike,
    nodules_mm: ArrayLike,
    diameters_mm: ArrayLike,
    excluded_mm: ArrayLike | None = None,
    excluded_diameters_mm: ArrayLike | None = None,
    max_marks: int | None = 100,
    strata: Mapping[str, Sequence[object]] | None = None,
) -> ScanMatch:
    """Match the marks of one scan with its nodules (Setio et al., Medical Image Analysis 42, 2017).

    A mark hits a nodule when the distance of the centres is less than the nodule's radius. Of several marks on one
    nodule the highest score counts and the others are ignored; so are marks on excluded findings. Where a scan has more
    than ``max_marks`` marks, those above the score of the next one are kept, so ties there are dropped together.

    Args:
        marks_mm: ``(N, 3)`` centres of the marks, in any frame of mm shared with the nodules.
        scores: ``(N,)``, any finite numbers; only their order counts.
        nodules_mm: ``(M, 3)`` centres of the nodules.
        diameters_mm: ``(M,)``; a negative one means 10 mm.
        excluded_mm: ``(K, 3)`` centres of findings that are neither nodules nor errors.
        excluded_diameters_mm: ``(K,)`` likewise.
        max_marks: how many marks count; None for all.
        strata: for each kind of strata, ``M`` labels of the nodules.

    Returns:
        The match.

    Raises:
        ValueError: numbers of centres and of scores, diameters or labels differ, or a number is not finite.

    Example:
        >>> match = match_scan([[0, 0, 1], [0, 0, 2], [50, 0, 0]], [0.5, 0.9, 0.3], [[0, 0, 0]], [6.0])
        >>> match.hit_scores, match.false_scores, match.double_hits
        ((0.9,), (0.3,), 1)
    """
    marks, score = _points(marks_mm, scores, "marks and scores")
    nodules, diameters = _points(nodules_mm, diameters_mm, "nodules and diameters")
    kept = _best(score, max_marks)
    marks, score = marks[kept], score[kept]
    on_excluded = _on_excluded(marks, excluded_mm, excluded_diameters_mm)
    return _resolve(score, inside_balls(marks, nodules, diameters), on_excluded, strata)


def match_boxes(
    boxes: ArrayLike,
    scores: ArrayLike,
    nodule_boxes: ArrayLike,
    min_iou: float,
    excluded: ArrayLike | None = None,
    excluded_diameters: ArrayLike | None = None,
    max_marks: int | None = None,
    strata: Mapping[str, Sequence[object]] | None = None,
) -> ScanMatch:
    """Match the boxes found in one scan, or in one image, with its true boxes.

    A box hits a true one when their IoU is at least ``min_iou``; the rest is as in :func:`match_scan`. A box that hits
    is never a false positive, even where a better one found the same nodule before. That is DeepLesion's rule as well;
    :class:`~lungdet.metrics.AveragePrecision` counts it as an error. Whether a box lies on an excluded finding is told
    by its centre, since most excluded findings have no size.

    Args:
        boxes: ``(N, 6)``, or ``(N, 4)`` in a slice, min corner then max corner.
        scores: ``(N,)``, any finite numbers.
        nodule_boxes: ``(M, 6)`` or ``(M, 4)``, in the same frame.
        min_iou: the least overlap, in ``(0, 1]``.
        excluded: ``(K, D)`` centres of findings that are neither nodules nor errors, in the frame of the boxes.
        excluded_diameters: ``(K,)``.
        max_marks: how many boxes count; None for all.
        strata: for each kind of strata, ``M`` labels of the nodules.

    Returns:
        The match.

    Raises:
        ValueError: shapes do not fit, or a number is not finite.

    Example:
        >>> match_boxes([[0, 0, 4, 4], [9, 9, 12, 12]], [0.8, 0.6], [[0, 0, 4, 3]], min_iou=0.5).nodule_scores
        (0.8,)
    """
    found, truth = as_boxes(boxes), as_boxes(nodule_boxes)
    if len(found) == 0:
        found = found.reshape(0, truth.shape[1])  # nothing at all has no number of axes of its own
    centers = (found[:, : found.shape[1] // 2] + found[:, found.shape[1] // 2 :]) / 2
    centers, score = _points(centers, scores, "boxes and scores", found.shape[1] // 2)
    kept = _best(score, max_marks)
    hits: Mask = pairwise_iou(found[kept], truth) >= min_iou
    return _resolve(score[kept], hits, _on_excluded(centers[kept], excluded, excluded_diameters), strata)


def _resolve(score: Array, hits: Mask, on_excluded: Mask, strata: Mapping[str, Sequence[object]] | None) -> ScanMatch:
    """Settle what each mark is, from ``hits``, ``(marks, nodules)``."""
    on_nodule = hits.any(axis=1)
    ignored = on_excluded & ~on_nodule
    best = np.where(hits, score[:, None], MISSED).max(axis=0, initial=MISSED)
    return ScanMatch(
        nodule_scores=tuple(best.tolist()),
        false_scores=tuple(score[~on_nodule & ~ignored].tolist()),
        marks=len(score),
        double_hits=int(np.maximum(hits.sum(axis=0) - 1, 0).sum()),
        on_excluded=int(ignored.sum()),
        strata={kind: tuple(map(str, labels)) for kind, labels in (strata or {}).items()},
    )


def _best(score: Array, max_marks: int | None) -> Mask:
    """Tell which marks are kept."""
    if not np.isfinite(score).all():
        raise ValueError(f"scores must be finite, got {score[~np.isfinite(score)][0]}")
    if max_marks is None or len(score) <= max_marks:
        return np.ones(len(score), dtype=np.bool_)
    return np.asarray(score > np.sort(score)[-max_marks - 1])


def _on_excluded(marks: Array, excluded: ArrayLike | None, diameters: ArrayLike | None) -> Mask:
    centers, sizes = _points(
        () if excluded is None else excluded,
        () if diameters is None else diameters,
        "excluded findings and diameters",
        marks.shape[1],
    )
    return np.asarray(inside_balls(marks, centers, sizes).any(axis=1))


def _points(points: ArrayLike, values: ArrayLike, what: str, axes: int = 3) -> tuple[Array, Array]:
    """Return ``(N, axes)`` points and the ``(N,)`` numbers that go with them."""
    array, numbers = np.asarray(points, dtype=np.float64), np.asarray(values, dtype=np.float64)
    array = array.reshape(0, axes) if array.size == 0 else array
    if array.ndim != 2 or array.shape[1] != axes or numbers.shape != array.shape[:1]:
        raise ValueError(f"{what} must be (N, {axes}) and (N,), got {array.shape} and {numbers.shape}")
    if not np.isfinite(array).all() or np.isnan(numbers).any():
        raise ValueError(f"{what} must be finite")
    return array, numbers


def inside_balls(marks: Array, centers: Array, diameters: Array) -> Mask:
    """Tell which mark lies within which ball: ``(marks, centers)``; a negative diameter means 10 mm."""
    if len(marks) == 0 or len(centers) == 0:
        return np.zeros((len(marks), len(centers)), dtype=np.bool_)
    radius = np.where(diameters < 0, UNKNOWN_DIAMETER_MM, diameters) / 2
    squared = ((marks[:, None] - centers[None]) ** 2).sum(axis=2)
    return np.asarray(squared < radius**2)
