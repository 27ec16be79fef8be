import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungdet.geometry import patch_sampling

shifts = st.tuples(*[st.floats(-1, 1)] * 3).map(np.array)


def test_fit_by_hand():
    assert patch_sampling.fit_origin(np.array([2.4, -1, 99]), (10, 10, 10), (4, 4, 4)) == (2, 0, 6)
    assert patch_sampling.fit_origin(np.array([0.0, 0, 0]), (4, 5, 10), (10, 10, 10)) == (-3, -2, 0)


lows = st.lists(st.floats(0, 74), min_size=3, max_size=3).map(np.array)
sides = st.lists(st.floats(0.5, 15.9), min_size=3, max_size=3).map(np.array)


@given(lows, sides, shifts)
def test_a_box_that_fits_lies_wholly_in_its_patch(low, side, shift):
    patch = np.array([17, 18, 19])
    box = np.concatenate([low, low + side])
    origin = np.array(patch_sampling.origin_around(box, shift, (92, 92, 92), patch))
    assert (origin >= 0).all()
    assert (origin + patch <= 92).all()
    assert (origin <= box[:3]).all()
    assert (box[3:] <= origin + patch).all()


def test_without_shift_the_box_is_centred():
    box = np.array([40.0, 40, 40, 50, 50, 50])
    assert patch_sampling.origin_around(box, np.zeros(3), (100, 100, 100), (20, 20, 20)) == (35, 35, 35)


def test_a_box_larger_than_the_patch_is_centred():
    box = np.array([10.0, 40, 40, 90, 50, 50])
    assert patch_sampling.origin_around(box, np.ones(3), (100, 100, 100), (20, 20, 20))[0] == 40


def test_full_shift_uses_all_the_room():
    box = np.array([40.0, 40, 40, 50, 50, 50])
    places = {
        patch_sampling.origin_around(box, np.full(3, shift), (100, 100, 100), (20, 20, 20))[0]
        for shift in np.linspace(-1, 1, 101)
    }
    assert places == set(range(30, 41))


def test_away_takes_the_first_free_place():
    boxes = np.array([[0.0, 0, 0, 5, 5, 5]])
    draws = np.array([[0.0, 0, 0], [0.9, 0.9, 0.9], [0.5, 0.5, 0.5]])
    assert patch_sampling.origin_away(boxes, draws, (20, 20, 20), (5, 5, 5)) == (14, 14, 14)


def test_away_takes_the_least_evil_if_none_is_free():
    boxes = np.array([[0.0, 0, 0, 20, 20, 12]])
    draws = np.array([[0.1, 0.1, 0.0], [0.1, 0.1, 0.6], [0.1, 0.1, 0.3]])
    assert patch_sampling.origin_away(boxes, draws, (20, 20, 20), (5, 5, 5)) == (1, 1, 9)


def test_away_without_boxes_reaches_every_place():
    draws = np.random.default_rng(0).random((500, 1, 3))
    places = {patch_sampling.origin_away(np.zeros((0, 6)), draw, (10, 10, 10), (4, 4, 12))[0] for draw in draws}
    assert places == set(range(7))


@pytest.mark.parametrize("function", ["origin_around", "origin_away"])
def test_small_images_come_to_lie_in_the_middle(function):
    argument = np.array([1.0, 1, 1, 2, 2, 2])
    rows, draw = (argument, np.zeros(3)) if function == "origin_around" else (argument[None], np.zeros((1, 3)))
    assert getattr(patch_sampling, function)(rows, draw, (6, 6, 6), (10, 10, 10)) == (-2, -2, -2)
