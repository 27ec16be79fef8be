"""Marks of a list lie in the exact middle of their nodules; a detector's do not, and those of a training must not."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from lungdet.geometry.cubes import Cube, cut_cube
from lungdet.geometry.frames import ras_to_lps
from lungdet.phantoms.nodule_cube import MARK_MOST
from lungdet.transforms import RandShiftMarkd
from lungdet.transforms.cut_cube import cube_image

SIDE, MARGIN = 8, 5
WIDE = SIDE + 2 * MARGIN
MIDDLE = torch.tensor([3.0, -2.0, 40.0], dtype=torch.float64)


@pytest.fixture(scope="module")
def cut() -> Cube:
    affine = np.array([[1.0, 0, 0, -20], [0, 1.0, 0, -25], [0, 0, 1.0, 15], [0, 0, 0, 1.0]])
    hu = np.random.default_rng(0).integers(-1000, 400, (48, 48, 48)).astype(np.int16)
    return cut_cube(hu, affine, MIDDLE.tolist(), WIDE)


def item_of(cut: Cube, diameter_mm: float = 10.0, middle: torch.Tensor = MIDDLE) -> dict:
    return {"image": cube_image(cut), "center_lps_mm": middle, "diameter_mm": torch.tensor(diameter_mm), "nodule": 1}


def offsets(cut: Cube, diameter_mm: float, count: int = 250, **options) -> np.ndarray:
    shift = RandShiftMarkd("image", side=SIDE, **options).set_random_state(0)
    item = item_of(cut, diameter_mm)
    return np.stack([(shift(item)["center_lps_mm"] - MIDDLE).numpy() for _ in range(count)])


def test_the_voxels_are_those_of_the_wide_cube_at_the_mark_that_is_told(cut: Cube):
    item = item_of(cut)
    shift = RandShiftMarkd("image", side=SIDE, spread=0.15).set_random_state(1)
    for _ in range(20):
        found = shift(item)
        image = found["image"]
        assert isinstance(image, MetaTensor)
        assert image.shape == (1, SIDE, SIDE, SIDE)
        middle = ras_to_lps(image.affine.numpy()) @ [*[(SIDE - 1) / 2] * 3, 1.0]
        assert np.allclose(middle[:3], found["center_lps_mm"])
        first = np.rint(np.linalg.inv(item["image"].affine.numpy()) @ image.affine.numpy()[:, 3]).astype(int)[:3]
        wanted = cut.hu[(0, *(slice(at, at + SIDE) for at in first))]
        assert np.array_equal(image[0].numpy(), wanted)
    assert item["image"].shape[-1] == WIDE
    assert torch.equal(item["center_lps_mm"], MIDDLE)


def test_marks_are_as_far_off_as_those_of_phantoms(cut: Cube):
    """Standard deviation along each axis: 6 % of the diameter and what rounding to voxels adds; at most 15 %."""
    large = offsets(cut, 25.0)
    assert np.sqrt((large**2).mean()) == pytest.approx(np.hypot(0.06 * 25, 0.41), rel=0.12)
    assert np.linalg.norm(large, axis=1).max() <= MARK_MOST * 25 + np.sqrt(3)
    assert np.abs(large.mean(axis=0)).max() < 0.25
    small = offsets(cut, 4.0)
    assert 0 < np.sqrt((small**2).mean()) < 0.6
    unknown = offsets(cut, float("nan"))
    assert np.sqrt((unknown**2).mean()) == pytest.approx(np.hypot(1.0, 0.41), rel=0.12)
    assert np.abs(offsets(cut, 200.0, 50)).max() == MARGIN  # no further than the cube is wide


def test_without_a_spread_the_mark_stays(cut: Cube):
    found = RandShiftMarkd("image", side=SIDE, spread=0.0)(item_of(cut))
    assert torch.equal(found["center_lps_mm"], MIDDLE)
    inner = slice(MARGIN, MARGIN + SIDE)
    assert np.array_equal(found["image"][0].numpy(), cut.hu[0, inner, inner, inner])
    narrow = cube_image(Cube(cut.hu[:, inner, inner, inner].copy(), cut.affine_lps, 1.0))
    again = RandShiftMarkd("image", side=SIDE)({**item_of(cut), "image": narrow})
    assert torch.equal(again["center_lps_mm"], MIDDLE)  # there is no room


def test_a_seed_shifts_each_mark_as_it_always_does(cut: Cube):
    """What is validated and scored must not change from run to run, nor with its place in the list."""
    shift = RandShiftMarkd("image", side=SIDE, spread=0.15, seed=3)
    marks = [item_of(cut, middle=MIDDLE + number) for number in range(6)]
    first = [shift(mark)["center_lps_mm"] - mark["center_lps_mm"] for mark in marks]
    again = [shift(mark)["center_lps_mm"] - mark["center_lps_mm"] for mark in reversed(marks)][::-1]
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    assert len({tuple(one.tolist()) for one in first}) > 1
    other = RandShiftMarkd("image", side=SIDE, spread=0.15, seed=4)
    assert any(
        not torch.equal(other(mark)["center_lps_mm"] - mark["center_lps_mm"], one)
        for mark, one in zip(marks, first, strict=True)
    )


def test_what_cannot_be_cropped_is_refused(cut: Cube):
    with pytest.raises(ValueError, match=r"wanted cubes of 20 voxels or more.*got .*18"):
        RandShiftMarkd("image", side=20)(item_of(cut))
    with pytest.raises(ValueError, match=r"an even number wider than 7.*18"):
        RandShiftMarkd("image", side=7)(item_of(cut))
    for wrong in ({"side": 0}, {"spread": -0.1}, {"unknown_mm": float("nan")}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            RandShiftMarkd("image", **wrong)
