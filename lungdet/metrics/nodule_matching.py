"""Which marks of a scan hit which nodules, by the rules of LUNA16."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
UNKNOWN_DIAMETER_MM = 10.0  # LUNA16 writes a diameter of -1 on findings that nobody measured


@dataclass(frozen=True)
class ScanMatch:
    """What became of the marks and the nodules of one scan; all that a FROC curve needs.

    Attributes:
        hit_scores: for each nodule that was found, the highest score of the marks on it.
        false_scores: scores of the marks on nothing.
        nodules: number of nodules in the scan, found or not.
        marks: number of marks that were kept.
        double_hits: marks on a nodule beyond its best one; they count neither way.
        on_excluded: marks on excluded findings alone; they count neither way.
    """

    hit_scores: tuple[float, ...]
    false_scores: tuple[float, ...]
    nodules: int
    marks: int
    double_hits: int
    on_excluded: int


def match_scan(
    marks_mm: ArrayLike,
    scores: ArrayLike,
    nodules_mm: ArrayLike,
    diameters_mm: ArrayLike,
    excluded_mm: ArrayLike | None = None,
    excluded_diameters_mm: ArrayLike | None = None,
    max_marks: int = 100,
) -> ScanMatch:
    """Match the marks of one scan with its nodules (Setio et al., Medical Image Analysis 42, 2017).

    A mark hits a nodule when the distance of the centres is less than the nodule's radius. Of several marks on one
    nodule the highest score counts and the others are ignored; so are marks on excluded findings. Where a scan has more
    than ``max_marks`` marks, those above the score of the next one are kept, so ties there are dropped together.

    Args:
        marks_mm: ``(N, 3)`` centres of the marks, in any frame of mm shared with the nodules.
        scores: ``(N,)``.
        nodules_mm: ``(M, 3)`` centres of the nodules.
        diameters_mm: ``(M,)``; a negative one means 10 mm.
        excluded_mm: ``(K, 3)`` centres of findings that are neither nodules nor errors.
        excluded_diameters_mm: ``(K,)`` likewise.
        max_marks: how many marks count.

    Returns:
        The match.

    Raises:
        ValueError: numbers of centres and of scores or diameters differ, or a score is not finite.

    Example:
        >>> match = match_scan([[0, 0, 1], [0, 0, 2], [50, 0, 0]], [0.5, 0.9, 0.3], [[0, 0, 0]], [6.0])
        >>> match.hit_scores, match.false_scores, match.double_hits
        ((0.9,), (0.3,), 1)
    """
    marks, score = _points(marks_mm, scores, "marks and scores")
    nodules, radius = _points(nodules_mm, diameters_mm, "nodules and diameters")
    excluded, excluded_radius = _points(
        () if excluded_mm is None else excluded_mm,
        () if excluded_diameters_mm is None else excluded_diameters_mm,
        "excluded findings and diameters",
    )
    if not np.isfinite(score).all():
        raise ValueError(f"scores must be finite, got {score[~np.isfinite(score)][0]}")
    if len(score) > max_marks:
        kept = score > np.sort(score)[-max_marks - 1]
        marks, score = marks[kept], score[kept]
    hits = _hits(marks, nodules, radius)  # (marks, nodules)
    on_nodule = hits.any(axis=1)
    on_excluded = _hits(marks, excluded, excluded_radius).any(axis=1) & ~on_nodule
    return ScanMatch(
        hit_scores=tuple(float(score[column].max()) for column in hits.T if column.any()),
        false_scores=tuple(score[~on_nodule & ~on_excluded].tolist()),
        nodules=len(nodules),
        marks=len(score),
        double_hits=int(np.maximum(hits.sum(axis=0) - 1, 0).sum()),
        on_excluded=int(on_excluded.sum()),
    )


def _points(points: ArrayLike, values: ArrayLike, what: str) -> tuple[Array, Array]:
    """Return ``(N, 3)`` points and the ``(N,)`` numbers that go with them."""
    array, numbers = np.asarray(points, dtype=np.float64), np.asarray(values, dtype=np.float64)
    array = array.reshape(0, 3) if array.size == 0 else array
    if array.ndim != 2 or array.shape[1] != 3 or numbers.shape != array.shape[:1]:
        raise ValueError(f"{what} must be (N, 3) and (N,), got {array.shape} and {numbers.shape}")
    return array, numbers


def _hits(marks: Array, centers: Array, diameters: Array) -> NDArray[Any]:
    """Tell which mark lies within which ball: ``(marks, centers)``, bool."""
    radius = np.where(diameters < 0, UNKNOWN_DIAMETER_MM, diameters) / 2
    squared = ((marks[:, None] - centers[None]) ** 2).sum(axis=2)
    return np.asarray(squared < radius**2)
