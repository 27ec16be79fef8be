"""Which images outlines may be filled on, and on which slice each lies."""

from dataclasses import dataclass

import numpy as np
import pytest

from lungdet.geometry.drawn_slices import check_as_acquired, find_slices, slice_numbers, slice_positions_mm

AFFINE = np.array([[0.5, 0, 0, -100], [0, 0.5, 0, -90], [0, 0, 2.0, -300], [0, 0, 0, 1.0]])


@dataclass
class Outline:
    z_mm: float
    points: np.ndarray
    sop_uid: str = ""


def at(z_mm: float, sop_uid: str = "") -> Outline:
    return Outline(z_mm, np.array([[3, 4]]), sop_uid)


def test_slices_by_hand():
    assert find_slices([at(-300.0), at(-297.6), at(-298.3)], AFFINE).tolist() == [0, 1, 1]
    assert find_slices([], AFFINE).tolist() == []
    assert find_slices([], AFFINE, (4, 4, 4), ("1",) * 4).tolist() == []


def test_positions_and_numbers_invert_each_other():
    numbers = np.arange(7)
    assert slice_numbers(slice_positions_mm(numbers, AFFINE), AFFINE) == pytest.approx(numbers)


@pytest.mark.parametrize("z_mm", [-301.0, -299.0, -292.0])
def test_between_and_beyond(z_mm):
    with pytest.raises(ValueError, match="lie on no slice"):
        find_slices([at(z_mm)], AFFINE, (9, 9, 4))


def test_the_last_pixel_is_inside_and_the_next_is_not():
    assert find_slices([at(-300.0)], AFFINE, (4, 5, 1)).tolist() == [0]
    for shape in ((3, 5, 1), (4, 4, 1)):
        with pytest.raises(ValueError, match="column 3 and row 4"):
            find_slices([at(-300.0)], AFFINE, shape)


def test_an_enhanced_file_has_one_uid_for_all_frames():
    assert find_slices([at(-298.0, "7")], AFFINE, (9, 9, 3), ("7", "7", "7")).tolist() == [1]


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1), (-1, -1, 1), (1, -1, -1)])
def test_right_handed_images_are_as_acquired(signs):
    affine = AFFINE @ np.diag([*signs, 1.0])
    check_as_acquired(affine)
    if signs[:2] != (1, 1):
        with pytest.raises(ValueError, match="may have turned"):
            check_as_acquired(affine, volume_file=True)
    with pytest.raises(ValueError, match="mirrored"):
        check_as_acquired(affine @ np.diag([1, -1, 1, 1.0]))
