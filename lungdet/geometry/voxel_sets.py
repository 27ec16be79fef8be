"""Marks as sets of voxels: fill outlines and holes, count the votes of readers.

A voxel is ``(column, row, k)``: a pixel of slice ``k`` among the slices known, which without the images are those that
bear a mark.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .contours import IntArray, contour_boundary, contour_interior, contour_with_boundary

SAME_SLICE_MM = 0.1  # files write one position as -70.515 and as -70.514999, or rounded; no CT has finer steps
_ROUNDING_MM = 1e-6  # so that -94.95 is 0.1 from -95.05
_BITS = 20  # for a column or a row in a packed voxel


class ClosedContour(Protocol):
    """What is needed of an outline; :class:`lungdet.records.Contour` is one."""

    @property
    def z_mm(self) -> float:
        """Position of the slice in mm."""

    @property
    def points(self) -> NDArray[Any]:
        """``(n, 2)`` whole pixels ``(column, row)``."""

    @property
    def inclusion(self) -> bool:
        """``False`` for a hole."""


def slice_indices(z_mm: Any, slices_mm: NDArray[np.float64], tolerance_mm: float = SAME_SLICE_MM) -> IntArray:
    """Find the nearest slice for each position.

    Args:
        z_mm: ``(n,)`` positions in mm.
        slices_mm: ``(s,)`` rising positions of the slices, as :func:`distinct_slices` gives them.
        tolerance_mm: how far a position may be from its slice.

    Returns:
        ``(n,)`` indices into ``slices_mm``.

    Raises:
        ValueError: a position is no slice's.

    Example:
        >>> slice_indices([2.55, 0.0], np.array([0.0, 2.5])).tolist()
        [1, 0]
    """
    wanted = np.asarray(z_mm, dtype=np.float64)
    if len(wanted) == 0:
        return np.empty(0, dtype=np.int64)
    if len(slices_mm) == 0:
        raise ValueError("there are no slices to find positions among")
    above = np.searchsorted(slices_mm, wanted).clip(0, len(slices_mm) - 1)
    below = (above - 1).clip(0)
    nearer_below = wanted - slices_mm[below] < slices_mm[above] - wanted
    found = np.where(nearer_below, below, above).astype(np.int64)
    off = np.abs(slices_mm[found] - wanted)
    if (off > tolerance_mm + _ROUNDING_MM).any():
        raise ValueError(f"no slice lies at z = {wanted[off.argmax()]} mm")
    return found


def distinct_slices(z_mm: Iterable[float]) -> NDArray[np.float64]:
    """Sort positions of slices; those up to 0.1 mm above the lowest of them are the same slice.

    Example:
        >>> distinct_slices([2.5, 0.0, 2.500001, 2.6]).tolist()
        [0.0, 2.5]
    """
    slices: list[float] = []
    for z in sorted(set(z_mm)):
        if not slices or z - slices[-1] > SAME_SLICE_MM + _ROUNDING_MM:
            slices.append(z)
    return np.asarray(slices, dtype=np.float64)


def slice_step_mm(slices_mm: NDArray[np.float64]) -> float | None:
    """Smallest step between slices in mm, ``None`` with fewer than two: the best guess at the spacing of a series.

    Only slices with a mark are known without the images, so the guess is too large where no two neighbours have one.

    Example:
        >>> slice_step_mm(np.array([0.0, 2.5, 10.0]))
        2.5
    """
    return None if len(slices_mm) < 2 else float(np.diff(slices_mm).min())


def fill_contours(
    contours: Iterable[ClosedContour], slices_mm: NDArray[np.float64], tolerance_mm: float = SAME_SLICE_MM
) -> IntArray:
    """List the voxels of a mark: what its outlines enclose, without its holes.

    A mark of which nothing is left (single points, outlines too small to enclose a pixel) is the pixels of its own
    inclusion outlines.

    Args:
        contours: outlines and holes of one mark.
        slices_mm: ``(s,)`` rising positions of slices that hold all of the mark's, from :func:`distinct_slices`.
        tolerance_mm: how far an outline may be from its slice.

    Returns:
        ``(m, 3)`` voxels ``(column, row, index into slices_mm)``, each once, by slice, row, column; m >= 1 unless there
        is no inclusion outline.
    """
    regions = list(contours)
    index = slice_indices([region.z_mm for region in regions], slices_mm, tolerance_mm)
    filled, holes = [], []
    for region, k in zip(regions, index, strict=True):
        filled += [_at_slice(contour_interior(region.points), k)] if region.inclusion else []
        # The outline of a hole is hole as well: volumes of the published size list say so.
        holes += [] if region.inclusion else [_at_slice(contour_with_boundary(region.points), k)]
    keys = np.setdiff1d(_keys(filled), _keys(holes), assume_unique=True)
    if len(keys) == 0:
        pairs = zip(regions, index, strict=True)
        keys = _keys([_at_slice(contour_boundary(region.points), k) for region, k in pairs if region.inclusion])
    return unpack_voxels(keys)


def pack_voxels(voxels: IntArray) -> IntArray:
    """Pack ``(m, 3)`` voxels into ``(m,)`` numbers that sort by slice, row, column; no index may reach ``2**20``."""
    return (voxels[:, 2] << 2 * _BITS) | (voxels[:, 1] << _BITS) | voxels[:, 0]


def unpack_voxels(packed: IntArray) -> IntArray:
    """Invert :func:`pack_voxels`."""
    mask = (1 << _BITS) - 1
    return np.stack([packed & mask, (packed >> _BITS) & mask, packed >> 2 * _BITS], axis=1)


def count_shared(first: IntArray, second: IntArray) -> int:
    """Count what two rising lists of packed voxels, each once, have in common.

    Example:
        >>> count_shared(np.array([1, 4, 6]), np.array([4, 5, 6, 9]))
        2
    """
    both = np.concatenate([first, second])
    both.sort(kind="stable")  # of two rising runs it is one merge
    return int(np.count_nonzero(both[1:] == both[:-1]))


def vote_voxels(readers: Iterable[IntArray], votes: int) -> IntArray:
    """List the voxels that at least ``votes`` readers include.

    Args:
        readers: for each reader ``(m, 3)`` voxels, each once.
        votes: readers needed, at least 1.

    Returns:
        ``(m, 3)`` voxels, by slice, row, column.

    Raises:
        ValueError: ``votes`` is below 1.

    Example:
        >>> vote_voxels([np.array([[1, 1, 0], [2, 1, 0]]), np.array([[2, 1, 0]])], votes=2).tolist()
        [[2, 1, 0]]
    """
    if votes < 1:
        raise ValueError(f"votes must be at least 1, got {votes}")
    packed = [pack_voxels(voxels) for voxels in readers]
    keys = np.concatenate([np.empty(0, np.int64), *packed])
    keys.sort(kind="stable")
    first = np.flatnonzero(np.diff(keys, prepend=-1) != 0)
    counts = np.diff(first, append=len(keys))
    return unpack_voxels(keys[first[counts >= votes]])


def unite_voxels(parts: Iterable[IntArray]) -> IntArray:
    """List the voxels that are in any of several sets, each once: the pieces that one reader drew.

    Example:
        >>> unite_voxels([np.array([[2, 1, 0]]), np.array([[1, 1, 0], [2, 1, 0]])]).tolist()
        [[1, 1, 0], [2, 1, 0]]
    """
    return vote_voxels(parts, votes=1)


def _at_slice(pixels: IntArray, k: int) -> IntArray:
    return np.column_stack([pixels, np.full(len(pixels), k, dtype=np.int64)])


def _keys(parts: list[IntArray]) -> IntArray:
    if not parts:
        return np.empty(0, dtype=np.int64)
    keys = pack_voxels(np.concatenate(parts))
    keys.sort(kind="stable")  # slice by slice they come sorted, which a stable sort makes use of and np.unique does not
    return np.asarray(keys[np.diff(keys, prepend=-1) != 0], dtype=np.int64)
