"""Votes, sizes and places of nodules, worked by hand."""

import numpy as np
import pytest

from lungdet.datalists import GroupingRule, find_nodules
from lungdet.records import Contour, CTVolume, Mark, Rating, SeriesInfo, SeriesMarks
from lungdet.records.nodule import equivalent_diameter_mm

# Columns to the left, rows to the back, slices upwards, as an axial series has them: LPS
AFFINE = np.array([[0.5, 0, 0, -100], [0, 0.5, 0, -90], [0, 0, 2.0, -300], [0, 0, 0, 1.0]])


def square(
    session: int, column: int, width: int = 4, z_mm=(-280.0,), malignancy: int | None = None, hole=False
) -> Mark:
    """``width`` x 4 pixels from ``(column, 50)`` on every slice of ``z_mm``."""
    corners = np.array([[column - 1, 49], [column + width, 49], [column + width, 54], [column - 1, 54]])
    contours = [Contour("", z, corners) for z in z_mm]
    if hole:
        contours.append(Contour("", z_mm[0], np.array([[column, 50], [column + 1, 50]]), inclusion=False))
    ratings = None if malignancy is None else (Rating("malignancy", malignancy),)
    return Mark("1.2", "", session, "r", str(session), "nodule", tuple(contours), ratings)


def point(session: int, column: int, z_mm: float = -280.0, kind="small_nodule") -> Mark:
    return Mark("1.2", "", session, "r", "p", kind, (Contour("", z_mm, np.array([[column, 50]])),))


def series(*marks: Mark) -> SeriesMarks:
    return SeriesMarks("1.2", "", 4, marks)


def volume(uid: str = "1.2", depth: int = 20) -> CTVolume:
    return CTVolume(np.zeros((200, 180, depth), np.int16), AFFINE, SeriesInfo("scan", series_uid=uid))


THREE = series(square(0, 10), square(1, 11, malignancy=2), square(2, 12, malignancy=5))


@pytest.mark.parametrize(
    ("options", "votes", "columns"),
    [
        ({"level": 0.01}, 1, 6),
        ({"level": 1 / 3}, 1, 6),
        ({}, 2, 4),
        ({"level": 2 / 3}, 2, 4),
        ({"level": 1.0}, 3, 2),
        ({"min_readers": 3}, 3, 2),
        ({"min_readers": 1, "level": 1.0}, 1, 6),
    ],
)
def test_votes_of_three_readers(options, votes, columns):
    (nodule,) = find_nodules(THREE, **options)
    assert (nodule.votes, nodule.consensus.voxels, nodule.consensus.slices) == (votes, 5 * columns - columns, 1)
    assert nodule.agreement == nodule.seen_by == 3
    assert nodule.notes == ()


def test_more_readers_wanted_than_there_are_is_noted():
    (nodule,) = find_nodules(THREE, min_readers=4)
    assert nodule.votes == 3
    assert "4 readers wanted" in nodule.notes[0]


def test_position_in_pixels_without_an_image():
    (nodule,) = find_nodules(THREE)
    assert nodule.consensus.centroid == (12.5, 51.5, -280.0)
    assert nodule.consensus.box == (11.0, 50.0, -280.0, 15.0, 54.0, -280.0)  # one slice only: its depth is unknown
    assert nodule.consensus.volume_mm3 is None
    assert nodule.placement is None
    assert nodule.median_centroid == (12.5, 51.5, -280.0)


def test_volume_with_pixel_size_and_the_smallest_step():
    marks = series(square(0, 10, z_mm=(-280.0, -277.5)), point(1, 150, -260.0), point(1, 150, -251.0))
    nodule = find_nodules(marks, pixel_mm=(0.5, 0.8))[0]
    assert nodule.consensus.volume_mm3 == pytest.approx(2 * 16 * 0.5 * 0.8 * 2.5)
    assert nodule.consensus.diameter_mm == equivalent_diameter_mm(nodule.consensus.volume_mm3)
    assert nodule.consensus.box == (10.0, 50.0, -281.25, 14.0, 54.0, -276.25)
    thicker = find_nodules(marks, pixel_mm=(0.5, 0.8), slice_mm=5.0)[0]
    assert thicker.consensus.volume_mm3 == 2 * nodule.consensus.volume_mm3


def test_place_in_the_patient_with_an_affine_or_a_volume():
    for image in (AFFINE, volume()):
        (nodule,) = find_nodules(THREE, image=image)
        # column 12.5, row 51.5, slice 10
        assert nodule.placement.center_lps_mm == (-93.75, -64.25, -280.0)
        # edges of voxels: half a voxel outside their centres
        assert nodule.placement.box_lps_mm == (-94.75, -65.25, -281.0, -92.75, -63.25, -279.0)
        assert nodule.consensus.volume_mm3 == pytest.approx(16 * 0.5 * 0.5 * 2.0)
        assert nodule.consensus.box[2::3] == (-281.0, -279.0)


def test_a_patient_who_lay_feet_first_is_placed_where_the_pixels_are():
    # Columns to the right, rows to the back, so slices run downwards
    feet_first = AFFINE @ np.array([[-1, 0, 0, 199], [0, 1, 0, 0], [0, 0, -1, 19], [0, 0, 0, 1.0]])
    slices = tuple(f"1.2.{k}" for k in range(20))
    info = SeriesInfo("scan", series_uid="1.2", slice_uids=slices)
    for image in (feet_first, CTVolume(np.zeros((200, 180, 20), np.int16), feet_first, info)):
        (nodule,) = find_nodules(THREE, image=image)
        # column 12.5, row 51.5, slice 9
        assert nodule.placement.center_lps_mm == pytest.approx((-0.5 - 0.5 * 12.5, -64.25, -280.0))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_mirrored_image_is_refused(axis):
    sizes = (200, 180, 20)
    turn = np.eye(4)
    turn[axis, axis], turn[axis, 3] = -1, sizes[axis] - 1
    whole = CTVolume(np.zeros(sizes, np.int16), AFFINE @ turn, SeriesInfo("scan", series_uid="1.2"))
    for image in (AFFINE @ turn, whole):
        with pytest.raises(ValueError, match=r"1\.2: the image is mirrored"):
            find_nodules(THREE, image=image)


def test_a_file_with_two_axes_turned_is_refused_but_not_its_affine():
    turned = AFFINE @ np.array([[-1, 0, 0, 199], [0, -1, 0, 179], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    with pytest.raises(ValueError, match="may have turned"):
        find_nodules(THREE, image=CTVolume(np.zeros((200, 180, 20), np.int16), turned, SeriesInfo("a.nii")))
    assert find_nodules(THREE, image=turned)[0].placement.center_lps_mm[:2] == pytest.approx((-6.75, -26.25))


def test_outlines_beyond_the_image_plane_are_refused():
    wide = series(square(0, 195, width=4))
    assert len(find_nodules(wide, image=volume())) == 1  # its outline ends on column 199, the last
    for beyond in (series(square(0, 196, width=4)), series(point(0, 10), point(1, 200))):
        with pytest.raises(ValueError, match=r"reaches column 200 .* the image has 200 columns and 180 rows"):
            find_nodules(beyond, image=volume())


@pytest.mark.parametrize(
    ("sop_uids", "message"),
    [
        (("9.10", ""), None),
        (("9.10", "8.1"), None),  # one unknown among known ones
        (("8.1", "8.2"), "none of the slices marked, such as 8.1"),
        (("9.10", "9.11"), r"slice 10 of the image\) names slice 11"),
    ],
)
def test_the_uids_of_slices_must_fit(sop_uids, message):
    points = square(0, 10).contours[0].points
    marks = series(
        *(Mark("1.2", "", s, "r", "n", "nodule", (Contour(u, -280.0, points),)) for s, u in enumerate(sop_uids))
    )
    info = SeriesInfo("scan", series_uid="1.2", slice_uids=tuple(f"9.{k}" for k in range(20)))
    image = CTVolume(np.zeros((200, 180, 20), np.int16), AFFINE, info)
    if message is None:
        assert find_nodules(marks, image=image)[0].agreement == 2
    else:
        with pytest.raises(ValueError, match=message):
            find_nodules(marks, image=image)


def test_an_image_whose_slices_were_all_resampled_is_refused():
    info = SeriesInfo("scan", series_uid="1.2", slice_uids=("",) * 20)
    with pytest.raises(ValueError, match="every slice of the image was resampled"):
        find_nodules(THREE, image=CTVolume(np.zeros((200, 180, 20), np.int16), AFFINE, info))


def test_one_slice_written_at_slightly_different_places_is_one():
    marks = series(square(0, 10, z_mm=(-280.0,)), square(1, 10, z_mm=(-280.05,)), square(2, 10, z_mm=(-279.95,)))
    for image in (None, AFFINE, volume()):
        (nodule,) = find_nodules(marks, image=image)
        assert (nodule.votes, nodule.consensus.voxels, nodule.consensus.slices) == (2, 16, 1)
        assert nodule.notes == ()
    far = series(square(0, 10, z_mm=(-280.0,)), square(1, 10, z_mm=(-280.4,)))  # a fifth of a slice
    assert find_nodules(far, image=AFFINE)[0].consensus.slices == 1
    assert find_nodules(far, level=0.1)[0].consensus.slices == 2


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (volume(uid="1.3"), "is series 1.3, the marks are of 1.2"),
        (volume(depth=10), "lie on no slice"),
        (AFFINE @ np.diag([1, 1, 0.3, 1]), "lie on no slice"),
        (np.eye(3), "needs a finite"),
        (np.full((4, 4), np.nan), "needs a finite"),
        (AFFINE[[2, 1, 0, 3]] @ np.eye(4), "rise along z"),
    ],
)
def test_the_wrong_image_is_refused(image, message):
    with pytest.raises(ValueError, match=message):
        find_nodules(THREE, image=image)


def test_ratings_are_summed_up_over_those_who_gave_them():
    (nodule,) = find_nodules(THREE)
    (rating,) = nodule.ratings
    assert (rating.name, rating.values, rating.median, rating.spread) == ("malignancy", (2, 5), 3.5, 3)


def test_those_who_took_it_for_small_are_counted_but_have_no_vote():
    (nodule,) = find_nodules(series(square(0, 10), point(1, 12), point(2, 13)))
    assert (nodule.kind, nodule.agreement, nodule.seen_by, nodule.votes) == ("nodule", 1, 3, 1)
    assert nodule.consensus.voxels == 16


def test_pieces_of_one_reader_count_as_one():
    marks = series(square(0, 10, width=12), square(1, 10), square(1, 18))
    (nodule,) = find_nodules(marks, level=1.0)
    assert (nodule.agreement, nodule.votes, nodule.consensus.voxels) == (2, 2, 32)
    assert "3 marks of 2 readers" in nodule.notes[0]
    assert [extent.voxels for _, extent in nodule.by_reader] == [48, 32]


def test_where_votes_never_meet_they_are_lowered_and_that_is_noted():
    rule = GroupingRule(max_distance=3.0)
    (nodule,) = find_nodules(series(square(0, 10), square(1, 14)), level=1.0, rule=rule)
    assert (nodule.votes, nodule.consensus.voxels) == (1, 32)
    assert "no voxel has 2 votes" in nodule.notes[0]


def test_small_nodules_and_non_nodules_are_points():
    marks = series(point(0, 10), point(1, 12), point(2, 100, kind="non_nodule"))
    small, other = find_nodules(marks, pixel_mm=(0.5, 0.5), slice_mm=1.0)
    assert (small.kind, small.agreement, small.consensus.centroid) == ("small_nodule", 2, (11.0, 50.0, -280.0))
    assert small.consensus.volume_mm3 is None  # it was not measured
    assert small.consensus.box == (10.0, 50.0, -280.5, 13.0, 51.0, -279.5)
    assert (other.kind, other.consensus.voxels) == ("non_nodule", 1)


def test_holes_are_taken_out():
    (nodule,) = find_nodules(series(square(0, 10, hole=True)))
    assert nodule.consensus.voxels == 14


@pytest.mark.parametrize("options", [{"level": 0.0}, {"level": 1.5}, {"min_readers": 0}])
def test_bad_levels(options):
    with pytest.raises(ValueError, match="level must be in"):
        find_nodules(THREE, **options)


def test_no_marks():
    assert find_nodules(series()) == ()
    assert find_nodules(series(), image=AFFINE) == ()
