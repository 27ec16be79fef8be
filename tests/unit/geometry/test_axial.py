"""Volumes as axial slices, and what their slices hold."""

import itertools

import numpy as np
import pytest

from lungdet.geometry.axial import axial_view
from lungdet.geometry.slice_areas import slice_areas

SHAPE, SPACING = (5, 6, 7), np.array([0.7, 0.8, 2.5])


def straight() -> tuple[np.ndarray, np.ndarray]:
    affine = np.diag([*SPACING, 1.0])
    affine[:3, 3] = [-10.0, 20.0, -300.0]
    return np.arange(np.prod(SHAPE)).reshape(SHAPE), affine


def turned(array: np.ndarray, affine: np.ndarray, axes: tuple[int, ...], flips: tuple[bool, ...]) -> tuple:
    """The same image, stored with other axes."""
    affine = affine[:, [*axes, 3]].copy()
    array = array.transpose(axes)
    for axis in np.flatnonzero(flips):
        affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
        affine[:3, axis] *= -1
        array = np.flip(array, axis)
    return array, affine


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("flips", list(itertools.product([False, True], repeat=3)))
def test_however_it_is_stored_it_is_the_same(axes: tuple[int, ...], flips: tuple[bool, ...]):
    array, affine = straight()
    view = axial_view(*turned(array, affine, axes, flips))
    np.testing.assert_array_equal(view.array, array)
    np.testing.assert_allclose(view.affine_lps, affine, atol=1e-12)
    assert view.z_mm.tolist() == [-300.0 + 2.5 * number for number in range(7)]
    backwards = flips[axes.index(2)]
    assert view.slice_index.tolist() == list(range(7))[:: -1 if backwards else 1]


def test_it_is_a_view():
    array, affine = straight()
    assert np.shares_memory(axial_view(array, affine).array, array)


def test_a_tilt_is_borne_and_the_height_is_that_of_the_middle():
    array, affine = straight()
    cosine, sine = np.cos(np.radians(20)), np.sin(np.radians(20))
    tilt = np.array([[1, 0, 0, 0], [0, cosine, -sine, 0], [0, sine, cosine, 0], [0, 0, 0, 1]])
    view = axial_view(array, tilt @ affine)
    middle = view.affine_lps @ np.array([2.0, 2.5, 3.0, 1.0])
    assert view.z_mm[3] == pytest.approx(middle[2])
    tilt[1:3, 1:3] = [[0.7071, -0.7071], [0.7071, 0.7071]]
    with pytest.raises(ValueError, match="45 degrees"):
        axial_view(array, tilt @ affine)


@pytest.mark.parametrize(
    ("step", "indices"), [(1, [0, 1, 2, 3, 4, 5, 6]), (2, [0, 2, 4, 6]), (3, [0, 3, 6]), (4, [1, 5])]
)
def test_every_nth_slice_is_where_it_was(step: int, indices: list[int]):
    view = axial_view(*straight())
    part = view.every(step)
    assert part.slice_index.tolist() == indices
    np.testing.assert_array_equal(part.array, view.array[:, :, indices])
    np.testing.assert_allclose(part.z_mm, view.z_mm[indices])
    with pytest.raises(ValueError, match="at least 1"):
        view.every(0)


def body(spacing_mm: float) -> np.ndarray:
    """Slices of 40 x 30 cm with a trunk of 30 x 20 cm above a table: without lungs, with them, and with no trunk."""
    shape = round(400 / spacing_mm), round(300 / spacing_mm)
    x, y = ((np.arange(size) + 0.5) * spacing_mm for size in shape)
    x, y = x[:, None] - 200, y[None] - 130
    slices = np.full((*shape, 3), -1000, np.int16)
    slices[(x / 150) ** 2 + (y / 100) ** 2 < 1] = 40
    slices[..., 1][((abs(x) - 70) / 50) ** 2 + (y / 70) ** 2 < 1] = -850
    slices[..., 2] = -1000
    slices[np.broadcast_to(abs(y - 140) < 2, shape)] = 100
    return slices


@pytest.mark.parametrize("spacing_mm", [0.8, 1.7, 4.0])
def test_areas_are_those_of_the_ellipses(spacing_mm: float):
    trunk, lungs = np.pi * 15 * 10, 2 * np.pi * 5 * 7
    body_cm2, lung_cm2 = slice_areas(body(spacing_mm), (spacing_mm, spacing_mm))
    np.testing.assert_allclose(body_cm2, [trunk, trunk, 0], rtol=0.05)
    np.testing.assert_allclose(lung_cm2, [0, lungs, 0], rtol=0.06, atol=1.0)


def test_what_is_no_image_is_refused():
    with pytest.raises(ValueError, match="must be"):
        slice_areas(np.zeros((4, 4)), (1.0, 1.0))
    with pytest.raises(ValueError, match="no finite number"):
        slice_areas(np.full((40, 40, 2), np.nan), (1.0, 1.0))
