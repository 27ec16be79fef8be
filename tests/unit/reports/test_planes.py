"""Whatever the order and direction of the axes, the patient is hung the same way."""

import itertools

import numpy as np
import pytest

from lungdet.geometry import frames
from lungdet.records import CTVolume, SeriesInfo
from lungdet.reports.pictures import GREY_LEVELS, whole_section
from lungdet.reports.planes import AXIAL, CORONAL, PLANES, SAGITTAL, PatientView, nearest_axes

ORDERS = list(itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)))
SIZE_LPS = (40, 50, 30)  # voxels towards Left, Posterior, Superior
SPACING_LPS = (1.0, 0.5, 2.0)
SPOT_LPS = (35, 4, 26)  # far left, anterior, superior


def turned_volume(order: tuple[int, ...], signs: tuple[int, ...]) -> CTVolume:
    """One patient, stored with array axis ``n`` along patient axis ``order[n]``, reversed where ``signs[n]`` is -1."""
    patient = np.full(SIZE_LPS, -1000, dtype=np.int16)
    patient[SPOT_LPS] = 1000
    flips = tuple(slice(None, None, sign) for sign in signs)
    affine = np.eye(4)
    affine[:3, :3] = 0
    start = np.zeros(3)
    for axis, (towards, sign) in enumerate(zip(order, signs, strict=True)):
        affine[towards, axis] = sign * SPACING_LPS[towards]
        if sign < 0:
            start[towards] = (SIZE_LPS[towards] - 1) * SPACING_LPS[towards]
    affine[:3, 3] = start + (-20.0, 7.0, 300.0)
    return CTVolume(patient.transpose(order)[flips], affine, SeriesInfo("x"))


@pytest.mark.parametrize(("order", "signs"), ORDERS)
def test_a_spot_is_at_the_same_place_in_all_48_orders(order: tuple[int, ...], signs: tuple[int, ...]):
    volume = turned_volume(order, signs)
    view = PatientView.of(volume)
    assert view.array.shape == SIZE_LPS
    assert view.spacing_mm == SPACING_LPS
    assert view.array.base is not None
    assert np.argwhere(view.array == 1000).tolist() == [list(SPOT_LPS)]
    spot = np.argwhere(volume.array == 1000)[0].astype(float)
    box = view.box((*spot, *(spot + 1)))
    assert box == (35, 4, 26, 36, 5, 27)
    # Left is at the right of the picture, anterior at the top of axial and at the left of sagittal, the head on top.
    for plane, place in ((AXIAL, (4, 35)), (CORONAL, (3, 35)), (SAGITTAL, (3, 4))):
        section = view.section(plane, view.center_index(plane, box))
        assert np.argwhere(section == 1000).tolist() == [list(place)], plane.name
        left, top, right, bottom = view.rectangle(plane, box)
        assert (top, left, bottom, right) == (*place, place[0] + 1, place[1] + 1)


def test_all_48_orders_give_the_same_pictures():
    def pictures(order: tuple[int, ...], signs: tuple[int, ...]) -> list[bytes]:
        volume = turned_volume(order, signs)
        view = PatientView.of(volume)
        spot = np.argwhere(volume.array == 1000)[0].astype(float)
        box = view.box((*(spot - 2), *(spot + 3)))
        return [whole_section(view, plane, box).tobytes() for plane in PLANES]

    expected = pictures((0, 1, 2), (1, 1, 1))
    for order, signs in ORDERS:
        assert pictures(order, signs) == expected, (order, signs)


def test_the_world_agrees(volume: CTVolume):
    """The affine is the referee: the middle of the view's box is the middle of the box in LPS mm."""
    view = PatientView.of(volume)
    box = (3.0, 5.0, 7.0, 9.0, 8.0, 9.0)
    center = frames.boxes_to_world(np.array([box]), volume.affine_lps)[0].reshape(2, 3).mean(axis=0)
    first = volume.affine_lps[:3, 3]
    turned = np.array(view.box(box)).reshape(2, 3).mean(axis=0)
    np.testing.assert_allclose((turned - 0.5) * view.spacing_mm + first, center)


def test_an_oblique_scan_takes_the_nearest_axes():
    angle = np.deg2rad(30)
    tilt = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    affine = np.eye(4)
    affine[:3, :3] = tilt * (0.7, 0.7, 2.0)
    assert nearest_axes(affine) == ((0, 1, 2), (False, False, False))


def test_every_axis_is_used_once_even_when_two_are_near_the_same():
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = (0.8, 0.6, 0.0), (0.75, -0.66, 0.0)
    axes, _ = nearest_axes(affine)
    assert sorted(axes) == [0, 1, 2]


def test_centers_outside_are_brought_to_the_edge(volume: CTVolume):
    view = PatientView.of(volume)
    assert view.center_index(AXIAL, (0, 0, 19.5, 1, 1, 25)) == 19
    assert view.center_index(AXIAL, (0, 0, -9, 1, 1, 0)) == 0
    assert view.size_mm == (80.0, 60.0, 50.0)
    assert GREY_LEVELS < 256
