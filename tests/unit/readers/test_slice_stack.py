import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungdet.readers.slice_stack import (
    even_lattice,
    has_few_holes,
    lattice_with_holes,
    measure_lean,
    plane_axes,
    plane_name,
    repeated_places,
    sort_slices,
    stack_affine,
    typical_step_mm,
)

AXIAL = plane_axes((1, 0, 0, 0, 1, 0))


def stack_of(*heights: float):
    return sort_slices(np.array([[3.0, 4.0, height] for height in heights]), AXIAL)


def rotation(seed: int) -> np.ndarray:
    matrix = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    return matrix * np.sign(np.linalg.det(matrix))


@given(st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_axes_are_a_right_handed_frame(seed: int):
    row, column, _ = rotation(seed).T
    axes = plane_axes((*np.round(row, 5), *np.round(column, 5)))
    frame = np.stack(axes)
    np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(frame) == pytest.approx(1.0)
    np.testing.assert_allclose(axes.row, row, atol=1e-4)


@pytest.mark.parametrize(
    ("cosines", "message"),
    [
        ((1, 0, 0, 0, 1), "six finite"),
        ((1, 0, 0, 0, float("nan"), 0), "six finite"),
        ((1, 0, 0, 0, 1.01, 0), "unit vectors, got lengths 1, 1.01"),
        ((1, 0, 0, 0.6, 0.8, 0), "dot product is 0.6"),
    ],
)
def test_broken_cosines_are_refused(cosines, message: str):
    with pytest.raises(ValueError, match=message):
        plane_axes(cosines)


@pytest.mark.parametrize(
    ("cosines", "name"),
    [
        ((1, 0, 0, 0, 1, 0), "axial"),
        ((1, 0, 0, 0, 0.9483237, -0.3173047), "axial"),
        ((1, 0, 0, 0, 0, -1), "coronal"),
        ((0, 1, 0, 0, 0, -1), "sagittal"),
        ((1, 0, 0, 0, 0.7071068, 0.7071068), "oblique"),
    ],
)
def test_planes_have_names(cosines, name: str):
    assert plane_name(plane_axes(cosines)) == name


@given(st.permutations(range(7)), st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_order_follows_the_normal_whatever_the_order_of_files(permutation, seed: int):
    turn = rotation(seed)
    axes = plane_axes((*turn[:, 0], *turn[:, 1]))
    positions = np.array([5.0, -3.0, 2.0]) + np.arange(7)[:, None] * 1.5 * turn[:, 2]
    stack = sort_slices(positions[list(permutation)], axes)
    np.testing.assert_allclose(stack.positions_lps_mm, positions)
    np.testing.assert_allclose(np.diff(stack.heights_mm), 1.5)
    assert [permutation[index] for index in stack.order] == list(range(7))


@pytest.mark.parametrize("positions", [np.zeros((0, 3)), np.zeros((2, 2)), np.array([[0, 0, np.inf]])])
def test_positions_must_be_places(positions: np.ndarray):
    with pytest.raises(ValueError):
        sort_slices(positions, AXIAL)


def test_repeats_are_runs():
    assert repeated_places(stack_of(0, 1, 1, 1.005, 2, 3, 3)) == [[1, 2, 3], [5, 6]]
    assert repeated_places(stack_of(0, 1)) == []


def test_even_steps_fit_one_lattice():
    lattice = even_lattice(stack_of(0, 0.62, 1.25, 1.88, 2.5))  # 0.625 written with two decimals
    assert lattice.fits
    assert lattice.step_mm == 0.625
    assert lattice.holes == []


def test_missing_slices_leave_holes():
    stack = stack_of(0, 2, 4, 10, 12)
    assert not even_lattice(stack).fits
    lattice = lattice_with_holes(stack)
    assert lattice.fits
    assert lattice.places.tolist() == [0, 1, 2, 5, 6]
    assert lattice.holes == [2]
    assert has_few_holes(lattice)


def test_many_holes_are_another_step():
    assert not has_few_holes(lattice_with_holes(stack_of(0, 1, 2, 3, 5, 7, 9)))


def test_a_slow_drift_of_the_step_is_found():
    heights = np.concatenate([np.arange(50) * 1.0, 49 + np.arange(1, 51) * 1.03])
    stack = stack_of(*heights)
    assert not even_lattice(stack).fits
    assert not lattice_with_holes(stack).fits


def test_typical_step_occurs():
    assert typical_step_mm(stack_of(0, 1, 3)) == 1.0
    assert typical_step_mm(stack_of(0, 1, 2, 4, 6)) == 1.0
    assert typical_step_mm(stack_of(0, 5)) == 5.0


def test_lean_of_a_tilted_gantry():
    """Rows run to the left, columns tip by 18.5 degrees, the table moves along z, as a GE head scan writes +18.5."""
    angle = np.radians(18.5)
    axes = plane_axes((1, 0, 0, 0, np.cos(angle), -np.sin(angle)))
    stack = sort_slices(np.arange(10)[:, None] * np.array([0, 0, 4.0]), axes)
    lean = measure_lean(stack)
    assert lean.tilt_degrees == pytest.approx(18.5)
    assert lean.swivel_degrees == pytest.approx(0.0)
    assert lean.drift_mm == pytest.approx(36 * np.sin(angle))
    assert lean.is_tilted(0.5)
    assert not lean.is_crooked(0.5)
    np.testing.assert_allclose(np.diff(stack.heights_mm), 4 * np.cos(angle))


def test_lean_towards_the_rows_is_a_swivel():
    stack = sort_slices(np.arange(5)[:, None] * np.array([0.5, 0, 2.0]), AXIAL)
    assert measure_lean(stack).swivel_degrees == pytest.approx(np.degrees(np.arctan(0.25)))


def test_rounding_is_no_tilt():
    stack = sort_slices(np.array([[0, 0, 0], [0.01, 0, 0.5], [0.02, 0, 1.0]]), AXIAL)
    assert not measure_lean(stack).is_tilted(0.5)


def test_one_shifted_slice_makes_the_stack_crooked():
    positions = np.arange(5)[:, None] * np.array([0, 0, 2.0])
    positions[3, 1] = 1.0
    lean = measure_lean(sort_slices(positions, AXIAL))
    assert lean.is_crooked(0.5)
    assert (lean.shifted, lean.worst_mm) == (3, 1.0)
    assert not lean.is_tilted(0.5)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_affine_maps_indices_as_dicom_does(seed: int):
    """PS3.3 C.7.6.2.1.1: P = X * column_spacing * i + Y * row_spacing * j + S."""
    turn = rotation(seed)
    axes = plane_axes((*turn[:, 0], *turn[:, 1]))
    affine = stack_affine(axes, (0.7, 0.6), np.array([1.0, 2, 3]), 2.0 * axes.normal)
    expected = np.array([1.0, 2, 3]) + 0.6 * 4 * axes.row + 0.7 * 5 * axes.column + 2.0 * 6 * axes.normal
    np.testing.assert_allclose((affine @ [4, 5, 6, 1])[:3], expected)
    assert np.linalg.det(affine[:3, :3]) == pytest.approx(0.7 * 0.6 * 2.0)
