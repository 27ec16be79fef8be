"""Outlines on slices to pixels: exact, in whole numbers, with the outline itself left out.

An outline of LIDC-IDRI is a closed chain of pixels ``(column, row)`` just **outside** the nodule. A pixel belongs to
the nodule if its centre lies strictly inside the polygon through the outline's pixels (even-odd rule); centres on the
polygon do not. The outline of a hole lies, likewise, outside the nodule, which here means *in the hole*: a hole takes
away its inside and its outline. Counted so, the volumes of the published LIDC nodule size list come out to the digit.

An outline may be too small to enclose a pixel. Beside larger ones such a region adds nothing; where nothing else is
left of a mark, or it is a single point, its own pixels stand for it
(:func:`lungdet.geometry.voxel_sets.fill_contours`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


def contour_interior(points: NDArray[Any]) -> IntArray:
    """List the pixels strictly inside an outline.

    Args:
        points: ``(n, 2)`` whole pixels ``(column, row)``; closed whether or not the last one repeats the first.

    Returns:
        ``(m, 2)`` pixels ``(column, row)``, by row then column; m is 0 where nothing is enclosed.

    Raises:
        ValueError: ``points`` are not ``(n, 2)`` whole numbers with n >= 1.

    Example:
        >>> contour_interior(np.array([[0, 0], [3, 0], [3, 2], [0, 2]])).tolist()
        [[1, 1], [2, 1]]
    """
    low, inside, boundary = _raster(points)
    return _listed(inside & ~boundary, low)


def contour_boundary(points: NDArray[Any]) -> IntArray:
    """List the pixels on an outline: those given, and those whose centres the lines between them meet.

    Args:
        points: ``(n, 2)`` whole pixels ``(column, row)``.

    Returns:
        ``(m, 2)`` pixels ``(column, row)``, each once, by row then column.

    Example:
        >>> contour_boundary(np.array([[0, 0], [2, 0], [1, 2]])).tolist()
        [[0, 0], [1, 0], [2, 0], [1, 2]]
    """
    low, _, boundary = _raster(points)
    return _listed(boundary, low)


def contour_with_boundary(points: NDArray[Any]) -> IntArray:
    """List the pixels inside an outline together with those on it, as a hole takes them away.

    Example:
        >>> len(contour_with_boundary(np.array([[0, 0], [3, 0], [3, 2], [0, 2]])))
        12
    """
    low, inside, boundary = _raster(points)
    return _listed(inside | boundary, low)


def _raster(points: NDArray[Any]) -> tuple[IntArray, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the lowest pixel; what is inside (on the outline: undecided); what is on it, as ``(rows, columns)``."""
    if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0 or not np.issubdtype(points.dtype, np.integer):
        raise ValueError(f"points must be (n, 2) whole pixels with n >= 1, got {points.dtype} {points.shape}")
    low = points.min(axis=0).astype(np.int64)
    start = points.astype(np.int64) - low
    step = np.roll(start, -1, axis=0) - start
    columns, rows = start.max(axis=0) + 1
    boundary = np.zeros((rows, columns), dtype=bool)
    x, y = _along(start, step, np.gcd(step[:, 0], step[:, 1]))
    boundary[y, x] = True
    crossings = np.zeros((rows, columns), dtype=np.uint8)  # wraps at 256, which leaves odd odd and even even
    np.add.at(crossings, _crossed(start, step), 1)
    return low, np.cumsum(crossings, axis=1, dtype=np.uint8) % 2 == 1, boundary


def _along(start: IntArray, step: IntArray, pieces: IntArray) -> tuple[IntArray, IntArray]:
    """Return the whole points on all edges, each edge without its end: ``(column, row)`` arrays."""
    edge, part = _expand(np.maximum(pieces, 1))
    divisor = np.maximum(pieces, 1)[edge]
    x = start[edge, 0] + step[edge, 0] // divisor * part
    return x, start[edge, 1] + step[edge, 1] // divisor * part


def _crossed(start: IntArray, step: IntArray) -> tuple[IntArray, IntArray]:
    """Return ``(row, first column not left of it)`` where edges meet rows; an edge leaves out its end of higher row."""
    end = start + step
    upward = np.where((step[:, 1] > 0)[:, None], start, end)  # the end with the lower row
    edge, part = _expand(np.abs(step[:, 1]))
    height = np.abs(step[edge, 1])
    width = np.where(step[edge, 1] > 0, step[edge, 0], -step[edge, 0])
    return upward[edge, 1] + part, upward[edge, 0] - (-(part * width) // height)


def _expand(counts: IntArray) -> tuple[IntArray, IntArray]:
    """Repeat each index as often as its count says, and number the repeats from 0."""
    index = np.repeat(np.arange(len(counts)), counts)
    return index, np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)


def _listed(mask: NDArray[np.bool_], low: IntArray) -> IntArray:
    return np.argwhere(mask)[:, ::-1].astype(np.int64) + low
