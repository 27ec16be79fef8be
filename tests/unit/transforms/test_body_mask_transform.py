"""The body's mask as a transform: shape, metadata, and what it refuses."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Orientationd

from lungdet.geometry.body_mask import body_mask
from lungdet.transforms import BodyMask, BodyMaskd


@pytest.fixture
def image() -> MetaTensor:
    """A box of tissue, longer along x than along y, with a lung, on two of three slices."""
    values = torch.full((1, 120, 80, 3), -1000.0)
    values[:, 20:100, 20:70, :2] = 40.0
    values[:, 30:50, 35:55, :2] = -800.0
    affine = torch.diag(torch.tensor([2.0, 3.0, 5.0, 1.0], dtype=torch.float64))
    return MetaTensor(values, affine=affine, meta={"original_affine": affine})


def test_the_mask_of_a_volume_is_that_of_its_slices(image: MetaTensor):
    mask = BodyMask()(image)
    assert isinstance(mask, MetaTensor)
    assert mask.dtype == torch.uint8
    assert torch.equal(mask.affine, image.affine)
    for index in range(3):
        expected = body_mask(image[0, :, :, index].numpy().T, (3.0, 2.0)).T
        np.testing.assert_array_equal(mask[0, :, :, index].numpy(), expected)
    assert mask[0, 40, 45, 0] == 1  # the lung is filled
    assert not mask[..., 2].any()


def test_a_single_slice_and_a_given_spacing(image: MetaTensor):
    mask = BodyMask(spacing_mm=(2.0, 3.0))(image.as_tensor()[..., 0])
    np.testing.assert_array_equal(mask.numpy(), BodyMask()(image)[..., 0].numpy())


def test_the_dictionary_form_adds_masks(image: MetaTensor):
    item = BodyMaskd(["image", "prior"], ["body", "prior_body"])({"image": image, "prior": image})
    assert torch.equal(item["body"], item["prior_body"])
    assert item["image"] is image


def test_slices_of_another_plane_are_refused_until_turned(image: MetaTensor):
    turned = Orientationd("image", axcodes="SAR", labels=None)({"image": image})
    with pytest.raises(ValueError, match="not axial"):
        BodyMask()(turned["image"])
    back = Orientationd("image", axcodes="RAS", labels=None)(turned)
    assert torch.equal(BodyMask()(back["image"]), BodyMask()(image))


@pytest.mark.parametrize("shape", [(2, 8, 8), (8, 8), (1, 2, 2, 2, 2)])
def test_odd_shapes_are_refused(shape: tuple[int, ...]):
    with pytest.raises(ValueError, match="is wanted"):
        BodyMask((1.0, 1.0))(torch.zeros(shape))


def test_an_image_without_spacing_is_refused():
    with pytest.raises(ValueError, match="no affine"):
        BodyMask()(torch.zeros(1, 8, 8))


def test_one_key_for_two_masks_is_refused():
    with pytest.raises(ValueError, match="mask_keys"):
        BodyMaskd(["a", "b"])
