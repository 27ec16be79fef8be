"""Marks of one nodule come together, of two stay apart, and nothing is ever lost."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungdet.datalists import GroupingRule, group_marks
from lungdet.datalists.grouping import SliceGrid
from lungdet.records import Contour, Mark, SeriesMarks


def box(session: int, column: int, row: int, z_mm=(0.0,), size: int = 10, name: str = "") -> Mark:
    """A square nodule of ``size`` pixels around ``(column, row)``."""
    low, high = size // 2 + 1, size - size // 2
    corners = np.array([[-low, -low], [high, -low], [high, high], [-low, high]]) + (column, row)
    contours = tuple(Contour("", z, corners) for z in z_mm)
    return Mark("1.2", "", session, "r", name or f"{session}:{column}", "nodule", contours)


def point(session: int, column: int, row: int, z_mm: float = 0.0, kind="small_nodule") -> Mark:
    return Mark("1.2", "", session, "r", f"{session}:{column}", kind, (Contour("", z_mm, np.array([[column, row]])),))


def series(*marks: Mark, sessions: int = 4) -> SeriesMarks:
    return SeriesMarks("1.2", "", sessions, tuple(marks))


def names(marks: SeriesMarks, **rule) -> list[list[str]]:
    return [[mark.nodule_id for mark in group] for group in group_marks(marks, GroupingRule(**rule))]


def test_four_readers_of_two_nodules():
    marks = series(*(box(s, c + s, 100) for s in range(4) for c in (100, 200)))
    assert names(marks) == [["0:100", "1:101", "2:102", "3:103"], ["0:200", "1:201", "2:202", "3:203"]]


def test_overlap_is_a_share_of_the_smaller():
    # 10 x 10 pixels each; the second starts 9 columns later, so they share 10 pixels: a tenth
    marks = series(box(0, 100, 100), box(1, 109, 100))
    assert names(marks, max_distance=0) == [["0:100", "1:109"]]
    assert names(marks, max_distance=0, min_overlap=0.11) == [["0:100"], ["1:109"]]


def test_distance_is_in_radii_of_the_larger():
    # One slice apart in z, so no voxel is shared. The ball of 100 voxels of 0.7 x 0.7 x 2.5 mm has a radius of 3.08 mm.
    marks = series(box(0, 100, 100, (0.0,)), box(1, 100, 100, (2.5,)))
    assert math.pow(0.75 * 100 * 0.7 * 0.7 * 2.5 / math.pi, 1 / 3) == pytest.approx(3.08, abs=0.01)
    assert len(names(marks)) == 1
    assert len(names(marks, max_distance=0.8)) == 2


def test_belonging_is_passed_on():
    marks = series(box(0, 100, 100), box(1, 108, 100), box(2, 116, 100))
    assert len(names(marks, max_distance=0)) == 1


def test_a_reader_who_drew_two_pieces_may_have_both_in_a_group_or_not():
    marks = series(box(0, 100, 100, size=40), box(1, 90, 100, name="left"), box(1, 108, 100, size=20, name="right"))
    assert names(marks) == [["0:100", "left", "right"]]
    # Both lie wholly inside; the earlier pair is linked first.
    assert names(marks, one_per_reader=True) == [["0:100", "left"], ["right"]]


def test_more_marks_than_readers_is_no_failure():
    marks = series(*(box(0, 100 + k, 100, name=str(k)) for k in range(9)), sessions=1)
    assert len(names(marks)) == 1
    assert len(names(marks, one_per_reader=True)) == 9


def test_points_join_the_nearest_nodule_within_reach():
    marks = series(box(0, 100, 100), box(0, 130, 100), point(1, 108, 100), point(2, 125, 100), point(3, 115, 100))
    # 108 is 4 px from the first box's last pixel, 115 is 11 px and 10 px from either
    assert names(marks) == [["0:100", "1:108"], ["0:130", "2:125"], ["3:115"]]
    assert names(marks, point_distance_mm=7.01)[1] == ["0:130", "2:125", "3:115"]


def test_points_do_not_pull_others_along():
    marks = series(box(0, 100, 100), point(1, 108, 100), point(2, 112, 100), point(3, 113, 100))
    assert names(marks) == [["0:100", "1:108"], ["2:112", "3:113"]]


def test_two_points_of_a_reader_are_two_things():
    marks = series(point(0, 100, 100), point(0, 103, 100), point(1, 102, 100))
    assert names(marks) == [["0:100"], ["0:103", "1:102"]]
    beside_own = series(box(0, 100, 100), point(0, 105, 100))
    assert len(names(beside_own)) == 2


def test_non_nodules_stay_among_themselves():
    marks = series(box(0, 100, 100), point(1, 100, 100, kind="non_nodule"), point(2, 101, 100, kind="non_nodule"))
    assert names(marks) == [["0:100"], ["1:100", "2:101"]]


def test_pixel_size_of_the_image_counts():
    marks = series(point(0, 100, 100), point(1, 105, 100))
    assert len(group_marks(marks)) == 2 - 1  # 3.5 mm at the assumed 0.7 mm
    assert len(group_marks(marks, grid=SliceGrid.of_marks(marks, pixel_mm=(1.0, 1.0)))) == 2


def test_no_marks_no_groups():
    assert group_marks(series()) == ()


@given(st.integers(0, 10**6), st.booleans())
@settings(max_examples=60, deadline=None)
def test_every_mark_is_in_one_group_whatever_the_order(seed, one_per_reader):
    rng = np.random.default_rng(seed)
    marks = []
    for k in range(rng.integers(0, 14)):
        place = (int(rng.integers(4)), int(rng.integers(100, 160)), int(rng.integers(100, 130)))
        z_mm = float(rng.integers(3)) * 2.5
        marks.append(
            box(*place, (z_mm,), int(rng.integers(3, 20)), str(k)) if rng.random() < 0.6 else point(*place, z_mm)
        )
    groups = group_marks(series(*marks), GroupingRule(one_per_reader=one_per_reader))
    assert sorted(id(mark) for group in groups for mark in group) == sorted(map(id, marks))
    for group in groups:
        points = [mark.session for mark in group if one_per_reader or mark.kind != "nodule"]
        assert len(points) == len(set(points))
    if not one_per_reader:
        solid = [mark for mark in marks if mark.kind == "nodule"]
        shuffled = [solid[k] for k in rng.permutation(len(solid))]
        as_sets = [{frozenset(map(id, group)) for group in group_marks(series(*some))} for some in (solid, shuffled)]
        assert as_sets[0] == as_sets[1]


@pytest.mark.parametrize(
    "arguments",
    [{"min_overlap": 0.0}, {"min_overlap": 1.1}, {"max_distance": -1}, {"point_distance_mm": -1}, {"pixel_mm": 0}],
)
def test_bad_rules(arguments):
    with pytest.raises(ValueError):
        GroupingRule(**arguments)


@pytest.mark.parametrize("name", ["max_distance", "point_distance_mm", "min_overlap", "pixel_mm"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
def test_numbers_that_no_rule_can_have(name, value):
    with pytest.raises(ValueError, match=r"nan|inf|-1\.0"):
        GroupingRule(**{name: value})
