"""Marks and nodules cannot be wrong once they are."""

import math

import numpy as np
import pytest

from lungdet.records import Contour, Extent, Mark, Nodule, Rating, RatingSummary, SeriesMarks
from lungdet.records.nodule import equivalent_diameter_mm

OUTLINE = Contour("1.2.3", -10.0, np.array([[4, 5], [8, 5], [8, 9], [4, 9]]))
POINT = Contour("1.2.3", -10.0, np.array([[4, 5]]))
EXTENT = Extent(9, 1, (6.0, 7.0, -10.0), (5, 6, -11, 8, 9, -9), 22.5)


def mark(session=0, kind="nodule", contours=(OUTLINE,), series_uid="1.2", **kwargs) -> Mark:
    return Mark(series_uid, "1", session, "anonymous", "7", kind, contours, **kwargs)


def test_contours_compare_by_value_and_own_their_points():
    points = np.array(OUTLINE.points)
    other = Contour("1.2.3", -10.0, points)
    points[:] = 0
    assert other == OUTLINE
    assert hash(other) == hash(OUTLINE)
    assert other != Contour("1.2.3", -10.0, OUTLINE.points, inclusion=False)
    assert other != "no contour"
    with pytest.raises(ValueError, match="read-only"):
        other.points[0, 0] = 1


@pytest.mark.parametrize(
    ("z_mm", "points", "message"),
    [
        (math.nan, [[1, 2]], "finite"),
        (0.0, np.empty((0, 2), int), "n >= 1"),
        (0.0, [[1, 2, 3]], "n >= 1"),
        (0.0, [[1.5, 2.0]], "whole pixels"),
        (0.0, [[-1, 2]], "must lie in"),
        (0.0, [[1, 10**9]], "must lie in"),
    ],
)
def test_bad_contours(z_mm, points, message):
    with pytest.raises(ValueError, match=message):
        Contour("1.2", z_mm, np.array(points))


def test_ratings():
    rated = mark(ratings=(Rating("malignancy", 4),))
    assert (rated.rating("malignancy"), rated.rating("texture"), mark().rating("texture")) == (4, None, None)
    with pytest.raises(ValueError, match="goes from 1 to 4"):
        Rating("internalStructure", 5)
    with pytest.raises(ValueError, match="unknown rating"):
        Rating("beauty", 5)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"contours": ()}, "no contour"),
        ({"contours": (Contour("1", 0.0, np.array([[1, 1]]), False),)}, "holes only"),
        ({"contours": (POINT,)}, "without an outline"),
        ({"kind": "small_nodule"}, "with an outline"),
        ({"kind": "tumour"}, "kind must be"),
    ],
)
def test_bad_marks(kwargs, message):
    with pytest.raises(ValueError, match=message):
        mark(**kwargs)


def test_series_marks_hold_one_series_and_known_sessions():
    assert SeriesMarks("1.2", "1", 4, (mark(3),)).marks[0].session == 3
    with pytest.raises(ValueError, match="of session 4"):
        SeriesMarks("1.2", "1", 4, (mark(4),))
    with pytest.raises(ValueError, match="of series"):
        SeriesMarks("1.3", "1", 4, (mark(3),))


def test_nodule_sums_up_its_readers():
    other = Extent(18, 2, (6.5, 7.0, -9.0), (5, 6, -11, 8, 9, -7), 45.0)
    rating = RatingSummary("malignancy", (2, 4, 5))
    marks = (mark(0), mark(2), mark(3, "small_nodule", (POINT,)))
    nodule = Nodule(marks, 4, "nodule", 1, other, ((0, EXTENT), (2, other)), (rating,))
    assert (nodule.series_uid, nodule.agreement, nodule.seen_by) == ("1.2", 2, 3)
    assert nodule.median_volume_mm3 == 33.75
    assert nodule.median_diameter_mm == equivalent_diameter_mm(33.75)
    assert nodule.median_centroid == (6.25, 7.0, -9.5)
    assert (nodule.rating("malignancy").median, nodule.rating("malignancy").spread) == (4.0, 3)
    assert nodule.rating("texture") is None


def test_volume_may_be_unknown():
    extent = Extent(9, 1, (6.0, 7.0, -10.0), (5, 6, -10, 8, 9, -10))
    nodule = Nodule((mark(),), 4, "nodule", 1, extent, ((0, extent),))
    assert (extent.diameter_mm, nodule.median_volume_mm3, nodule.median_diameter_mm) == (None, None, None)


def test_a_ball_of_10_mm():
    assert equivalent_diameter_mm(math.pi / 6 * 1000) == pytest.approx(10)
    assert EXTENT.diameter_mm == equivalent_diameter_mm(22.5)


@pytest.mark.parametrize(
    "arguments",
    [
        (0, 0, (0, 0, 0), (0, 0, 0, 1, 1, 1)),
        (1, 2, (0, 0, 0), (0, 0, 0, 1, 1, 1)),
        (1, 1, (math.nan, 0, 0), (0, 0, 0, 1, 1, 1)),
        (1, 1, (0, 0, 0), (0, 0, 0, 0, 1, 1)),
        (1, 1, (0, 0, 0), (0, 0, 0, 1, 1, 1), -2.0),
    ],
)
def test_bad_extents(arguments):
    with pytest.raises(ValueError):
        Extent(*arguments)


def test_bad_nodules():
    with pytest.raises(ValueError, match="needs marks"):
        Nodule((), 4, "nodule", 1, EXTENT, ((0, EXTENT),))
    with pytest.raises(ValueError, match="one series"):
        Nodule((mark(), mark(1, series_uid="1.3")), 4, "nodule", 1, EXTENT, ((0, EXTENT), (1, EXTENT)))
    with pytest.raises(ValueError, match="must rise"):
        Nodule((mark(),), 4, "nodule", 2, EXTENT, ((0, EXTENT),))
    with pytest.raises(ValueError, match="rising values"):
        RatingSummary("malignancy", (3, 2))
    with pytest.raises(ValueError, match="unknown rating"):
        RatingSummary("beauty", (2, 3))
