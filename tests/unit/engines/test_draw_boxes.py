import numpy as np
import pytest
import torch

from lungdet.engines.draw_boxes import FOUND_RGB, TRUE_RGB, best_slice, draw_slice

NONE = torch.empty(0, 6)


def pixels(picture: np.ndarray, rgb: tuple[int, int, int]) -> tuple[list[int], list[int]]:
    """Rows and columns, first and last, of a colour."""
    rows, columns = np.nonzero((picture == rgb).all(axis=2))
    return [rows.min(), rows.max()], [columns.min(), columns.max()]


def test_right_is_left_and_front_is_top():
    image = torch.zeros(1, 4, 6, 2)
    image[0, 3, 5, 1] = 1.0  # the rightmost, foremost voxel
    picture = draw_slice(image, 1, NONE, NONE, zoom=1)
    assert picture.shape == (6, 4, 3)
    assert picture[0, 0].tolist() == [255, 255, 255]
    assert picture.sum() == 3 * 255


def test_boxes_surround_their_voxels():
    image = torch.zeros(1, 20, 30, 4)
    box = torch.tensor([[2.0, 5.0, 1.0, 6.0, 10.0, 3.0]])
    picture = draw_slice(image, 1, box, NONE, zoom=1)
    # Columns 20 - 6 to 20 - 2, rows 30 - 10 to 30 - 5, with a line around them.
    assert pixels(picture, TRUE_RGB) == ([19, 25], [13, 18])
    assert pixels(draw_slice(image, 1, NONE, box, zoom=1), FOUND_RGB) == ([19, 25], [13, 18])


@pytest.mark.parametrize(("index", "drawn"), [(0, False), (1, True), (2, True), (3, False)])
def test_only_boxes_that_the_slice_cuts_are_drawn(index: int, drawn: bool):
    box = torch.tensor([[2.0, 5.0, 1.0, 6.0, 10.0, 3.0]])
    picture = draw_slice(torch.zeros(1, 20, 30, 4), index, box, NONE)
    assert bool(picture.any()) == drawn


def test_the_best_slice_is_inside_the_scan():
    beyond = torch.tensor([[0.0, 0, 8, 1, 1, 99]])
    assert best_slice(NONE, beyond, 10) == 9
    assert best_slice(beyond - 60, NONE, 10) == 0


def test_values_beyond_the_window_and_nan_are_drawn():
    image = torch.tensor([-1.0, 2.0, torch.nan, 0.5]).reshape(1, 4, 1, 1)
    assert draw_slice(image, 0, NONE, NONE, zoom=1)[0, :, 0].tolist() == [128, 0, 255, 0]
