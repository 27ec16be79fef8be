"""Slices in a field of one size, and volumes as slices."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from lungdet.geometry.axial_slices import axial_slices
from lungdet.geometry.slice_field import body_centres, shrink_slices


def body(rows: int = 60, columns: int = 60, top: int = 20, left: int = 10, height: int = 20, width: int = 30):
    slices = torch.full((1, rows, columns), -1000.0)
    slices[:, top : top + height, left : left + width] = 40.0
    return slices


def test_means_over_exact_areas():
    slices = torch.tensor([[[0.0, 100.0, 200.0]]]).expand(1, 3, 3)
    shrunk = shrink_slices(slices, (1.0, 1.0), 2, 1.5, centred=False)
    assert (
        shrunk[0].tolist() == [pytest.approx([100 / 3, 500 / 3], abs=1e-3)] * 2
    )  # one pixel, and half of the middle one


def test_agrees_with_torch_where_pixels_fit():
    slices = torch.randn(2, 64, 64, generator=torch.Generator().manual_seed(0)) * 100
    expected = functional.avg_pool2d(slices[:, None], 4)[:, 0]
    assert torch.allclose(shrink_slices(slices, (1.0, 1.0), 16, None, centred=False), expected, atol=1e-3)


def test_what_lies_outside_is_air_and_padding_too():
    shrunk = shrink_slices(torch.full((1, 4, 4), 50.0), (1.0, 1.0), 8, 1.0, centred=False)
    assert (shrunk[0, 2:6, 2:6] == 50).all()
    assert float(shrunk[0, 0, 0]) == -1000
    assert (shrink_slices(torch.full((1, 4, 4), -3024, dtype=torch.int16), (1.0, 1.0), 2, None) == -1000).all()


def test_the_body_comes_to_the_middle_wherever_it_lies():
    seen = [shrink_slices(body(top=top, left=left), (8.0, 8.0), 40, 8.0) for top, left in ((20, 10), (35, 25), (5, 4))]
    assert torch.allclose(seen[0], seen[1], atol=1e-3)
    assert torch.allclose(seen[0], seen[2], atol=1e-3)


def test_a_thin_table_does_not_move_the_body():
    slices = body()
    before = body_centres(slices, (8.0, 8.0))
    slices[:, 50:52] = 200.0
    assert torch.equal(body_centres(slices, (8.0, 8.0)), before)
    assert before.tolist() == [[30.0, 25.0]]


def test_air_alone_is_shown_about_its_middle():
    assert body_centres(torch.full((1, 30, 50), -1000.0), (1.0, 1.0)).tolist() == [[15.0, 25.0]]


def test_no_slices_and_refusals():
    assert shrink_slices(torch.zeros(0, 4, 4), (1.0, 1.0), 8).shape == (0, 8, 8)
    with pytest.raises(ValueError, match="slices must be"):
        shrink_slices(torch.zeros(4, 4), (1.0, 1.0))
    with pytest.raises(ValueError, match="sizes must be positive"):
        shrink_slices(torch.zeros(1, 4, 4), (1.0, 0.0))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, -1, 1), (1, 1, -1)])
def test_slices_are_the_same_whichever_way_the_axes_run(order, signs):
    array = np.random.default_rng(0).normal(0, 200, (12, 10, 6)).astype(np.float32)
    affine = np.diag([2.0, 2.0, 5.0, 1.0])
    wanted = axial_slices(array, affine, 8, 3.0)
    turned, moved = array, affine.copy()
    for axis, sign in enumerate(signs):
        if sign < 0:
            turned = np.flip(turned, axis)
            moved[:3, 3] += moved[:3, axis] * (turned.shape[axis] - 1)
            moved[:3, axis] *= -1
    found = axial_slices(turned.transpose(order), moved[:, [*order, 3]], 8, 3.0)
    assert torch.allclose(found.images, wanted.images, atol=1e-3)
    assert found.positions_mm.tolist() == wanted.positions_mm.tolist()
    assert (np.diff(found.positions_mm) > 0).all()
