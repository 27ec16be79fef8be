import numpy as np
import pytest

from lungdet.readers.stack_resample import interpolate_planes, sources_of_planes, straighten, straightened_grid


def test_planes_between_are_weighted_by_distance():
    block = np.array([0, 30, 90], np.float32)[:, None, None] * np.ones((1, 2, 3), np.float32)
    result = interpolate_planes(block, np.array([0.0, 1.5, 3.0]), 4)
    np.testing.assert_allclose(result[:, 0, 0], [0, 20, 50, 90])
    assert sources_of_planes(np.array([0.0, 1.5, 3.0]), 4) == [0, None, None, 2]


def test_int16_is_rounded_and_copied_planes_are_unchanged():
    rng = np.random.default_rng(0)
    block = rng.integers(-1000, 1000, (3, 4, 5)).astype(np.int16)
    result = interpolate_planes(block, np.array([0.0, 2.0, 3.0]), 4)
    assert result.dtype == np.int16
    np.testing.assert_array_equal(result[[0, 2, 3]], block)
    np.testing.assert_allclose(result[1], (block[0].astype(float) + block[1]) / 2, atol=0.5)


def test_whole_shifts_move_and_change_nothing():
    block = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)
    shifts = np.array([[0.0, 0.0], [2.0, -1.0]])
    low, grid = straightened_grid(shifts, (3, 4))
    assert low.tolist() == [0.0, -1.0]
    assert grid == (4, 6)
    result = straighten(block, shifts, -9)
    np.testing.assert_array_equal(result[0, 1:, :4], block[0])
    np.testing.assert_array_equal(result[1, :3, 2:], block[1])
    assert (result == -9).sum() == 2 * (24 - 12)


def test_a_shift_by_half_a_pixel_is_the_mean_of_neighbours():
    block = np.array([[[0.0, 10.0, 30.0]]], np.float32).repeat(2, axis=0)
    result = straighten(block, np.array([[0.0, 0.0], [0.5, 0.0]]), -9)
    np.testing.assert_allclose(result[1, 0], [0, 5, 20, 30])
    np.testing.assert_allclose(result[0, 0], [0, 10, 30, -9])


@pytest.mark.parametrize("shift", [0.9996, 1.0004])
def test_shifts_next_to_a_whole_pixel_stay_on_the_grid(shift: float):
    block = np.array([[[1.0, 2.0, 3.0]]], np.float32).repeat(2, axis=0)
    result = straighten(block, np.array([[0.0, 0.0], [shift, 0.0]]), -9)
    np.testing.assert_allclose(result[1, 0, 1:4], [1, 2, 3], atol=1e-2)
