"""Views of a cube to learn from without labels: two of one, and only the middle of one."""

import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, RandFlipd, RandGaussianNoised

from lungdet.transforms import RandKeepMiddle, RandKeepMiddled, RandTwoViewsd


def views(seed: int) -> RandTwoViewsd:
    steps = [RandFlipd("image", 0.5, spatial_axis=0), RandGaussianNoised("image", prob=1.0, std=0.1)]
    return RandTwoViewsd(Compose(steps)).set_random_state(seed)


def test_two_views_differ_and_come_again_with_the_seed():
    item = {"image": MetaTensor(torch.rand(1, 4, 4, 4)), "name": "a"}
    before = item["image"].clone()
    first, again, other = views(1)(item), views(1)(item), views(2)(item)
    assert first.keys() == {"image", "second_view", "name"}
    assert not torch.equal(first["image"], first["second_view"])
    assert torch.equal(first["image"], again["image"])
    assert torch.equal(first["second_view"], again["second_view"])
    assert not torch.equal(first["image"], other["image"])
    assert torch.equal(item["image"], before)


def test_two_views_need_one_key():
    with pytest.raises(ValueError, match="wanted one key"):
        RandTwoViewsd(RandFlipd("image"), keys=("image", "mask"))


def test_what_is_kept_lies_about_the_middle():
    covered = RandKeepMiddle(1.0, sides=(4, 4), value=-1.0)(torch.ones(2, 8, 7, 3))
    kept = (covered > 0).nonzero()
    assert kept.amin(dim=0).tolist() == [0, 2, 1, 0]  # an odd rest leaves one voxel more behind
    assert kept.amax(dim=0).tolist() == [1, 5, 4, 2]  # an axis of 3 is kept whole
    assert set(covered.unique().tolist()) == {-1.0, 1.0}


def test_sides_are_drawn_within_their_range_and_axis_by_axis():
    keep = RandKeepMiddle(1.0, sides=(2, 6)).set_random_state(0)
    drawn = set()
    for _ in range(40):
        keep.randomize(3)
        drawn.add(keep.kept)
    assert {side for sides in drawn for side in sides} == {2, 3, 4, 5, 6}
    assert any(len(set(sides)) > 1 for sides in drawn)


def test_images_of_a_dictionary_keep_the_same_box_and_their_affine():
    image = MetaTensor(torch.ones(1, 9, 9, 9), affine=torch.diag(torch.tensor([2.0, 2, 2, 1])))
    item = RandKeepMiddled(("image", "mask"), 1.0, sides=(1, 8)).set_random_state(5)(
        {"image": image, "mask": torch.ones(1, 9, 9, 9)}
    )
    assert torch.equal(item["image"].as_tensor(), torch.as_tensor(item["mask"]))
    assert torch.equal(item["image"].affine, image.affine)
    assert float(image.min()) == 1.0


@pytest.mark.parametrize("arguments", [{"prob": 1.5}, {"sides": (5, 2)}, {"sides": (0, 2)}, {"sides": (3,)}])
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="prob must be"):
        RandKeepMiddle(**arguments)
