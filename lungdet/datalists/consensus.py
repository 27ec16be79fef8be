"""From the marks of several readers to one nodule: consensus, size, ratings, and its place in the patient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lungdet.geometry.drawn_slices import (
    OFF_SLICE,
    check_as_acquired,
    find_slices,
    slice_numbers,
    slice_positions_mm,
)
from lungdet.geometry.frames import boxes_to_world, spacing_of, voxel_to_world
from lungdet.geometry.voxel_sets import IntArray, unite_voxels, vote_voxels
from lungdet.records import CTVolume, Extent, Mark, Nodule, Placement, RatingSummary, SeriesMarks
from lungdet.records.mark import RATING_RANGES

from .grouping import DEFAULT_GROUPING, GroupingRule, SliceGrid, group_marks

FloatArray = NDArray[np.float64]


def find_nodules(
    series: SeriesMarks,
    *,
    level: float = 0.5,
    min_readers: int | None = None,
    rule: GroupingRule = DEFAULT_GROUPING,
    image: CTVolume | FloatArray | None = None,
    pixel_mm: tuple[float, float] | None = None,
    slice_mm: float | None = None,
) -> tuple[Nodule, ...]:
    """Group the marks of a series and make a nodule of each group.

    Without an image positions are in pixels and z mm. Volumes then need ``pixel_mm``, which the XML does not tell; the
    distance of slices is ``slice_mm``, or else the smallest step between slices that bear a mark. With an image, both
    come from its affine, and nodules get a place in LPS mm.

    Args:
        series: marks of all readers, from :func:`lungdet.readers.read_lidc`.
        level: share of the readers who outlined a nodule that must include a voxel, in (0, 1].
        min_readers: readers that must include a voxel, in place of ``level``.
        rule: which marks are of one nodule.
        image: the CT, or its ``(4, 4)`` affine, voxel centres to LPS mm, with the axes ``(column, row, slice)`` in the
            order of the slices as acquired; see :mod:`lungdet.geometry.drawn_slices` for what is refused.
        pixel_mm: pixel size ``(column, row)``, where there is no image.
        slice_mm: distance of slices, where there is no image.

    Returns:
        Nodules >= 3 mm, then those < 3 mm, then non-nodules (``kind`` tells).

    Raises:
        ValueError: ``level`` or ``min_readers`` is out of range, or the image is not the one that was marked, or
            its rows or columns were turned around since.
    """
    if not 0 < level <= 1 or (min_readers is not None and min_readers < 1):
        raise ValueError(f"level must be in (0, 1] and min_readers at least 1, got {level} and {min_readers}")
    affine = None if image is None else _affine_of(image, series)
    if image is None or affine is None:
        grid = SliceGrid.of_marks(series, pixel_mm, slice_mm)
    else:
        grid = _grid_on(image, affine, series)
    nodules = []
    for group in group_marks(series, rule, grid):
        nodule, voxels = _consensus(group, series.sessions, grid, level, min_readers)
        nodules.append(nodule if affine is None else replace(nodule, placement=_place(voxels, grid, affine)))
    return tuple(nodules)


def _consensus(
    group: Sequence[Mark], sessions: int, grid: SliceGrid, level: float, min_readers: int | None
) -> tuple[Nodule, IntArray]:
    kind = "nodule" if any(mark.kind == "nodule" for mark in group) else group[0].kind
    drawn = [mark for mark in group if mark.kind == kind]
    readers = _by_reader(drawn, grid)
    wanted = min_readers if min_readers is not None else math.ceil(level * len(readers) - 1e-9)
    votes = min(wanted, len(readers)) if kind == "nodule" else 1  # points of two readers seldom meet
    notes = []
    if len(drawn) > len(readers):
        notes.append(f"{len(drawn)} marks of {len(readers)} readers: several of one reader count as one")
    if kind == "nodule" and wanted > votes:
        notes.append(f"{wanted} readers wanted, only {votes} outlined it")
    voxels = vote_voxels(readers.values(), votes)
    while len(voxels) == 0:  # at 1 it cannot be empty
        votes -= 1
        voxels = vote_voxels(readers.values(), votes)
        notes += [f"no voxel has {votes + 1} votes, taken with {votes}"]
    solid = kind == "nodule"
    by_reader = tuple((session, _extent(each, grid, solid)) for session, each in sorted(readers.items()))
    consensus = _extent(voxels, grid, solid)
    summary = _ratings(group)
    return Nodule(tuple(group), sessions, kind, votes, consensus, by_reader, summary, None, tuple(notes)), voxels


def _by_reader(marks: Sequence[Mark], grid: SliceGrid) -> dict[int, IntArray]:
    """Unite the voxels of each reader's marks."""
    parts: dict[int, list[IntArray]] = {}
    for mark in marks:
        parts.setdefault(mark.session, []).append(grid.filled(mark))
    return {session: unite_voxels(pieces) for session, pieces in parts.items()}


def _extent(voxels: IntArray, grid: SliceGrid, solid: bool) -> Extent:
    positions = grid.positions(voxels)
    half_mm = (grid.slice_mm or 0.0) / 2
    (column0, row0, z0), (column1, row1, z1) = positions.min(axis=0), positions.max(axis=0)
    column, row, z = positions.mean(axis=0)
    volume_mm3 = None
    if solid and grid.pixel_mm is not None and grid.slice_mm is not None:
        volume_mm3 = len(voxels) * grid.pixel_mm[0] * grid.pixel_mm[1] * grid.slice_mm
    return Extent(
        len(voxels),
        len(np.unique(voxels[:, 2])),
        (float(column), float(row), float(z)),
        (
            *(float(column0), float(row0), float(z0 - half_mm)),
            *(float(column1 + 1), float(row1 + 1), float(z1 + half_mm)),
        ),
        volume_mm3,
    )


def _ratings(marks: Sequence[Mark]) -> tuple[RatingSummary, ...]:
    """Sum up the ratings, one of each reader: that of the largest mark where a reader drew the nodule in pieces."""
    by_size = sorted(marks, key=lambda mark: sum(len(contour.points) for contour in mark.contours))
    summaries = []
    for name in RATING_RANGES:
        of_readers = {mark.session: value for mark in by_size if (value := mark.rating(name)) is not None}
        summaries += [RatingSummary(name, tuple(sorted(of_readers.values())))] if of_readers else []
    return tuple(summaries)


def _affine_of(image: CTVolume | FloatArray, series: SeriesMarks) -> FloatArray:
    """Return the affine of the image, once it is sure that its pixels are as acquired."""
    volume = image if isinstance(image, CTVolume) else None
    affine = np.asarray(image, dtype=np.float64) if volume is None else volume.affine_lps
    if volume is not None and volume.info.series_uid not in ("", series.series_uid):
        raise ValueError(
            f"{volume.info.source} is series {volume.info.series_uid}, the marks are of {series.series_uid}"
        )
    try:
        check_as_acquired(affine, volume_file=volume is not None and not volume.info.slice_uids)
    except ValueError as error:
        raise ValueError(f"{series.series_uid}: {error}") from error
    return affine


def _grid_on(image: CTVolume | FloatArray, affine: FloatArray, series: SeriesMarks) -> SliceGrid:
    """Return the image's slices that bear marks, once it is sure that the marks were made on them."""
    contours = [contour for mark in series.marks for contour in mark.contours]
    known = (image.array.shape, image.info.slice_uids) if isinstance(image, CTVolume) else ()
    try:
        numbers = find_slices(contours, affine, *known)
    except ValueError as error:
        raise ValueError(f"{series.series_uid}: {error}") from error
    column_mm, row_mm, slice_mm = (float(side) for side in spacing_of(affine))
    slices_mm = np.unique(slice_positions_mm(numbers, affine))
    return SliceGrid(slices_mm, (column_mm, row_mm), slice_mm, OFF_SLICE * abs(float(affine[2, 2])))


def _place(voxels: IntArray, grid: SliceGrid, affine: FloatArray) -> Placement:
    ijk = grid.positions(voxels)
    ijk[:, 2] = np.rint(slice_numbers(ijk[:, 2], affine))
    center = voxel_to_world(ijk.mean(axis=0, keepdims=True), affine)[0]
    box = boxes_to_world(np.concatenate([ijk.min(axis=0), ijk.max(axis=0) + 1])[None], affine)[0]
    x, y, z = (float(value) for value in center)
    x0, y0, z0, x1, y1, z1 = (float(value) for value in box)
    return Placement((x, y, z), (x0, y0, z0, x1, y1, z1))
