"""Outlines and holes on slices to sets of voxels, and the votes of readers."""

import numpy as np
import pytest

from lungdet.geometry.voxel_sets import (
    distinct_slices,
    fill_contours,
    pack_voxels,
    slice_indices,
    slice_step_mm,
    unite_voxels,
    unpack_voxels,
    vote_voxels,
)
from lungdet.records import Contour


def rectangle(column0, row0, column1, row1, z_mm=0.0, inclusion=True) -> Contour:
    """Outline around the pixels from ``(column0, row0)`` up to and without ``(column1, row1)``."""
    corners = [(column0 - 1, row0 - 1), (column1, row0 - 1), (column1, row1), (column0 - 1, row1)]
    return Contour("1.2", z_mm, np.array(corners), inclusion)


def test_slices_that_differ_by_rounding_are_one():
    slices = distinct_slices([-70.514999, -70.515, -73.015, -70.515])
    assert len(slices) == 2
    assert slice_step_mm(slices) == pytest.approx(2.5, abs=1e-5)
    assert slice_indices([-73.015, -70.515, -70.514999], slices).tolist() == [0, 1, 1]


def test_no_slices():
    assert len(distinct_slices([])) == 0
    assert slice_step_mm(distinct_slices([])) is None
    assert slice_step_mm(distinct_slices([3.0])) is None
    assert len(slice_indices([], np.empty(0))) == 0


@pytest.mark.parametrize("slices", [[], [0.0, 2.5]])
def test_position_on_no_slice_is_refused(slices):
    with pytest.raises(ValueError, match="slice"):
        slice_indices([1.0], np.array(slices))


def test_two_slices_fill():
    voxels = fill_contours([rectangle(5, 5, 7, 6, z_mm=2.5), rectangle(5, 5, 6, 6)], np.array([0.0, 2.5]))
    assert voxels.tolist() == [[5, 5, 0], [5, 5, 1], [6, 5, 1]]


def test_a_hole_takes_its_outline_along():
    # 7 x 7 pixels; the hole's outline is 3 x 3 pixels around the middle one
    hole = rectangle(13, 13, 14, 14, inclusion=False)
    voxels = fill_contours([rectangle(10, 10, 17, 17), hole], np.array([0.0]))
    assert len(voxels) == 49 - 9


def test_a_hole_on_another_slice_does_nothing_here():
    hole = rectangle(13, 13, 14, 14, z_mm=2.5, inclusion=False)
    assert len(fill_contours([rectangle(10, 10, 17, 17), hole], np.array([0.0, 2.5]))) == 49


def test_a_hole_over_the_rim_counts_no_pixel_twice():
    hole = rectangle(10, 10, 12, 12, inclusion=False)  # its outline runs on the nodule's own: (9, 9) to (12, 12)
    assert len(fill_contours([rectangle(10, 10, 17, 17), hole], np.array([0.0]))) == 49 - 9


def test_small_regions_add_nothing_beside_others_and_stand_for_themselves_alone():
    point = Contour("1.2", 2.5, np.array([[3, 4]]))
    slices = np.array([0.0, 2.5])
    assert fill_contours([rectangle(5, 5, 6, 6), point], slices).tolist() == [[5, 5, 0]]
    assert fill_contours([point], slices).tolist() == [[3, 4, 1]]
    assert fill_contours([Contour("1.2", 0.0, np.array([[3, 4], [4, 4]]))], slices).tolist() == [[3, 4, 0], [4, 4, 0]]


def test_a_hole_that_leaves_nothing_gives_the_outline():
    regions = [rectangle(5, 5, 6, 6), rectangle(5, 5, 6, 6, inclusion=False)]
    assert len(fill_contours(regions, np.array([0.0]))) == 8


def test_packing_round_trips_and_sorts_by_slice():
    voxels = np.random.default_rng(0).integers(0, 1 << 14, (500, 3))
    packed = pack_voxels(voxels)
    assert np.array_equal(unpack_voxels(packed), voxels)
    assert np.array_equal(np.argsort(packed, kind="stable"), np.lexsort((voxels[:, 0], voxels[:, 1], voxels[:, 2])))


def test_votes():
    slices = np.array([0.0])
    readers = [fill_contours([rectangle(0 + k, 5, 4 + k, 6)], slices) for k in (1, 2, 3)]
    assert [vote_voxels(readers, votes)[:, 0].tolist() for votes in (1, 2, 3, 4)] == [
        [1, 2, 3, 4, 5, 6], [2, 3, 4, 5], [3, 4], []
    ]  # fmt: skip
    assert np.array_equal(unite_voxels(readers), vote_voxels(readers, 1))
    assert vote_voxels([], 1).shape == (0, 3)
    with pytest.raises(ValueError, match="at least 1"):
        vote_voxels(readers, 0)
