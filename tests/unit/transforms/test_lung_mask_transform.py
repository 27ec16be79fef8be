"""The lungs' mask as a transform: sides, metadata, and what it refuses."""

import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Orientationd

from lungdet.transforms import LungMask, LungMaskd


@pytest.fixture
def image() -> MetaTensor:
    """Two lungs in a block of tissue, 4 x 4 x 8 mm; x runs to the patient's left, y to the back."""
    values = torch.full((1, 80, 60, 30), -1000.0)
    values[:, 5:75, 5:55] = 40.0
    values[:, 10:35, 10:50, 3:27] = -850.0
    values[:, 45:70, 10:50, 3:27] = -850.0
    affine = torch.diag(torch.tensor([-4.0, -4.0, 8.0, 1.0], dtype=torch.float64))
    return MetaTensor(values, affine=affine, meta={"original_affine": affine})


def test_sides_are_the_patients_and_metadata_stay(image: MetaTensor):
    mask = LungMask()(image)
    assert isinstance(mask, MetaTensor)
    assert mask.dtype == torch.uint8
    assert torch.equal(mask.affine, image.affine)
    assert (mask[0, 11:34, 11:49, 4:26] == 1).all()
    assert (mask[0, 46:69, 11:49, 4:26] == 2).all()
    assert not mask[0, 37:43].any()
    assert mask.meta["no_lungs"] == ""
    assert torch.equal(LungMask(sides=False)(image).as_tensor(), (mask.as_tensor() > 0).to(torch.uint8))


def test_turning_the_image_turns_the_mask(image: MetaTensor):
    item = LungMaskd("image")({"image": image})
    turned = Orientationd(["image", "lungs"], axcodes="SAR", labels=None)(item)
    assert torch.equal(LungMask()(turned["image"]).as_tensor(), turned["lungs"].as_tensor())


def test_no_lungs_are_told(image: MetaTensor):
    mask = LungMask()(image.clone().fill_(-1000.0))
    assert not mask.any()
    assert mask.meta["no_lungs"] == "no body is seen"


def test_the_dictionary_form_adds_masks(image: MetaTensor):
    item = LungMaskd(["image", "prior"], ["lungs", "prior_lungs"])({"image": image, "prior": image})
    assert torch.equal(item["lungs"], item["prior_lungs"])
    assert item["image"] is image
    with pytest.raises(ValueError, match="its own mask"):
        LungMaskd(["image", "prior"], "lungs")


def test_what_has_no_sides_or_shape_is_refused(image: MetaTensor):
    with pytest.raises(ValueError, match="affine"):
        LungMask()(image.as_tensor())
    with pytest.raises(ValueError, match="is wanted"):
        LungMask()(image[:, :, :, 0])
