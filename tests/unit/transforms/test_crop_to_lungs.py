"""A chest cut down to its lungs: places stay where they are, and what does not show two lungs stays whole."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Orientationd, Spacingd

from lungdet.transforms import CropToLungs, CropToLungsd, LungMask


@pytest.fixture
def image() -> MetaTensor:
    """Two lungs in a block of tissue, 4 x 4 x 8 mm; x runs to the patient's left, y to the back."""
    values = torch.full((1, 80, 60, 30), -1000.0)
    values[:, 5:75, 5:55] = 40.0
    values[:, 10:35, 10:50, 3:27] = -850.0
    values[:, 45:70, 10:50, 3:27] = -850.0
    affine = torch.diag(torch.tensor([-4.0, -4.0, 8.0, 1.0], dtype=torch.float64))
    affine[:3, 3] = torch.tensor([100.0, 90.0, -300.0])
    return MetaTensor(values, affine=affine, meta={"original_affine": affine})


def test_the_box_by_hand(image: MetaTensor):
    cropped = CropToLungs(margin_mm=9.0)(image)  # 3 voxels of 4 mm, 2 of 8 mm
    assert torch.equal(cropped.as_tensor(), image.as_tensor()[:, 7:73, 7:53, 1:29])
    expected = image.affine @ torch.tensor([7.0, 7.0, 1.0, 1.0], dtype=torch.float64)
    assert torch.equal(cropped.affine[:, 3], expected)
    assert torch.equal(cropped.affine[:3, :3], image.affine[:3, :3])


def test_the_margin_ends_at_the_image(image: MetaTensor):
    assert CropToLungs(margin_mm=1000.0)(image).shape == image.shape
    assert CropToLungs(margin_mm=0.0)(image).shape == (1, 60, 40, 24)


def test_a_place_is_the_same_after_all_that_follows(image: MetaTensor):
    image[0, 20, 30, 12] = 3000.0
    place = image.affine @ torch.tensor([20.0, 30.0, 12.0, 1.0], dtype=torch.float64)
    after = [Orientationd("image", axcodes="RAS", labels=None), Spacingd("image", pixdim=(2.0, 2.0, 4.0))]
    for steps in (after, [CropToLungsd("image", margin_mm=12.0), *after]):
        seen = Compose(steps)({"image": image})["image"]
        brightest = np.unravel_index(int(seen.argmax()), seen.shape)[1:]
        found = seen.affine @ torch.tensor([*map(float, brightest), 1.0], dtype=torch.float64)
        assert torch.allclose(found, place, atol=1e-6)


def test_the_resampled_crop_is_a_part_of_the_whole_resampled(image: MetaTensor):
    image += torch.from_numpy(np.random.default_rng(0).normal(0, 20, image.shape).astype(np.float32))
    after = Compose([Orientationd("image", axcodes="RAS", labels=None), Spacingd("image", pixdim=(1.9, 3.1, 5.0))])
    whole = after({"image": image})["image"]
    cropped = after(
        CropToLungsd("image", margin_mm=7.0, spacing_mm=(1.9, 3.1, 5.0), multiple=(16, 1, 2))({"image": image})
    )
    # With 7 mm from 31 to 285, 31 to 205 and 13 to 219 mm; 0 is the first voxel's centre, at .5 of the edge frame
    part = whole[:, 16:160, 10:67, 2:46]
    assert cropped["image"].shape == part.shape
    assert (cropped["image"].as_tensor() - part.as_tensor()).abs().max() < 1e-4
    first = torch.tensor([16.0, 10.0, 2.0, 1.0], dtype=torch.float64)
    assert torch.allclose(cropped["image"].affine[:, 3], whole.affine @ first, atol=1e-9)
    assert cropped["lungs"].shape == image.shape


@pytest.mark.parametrize("hidden", [slice(40, 80), slice(0, 80)], ids=["one lung", "no lung"])
def test_what_does_not_show_two_lungs_stays_whole(image: MetaTensor, hidden: slice):
    image[:, hidden] = torch.where(image[:, hidden] == -850.0, 40.0, image[:, hidden])
    item = CropToLungsd("image", spacing_mm=(2.0, 2.0, 2.0))({"image": image})
    assert torch.equal(item["image"], image)
    assert item["lungs"].meta["no_lungs"] or "only one lung is seen" in item["lungs"].meta["lung_notes"]


@pytest.mark.parametrize(("kept", "whole"), [(10, False), (5, True)])
def test_a_lung_of_which_little_is_left_keeps_the_image_whole(image: MetaTensor, kept: int, whole: bool):
    mask = LungMask()(image)
    mask[:, 45 + kept :] = 0  # of 25 columns
    cropped = CropToLungs(margin_mm=0.0)(image, mask)
    assert cropped.shape == (image.shape if whole else (1, 35 + kept, 40, 24))


def test_the_dictionary_form_keeps_the_mask_of_the_whole(image: MetaTensor):
    item = CropToLungsd(["image", "prior"], mask_key="mask", margin_mm=0.0)({"image": image, "prior": image})
    assert item["mask"].shape == image.shape
    assert item["image"].shape == item["prior"].shape == (1, 60, 40, 24)
    known = LungMask()(image)
    assert CropToLungsd("image")({"image": image, "lungs": known})["lungs"] is known


def test_bad_settings_and_images_are_refused(image: MetaTensor):
    for margin in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="margin_mm"):
            CropToLungs(margin)
    for spacing in ((1.0, 1.0), (1.0, 0.0, 1.0), (1.0, float("nan"), 1.0)):
        with pytest.raises(ValueError, match="spacing_mm"):
            CropToLungs(spacing_mm=spacing)
    for multiple in ((16, 16), (16, 0, 2)):
        with pytest.raises(ValueError, match="multiple"):
            CropToLungs(spacing_mm=(1.0, 1.0, 1.0), multiple=multiple)
    with pytest.raises(ValueError, match="shape"):
        CropToLungs()(image, LungMask()(image)[:, :40])
    with pytest.raises(ValueError, match="affine"):
        CropToLungs()(image.as_tensor())


def test_an_image_without_a_number_stays_whole(image: MetaTensor):
    item = CropToLungsd("image")({"image": image.fill_(float("nan"))})
    assert item["image"].shape == image.shape
    assert item["lungs"].meta["no_lungs"]


def test_half_a_chest_is_cropped_by_what_it_shows(image: MetaTensor):
    half = image[..., :15]
    assert CropToLungs(margin_mm=0.0)(half).shape == (1, 60, 40, 12)
