"""Which marks are of one physical nodule? Readers share no IDs, so position and overlap decide.

The rule, for each series:

1. Marks with outlines are filled (:mod:`lungdet.geometry.contours`). Two of them belong together if they share at least
   ``min_overlap`` of the smaller one's voxels, or if their centroids lie within ``max_distance`` radii of the larger
   one. Belonging is passed on: if A and B, and B and C, belong together, all three do.
2. A mark of a single point (< 3 mm) joins the group with the nearest voxel, if that is within ``point_distance_mm`` and
   its reader has no mark in that group. Points that find none are joined among themselves by the same distance.
3. Non-nodules are joined among themselves only, by the same distance.

Two points of one reader are two things, so a group never takes both; the nearest pairs are joined first. Two *outlines*
of one reader may end in one group: one drew in two pieces what another drew in one, as four nodules of the published
nodule size list have it. The pieces then count as one reader's. Whoever wants one mark for each reader throughout sets
``one_per_reader``: the strongest links are made first, and one that would bring two marks of a reader together is not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lungdet.geometry.voxel_sets import (
    SAME_SLICE_MM,
    IntArray,
    count_shared,
    distinct_slices,
    fill_contours,
    pack_voxels,
    slice_step_mm,
)
from lungdet.records import Mark, SeriesMarks

FloatArray = NDArray[np.float64]
Link = tuple[float, int, int]  # strength, and the two things that it links


@dataclass(frozen=True)
class GroupingRule:
    """When marks belong together; see :mod:`lungdet.datalists.grouping`.

    Attributes:
        min_overlap: share of the smaller mark's voxels, in (0, 1].
        max_distance: distance of centroids in radii of the larger mark; 0 to go by overlap alone.
        point_distance_mm: reach of single points.
        one_per_reader: keep two outlined marks of one reader in different groups as well.
        pixel_mm: pixel size to measure distances with where the series' own is unknown: the XML does not tell it. In
            LIDC-IDRI it is 0.46 to 0.98 mm.
    """

    min_overlap: float = 0.1
    max_distance: float = 1.0
    point_distance_mm: float = 4.0
    one_per_reader: bool = False
    pixel_mm: float = 0.7

    def __post_init__(self) -> None:
        if not 0 < self.min_overlap <= 1:
            raise ValueError(f"min_overlap must be in (0, 1], got {self.min_overlap}")
        if not (0 <= self.max_distance < math.inf and 0 <= self.point_distance_mm < math.inf):  # nan is neither
            raise ValueError(
                f"distances must be finite and not negative, got {self.max_distance} and {self.point_distance_mm}"
            )
        if not 0 < self.pixel_mm < math.inf:
            raise ValueError(f"pixel_mm must be positive, got {self.pixel_mm}")


DEFAULT_GROUPING = GroupingRule()


@dataclass(frozen=True)
class SliceGrid:
    """What is known of the images that a series' marks were made on.

    Attributes:
        slices_mm: ``(s,)`` rising z of the slices known.
        pixel_mm: size of a pixel, ``(column, row)``; ``None`` if unknown.
        slice_mm: distance of neighbouring slices; ``None`` if unknown.
        tolerance_mm: how far from its slice a mark may be written.
    """

    slices_mm: FloatArray
    pixel_mm: tuple[float, float] | None = None
    slice_mm: float | None = None
    tolerance_mm: float = SAME_SLICE_MM

    @classmethod
    def of_marks(
        cls, series: SeriesMarks, pixel_mm: tuple[float, float] | None = None, slice_mm: float | None = None
    ) -> SliceGrid:
        """Guess the slices from the marks alone: those that bear one, their smallest step as distance."""
        slices_mm = distinct_slices(contour.z_mm for mark in series.marks for contour in mark.contours)
        return cls(slices_mm, pixel_mm, slice_mm if slice_mm is not None else slice_step_mm(slices_mm))

    def filled(self, mark: Mark) -> IntArray:
        """List the voxels of a mark, ``(m, 3)`` as ``(column, row, index into slices_mm)``."""
        return fill_contours(mark.contours, self.slices_mm, self.tolerance_mm)

    def positions(self, voxels: IntArray) -> FloatArray:
        """Turn ``(m, 3)`` voxels into ``(m, 3)`` positions ``(column, row, z_mm)``."""
        positions = voxels.astype(np.float64)
        positions[:, 2] = self.slices_mm[voxels[:, 2]]
        return positions


def group_marks(
    series: SeriesMarks, rule: GroupingRule = DEFAULT_GROUPING, grid: SliceGrid | None = None
) -> tuple[tuple[Mark, ...], ...]:
    """Put the marks of each physical thing together.

    Args:
        series: marks of all readers.
        rule: when marks belong together.
        grid: what is known of the images; taken from the marks by default.

    Returns:
        Groups in the order of their first marks: those with an outline, then points, then non-nodules. Every mark is in
        exactly one.
    """
    grid = SliceGrid.of_marks(series) if grid is None else grid
    scale_mm = np.array([*(grid.pixel_mm or (rule.pixel_mm, rule.pixel_mm)), 1.0])
    of_kind = {kind: [mark for mark in series.marks if mark.kind == kind] for kind in ("nodule", "small_nodule")}
    non_nodules = [mark for mark in series.marks if mark.kind == "non_nodule"]
    groups, points = _outlined_groups(of_kind["nodule"], rule, grid, scale_mm), of_kind["small_nodule"]
    alone = _join_points(points, groups, rule, grid, scale_mm)
    groups += _point_groups(alone, rule, scale_mm) + _point_groups(non_nodules, rule, scale_mm)
    order = {id(mark): index for index, mark in enumerate(series.marks)}
    return tuple(tuple(sorted(group, key=lambda mark: order[id(mark)])) for group in groups)


def _outlined_groups(marks: list[Mark], rule: GroupingRule, grid: SliceGrid, scale_mm: FloatArray) -> list[list[Mark]]:
    voxels = [grid.filled(mark) for mark in marks]
    packed = [pack_voxels(each) for each in voxels]
    centers_mm = np.array([grid.positions(each).mean(axis=0) * scale_mm for each in voxels]).reshape(-1, 3)
    voxel_mm3 = scale_mm[0] * scale_mm[1] * (grid.slice_mm or scale_mm[0])
    radii_mm = np.array([math.pow(0.75 * len(each) * voxel_mm3 / math.pi, 1 / 3) for each in voxels])
    lows = np.array([each.min(axis=0) for each in voxels]).reshape(-1, 3)
    highs = np.array([each.max(axis=0) for each in voxels]).reshape(-1, 3)
    links: list[Link] = []
    for a in range(1, len(marks)):
        reaches_mm = rule.max_distance * np.maximum(radii_mm[:a], radii_mm[a])
        aparts_mm = np.linalg.norm(centers_mm[:a] - centers_mm[a], axis=1)
        meets = ((lows[:a] <= highs[a]) & (lows[a] <= highs[:a])).all(axis=1)
        for b in np.flatnonzero(meets | (aparts_mm < reaches_mm)).tolist():
            shared = count_shared(packed[a], packed[b]) if meets[b] else 0
            overlap = shared / min(len(packed[a]), len(packed[b]))
            if overlap >= rule.min_overlap:
                links.append((1 + overlap, b, a))
            elif aparts_mm[b] < reaches_mm[b]:
                links.append((1 - float(aparts_mm[b] / reaches_mm[b]), b, a))
    return _linked(marks, links, rule.one_per_reader)


def _join_points(
    points: list[Mark], groups: list[list[Mark]], rule: GroupingRule, grid: SliceGrid, scale_mm: FloatArray
) -> list[Mark]:
    """Add points to the nearest of ``groups`` within reach, the nearest pairs first; return those that find none."""
    # Measured before any point joins, so that points do not pull others along.
    solid_mm = [np.concatenate([grid.positions(grid.filled(mark)) for mark in group]) * scale_mm for group in groups]
    pairs = [
        (float(np.linalg.norm(solid_mm[g] - _point(mark) * scale_mm, axis=1).min()), p, g)
        for p, mark in enumerate(points)
        for g in range(len(groups))
    ]
    alone = dict(enumerate(points))
    for apart_mm, p, g in sorted(pairs):
        if p in alone and apart_mm <= rule.point_distance_mm and not _has_reader(groups[g], points[p]):
            groups[g].append(alone.pop(p))
    return list(alone.values())


def _point_groups(marks: list[Mark], rule: GroupingRule, scale_mm: FloatArray) -> list[list[Mark]]:
    centers_mm = [_point(mark) * scale_mm for mark in marks]
    links: list[Link] = []
    for a in range(len(marks)):
        for b in range(a):
            apart_mm = float(np.linalg.norm(centers_mm[a] - centers_mm[b]))
            if apart_mm <= rule.point_distance_mm:
                links.append((-apart_mm, b, a))
    return _linked(marks, links, one_per_reader=True)


def _linked(marks: Sequence[Mark], links: list[Link], one_per_reader: bool) -> list[list[Mark]]:
    """Follow links, the strongest first."""
    group_of = list(range(len(marks)))
    groups = {index: [mark] for index, mark in enumerate(marks)}
    for _, a, b in sorted(links, key=lambda link: (-link[0], link[1], link[2])):
        keep, gone = sorted((group_of[a], group_of[b]))
        if keep == gone or (one_per_reader and any(_has_reader(groups[keep], mark) for mark in groups[gone])):
            continue
        groups[keep] += groups.pop(gone)
        group_of = [keep if group == gone else group for group in group_of]
    return [groups[index] for index in sorted(groups)]


def _has_reader(group: Sequence[Mark], mark: Mark) -> bool:
    return any(other.session == mark.session for other in group)


def _point(mark: Mark) -> FloatArray:
    """Mean ``(column, row, z_mm)`` of a mark that is points."""
    places = [(column, row, each.z_mm) for each in mark.contours if each.inclusion for column, row in each.points]
    return np.mean(np.array(places, dtype=np.float64), axis=0)
