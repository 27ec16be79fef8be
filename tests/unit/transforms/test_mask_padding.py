import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose

from lungdet.transforms import MaskPadding, MaskPaddingd


def row(*values, dtype=torch.float32, **meta):
    return MetaTensor(torch.tensor(values, dtype=dtype).reshape(1, -1, 1, 1), meta=meta)


def test_everything_below_the_scale_becomes_air():
    filled = MaskPadding()(row(-3024, -2000, -1024, -1000, 50, 3071))
    assert filled.flatten().tolist() == [-1000, -1000, -1024, -1000, 50, 3071]


def test_nan_is_padding():
    assert MaskPadding()(row(float("nan"), 50)).flatten().tolist() == [-1000, 50]


def test_given_values_and_fill():
    padding = MaskPadding(padding_hu=(3071, -500), below_hu=None, fill_hu=-2, use_meta=False)
    filled = padding(row(-3024, -500, 50, 3071, dtype=torch.int16))
    assert filled.dtype == torch.int16
    assert filled.flatten().tolist() == [-3024, -2, 50, -2]
    assert MaskPadding(padding_hu=7)(row(7, 8)).flatten().tolist() == [-1000, 8]


def test_padding_of_the_metadata_is_a_stored_value():
    meta = {"PixelPaddingValue": 1500, "RescaleSlope": 1, "RescaleIntercept": -1024}
    image = row(-1000, 476, 1500, **meta)
    assert MaskPadding()(image).flatten().tolist() == [-1000, -1000, 1500]
    assert MaskPadding(use_meta=False)(image) is image


def test_without_slope_and_intercept_stored_padding_is_not_guessed_at():
    for meta in ({"PixelPaddingValue": 0}, {"PixelPaddingValue": 0, "RescaleSlope": [1, 2], "RescaleIntercept": 0}):
        assert MaskPadding()(row(0, 50, **meta)).flatten().tolist() == [0, 50]


def test_an_image_without_padding_is_not_copied(scan):
    assert MaskPadding()(scan) is scan


def test_input_is_left_alone_and_memory_order_kept(scan):
    scan[0, 0] = -2000
    filled = MaskPadding()(scan)
    assert (scan[0, 0] == -2000).all()
    assert (filled[0, 0] == -1000).all()
    assert filled.stride() == scan.stride()


def test_dictionary_keeps_the_mask(item):
    item["image"][0, 0] = -2000
    out = Compose([MaskPaddingd("image", mask_keys="outside")])(item)
    assert out["outside"].dtype == torch.bool
    assert out["outside"].sum() == 18 * 14
    assert out["outside"].affine.equal(item["image"].affine)
    assert out["image"].min() >= -1000
    assert "outside" not in item


def test_numpy():
    assert (MaskPadding()(np.full((1, 2, 2, 2), -2000, dtype=np.int16)) == -1000).all()


def test_missing_keys(item):
    assert "prior" not in MaskPaddingd(["image", "prior"], allow_missing_keys=True)(item)


def test_something_must_say_what_padding_is():
    with pytest.raises(ValueError, match="nothing says"):
        MaskPadding(below_hu=None, use_meta=False)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_same_on_cuda(scan):
    scan[0, 0] = -2000
    assert torch.equal(MaskPadding()(scan.cuda()).cpu(), MaskPadding()(scan))


@pytest.mark.parametrize("dtype", [torch.uint16, torch.uint32, torch.bool])
def test_types_without_hu_are_refused(dtype):
    with pytest.raises(ValueError, match=f"an image of {dtype} holds no HU: make it int16 or float32"):
        MaskPadding()(row(0, 1, dtype=dtype))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8])
def test_a_fill_that_does_not_fit_is_refused_by_name(dtype):
    with pytest.raises(ValueError, match=rf"fill_hu=-1000 does not fit into {dtype}: convert the image"):
        MaskPadding()(row(0, 100, dtype=dtype))
    assert MaskPadding(fill_hu=7)(row(0, 100, dtype=dtype)).flatten().tolist() == [0, 100]


def test_nothing_is_below_what_a_type_can_hold():
    image = row(0, 5, 100, dtype=torch.uint8)
    assert MaskPadding(padding_hu=5, fill_hu=7)(image).flatten().tolist() == [0, 7, 100]
    assert MaskPadding(padding_hu=5).mask(image).flatten().tolist() == [False, True, False]
