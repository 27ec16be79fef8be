"""Stacks of slices: cutting, drawing, disturbing."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose

from lungdet.transforms import (
    AxialSlices,
    AxialSlicesd,
    MakeTorsod,
    RandEquidistantSlices,
    RandEquidistantSlicesd,
    SliceAugmentation,
    SliceAugmentationd,
)


def volume(slices: int = 20) -> MetaTensor:
    values = torch.arange(slices).float() * 10
    image = values.expand(1, 16, 16, slices).clone()
    meta = {"filename_or_obj": "scan"}
    return MetaTensor(image, affine=torch.diag(torch.tensor([-2.0, -2.0, 5.0, 1.0])), meta=meta)


def test_a_volume_becomes_slices_towards_the_feet():
    item = AxialSlicesd("image", side=4, pixel_mm=8.0, dtype="int16")({"image": volume()})
    assert item["image"].shape == (20, 1, 4, 4)
    assert item["image"].dtype == torch.int16
    assert item["image"][:, 0, 0, 0].tolist() == list(range(190, -10, -10))
    assert torch.equal(item["positions_mm"], torch.arange(-95.0, 1.0, 5.0))
    assert item["source"] == "scan"
    assert torch.equal(AxialSlices(4, 8.0)(volume()), item["image"].float())


def test_slices_need_an_affine_and_four_axes():
    with pytest.raises(ValueError, match="has lost its metadata"):
        AxialSlices()(torch.zeros(1, 4, 4, 4))
    with pytest.raises(ValueError, match="wanted a volume"):
        AxialSlices()(MetaTensor(torch.zeros(1, 4, 4)))
    with pytest.raises(ValueError, match="dtype"):
        AxialSlices(dtype="int8")


def test_slices_are_equidistant_and_in_order():
    draw = RandEquidistantSlices(8).set_random_state(0)
    gaps, starts = set(), set()
    for _ in range(200):
        chosen = draw(torch.arange(50))
        steps = chosen.diff()
        assert len(chosen) == 8
        assert (steps == steps[0]).all()
        gaps.add(int(steps[0]))
        starts.add(int(chosen[0]))
    assert gaps == {1, 2, 3, 4, 5, 6, 7}  # 7 gaps of 7 fit into 49
    assert min(starts) == 0
    assert max(starts) > 35


def test_gaps_keep_to_their_limits():
    draw = RandEquidistantSlices(3, limits_mm=(9.0, 16.0)).set_random_state(0)
    positions = torch.arange(40) * 3.0
    gaps = {int(draw(torch.arange(40), positions).diff()[0]) for _ in range(100)}
    assert gaps == {3, 4, 5}
    assert RandEquidistantSlices(3, limits_mm=(900.0, 901.0))(torch.arange(7), positions[:7]).tolist() == [0, 3, 6]


def test_a_short_volume_is_named():
    with pytest.raises(ValueError, match="7 slices has no 8"):
        RandEquidistantSlices(8)(torch.arange(7))
    assert RandEquidistantSlices(8)(torch.arange(8)).tolist() == list(range(8))


def test_positions_follow_their_slices():
    item = {"image": torch.arange(30)[:, None], "positions_mm": torch.arange(30) * 2.5}
    found = RandEquidistantSlicesd("image", 4).set_random_state(3)(item)
    assert torch.equal(found["image"][:, 0] * 2.5, found["positions_mm"])


def stack() -> torch.Tensor:
    slices = torch.full((4, 1, 64, 64), -1000.0)
    slices[:, :, 16:48, 12:52] = 40.0
    return slices


def test_a_seed_gives_one_disturbance():
    one, again, other = (SliceAugmentation().set_random_state(seed)(stack()) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert one.shape == stack().shape
    assert float(one.min()) >= -1000


def only(**drawn: float) -> SliceAugmentation:
    """An augmentation that draws nothing but what is given."""
    names = ("mirror_prob", "warp_px", "gain", "offset_hu", "gamma", "blur_px", "noise_hu", "crop_prob")
    return SliceAugmentation((1.0, 1.0), 0, 0, 0, 0, **{**dict.fromkeys(names, 0), **drawn})


def test_nothing_to_draw_changes_nothing():
    still = only()
    assert torch.allclose(still(stack()), stack(), atol=1e-2)


def test_the_mirror_image_is_left_for_right():
    mirror = only(mirror_prob=1)
    slices = stack()
    slices[:, :, :, 40:] = -1000.0
    assert torch.allclose(mirror(slices), slices.flip(3), atol=1e-2)


def test_a_narrow_field_leaves_air():
    narrow = SliceAugmentation(crop_prob=1.0, crop=(0.5, 0.5), noise_hu=0).set_random_state(0)
    assert (narrow(stack())[:, :, :14] == -1000).all()


def test_refusals():
    with pytest.raises(ValueError, match="zoom and crop"):
        SliceAugmentation(zoom=(1.2, 0.9))
    with pytest.raises(ValueError, match="wanted a stack"):
        SliceAugmentation()(torch.zeros(1, 64, 64))
    with pytest.raises(ValueError, match="part_prob"):
        MakeTorsod(part_prob=2)


def test_torsos_come_whole_and_in_parts():
    small = {"spacing_mm": (14.0, 14.0, 20.0), "size": 32}
    whole = MakeTorsod(**small)({"seed": 3})
    part = MakeTorsod(**small, part_prob=1.0)({"seed": 3})
    assert whole["image"].shape[-1] > part["image"].shape[-1] >= 250 // 20
    assert (np.diff(whole["coordinate"]) < 0).all()
    assert whole["coordinate"].min() < part["coordinate"].min() or whole["coordinate"].max() > part["coordinate"].max()


def test_the_training_chain_draws_by_its_seed_alone():
    chain = Compose([AxialSlicesd("image", 32, 2.0), RandEquidistantSlicesd("image"), SliceAugmentationd("image")])
    first, second = (chain.set_random_state(5)({"image": volume()}) for _ in range(2))
    assert torch.equal(first["image"], second["image"])
    assert torch.equal(first["positions_mm"], second["positions_mm"])
