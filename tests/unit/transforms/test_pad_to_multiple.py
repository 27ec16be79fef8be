import re

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, DivisiblePad, Flip, Invertd, Spacingd

from lungdet.transforms import BoxToVoxeld, BoxToWorld, PadToMultiple, PadToMultipled


def test_by_hand():
    padded = PadToMultiple((4, 5, 7), -1000)(np.zeros((1, 9, 10, 8), dtype=np.int16))
    assert isinstance(padded, MetaTensor)
    assert padded.shape == (1, 12, 10, 14)
    assert padded.dtype == torch.int16
    assert (padded[:, :9, :, :8] == 0).all()
    assert (padded[:, 9:] == -1000).all()
    assert (padded[..., 8:] == -1000).all()


@pytest.mark.parametrize(("where", "method"), [("end", "end"), ("both", "symmetric")])
def test_agrees_with_monai(scan, where, method):
    ours = PadToMultiple((8, 7, 9), -1000, where)(scan)
    theirs = DivisiblePad((8, 7, 9), value=-1000, method=method)(scan)
    assert torch.equal(ours, theirs)
    assert torch.allclose(ours.affine, theirs.affine)


def test_memory_order_is_kept(scan):
    assert PadToMultiple(16, 0)(scan).permute(0, 3, 2, 1).is_contiguous()


def test_an_image_that_fits_is_not_copied(scan):
    assert PadToMultiple((5, 9, 7), 0)(scan).data_ptr() == scan.data_ptr()


@pytest.mark.parametrize("where", ["end", "both"])
def test_inverse_is_exact_and_a_view(scan, where):
    pad = PadToMultiple(16, -1000, where)
    padded = pad(scan)
    back = pad.inverse(padded)
    assert torch.equal(back, scan)
    assert back.untyped_storage().data_ptr() == padded.untyped_storage().data_ptr()
    assert torch.allclose(back.affine, scan.affine)
    assert back.applied_operations == []
    assert len(padded.applied_operations) == 1


@pytest.mark.parametrize("where", ["end", "both"])
def test_compose_and_invertd(item, where):
    steps = Compose([Spacingd("image", (1.4, 1.6, 2.5)), PadToMultipled("image", 16, 0.0, where)])
    out = steps(item)
    out["pred"] = out["image"].clone()
    inverted = Invertd("pred", steps, orig_keys="image")(out)["pred"]
    assert inverted.shape == item["image"].shape
    assert torch.allclose(inverted.affine, item["image"].affine)
    assert steps.inverse(out)["image"].shape == item["image"].shape


def test_boxes_in_mm_do_not_care(item):
    in_mm = BoxToWorld()(item["box"], item["image"].affine)
    steps = Compose([PadToMultipled("image", 16, 0.0, "both"), BoxToVoxeld("box")])
    shifted = steps({**item, "box": in_mm})["box"]
    assert torch.allclose(shifted, item["box"] + torch.tensor([6.0, 7, 1, 6, 7, 1]), atol=1e-4)


def test_its_value_survives_lazy_resampling(item):
    steps = [Spacingd("image", (1.4, 1.6, 2.5)), PadToMultipled("image", 16, -1000.0)]
    lazy, eager = Compose(steps, lazy=True)(item)["image"], Compose(steps)(item)["image"]
    assert lazy.shape == eager.shape
    assert (lazy[:, -1] == -1000).all()
    assert torch.allclose(lazy, eager, atol=1e-2)


def test_each_image_has_its_value(item):
    out = PadToMultipled(["image", "mask", "prior"], 16, (-1000, 0, 5), allow_missing_keys=True)(
        {**item, "mask": item["image"]}
    )
    assert (out["image"][:, -1] == -1000).all()
    assert (out["mask"][:, -1] == 0).all()


def test_two_dimensions():
    assert PadToMultiple(4, 0)(torch.ones(3, 5, 6)).shape == (3, 8, 8)


@pytest.mark.parametrize("arguments", [(0, 0), ((4, -1, 4), 0), (4, 0, "start")])
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="multiple"):
        PadToMultiple(*arguments)


def test_axes_must_fit(scan):
    with pytest.raises(ValueError, match="length 3"):
        PadToMultiple((4, 4), 0)(scan)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_same_on_cuda(scan):
    padded = PadToMultiple(16, -1000)(scan.cuda())
    assert padded.is_cuda
    assert torch.equal(padded.cpu(), PadToMultiple(16, -1000)(scan))


def test_a_value_that_does_not_fit_is_refused_by_name():
    for dtype, value in ((torch.uint8, -1000), (torch.int16, -0.5), (torch.float16, 1e6), (torch.bool, 2)):
        image = torch.zeros(1, 3, 4, 4, dtype=dtype)
        with pytest.raises(ValueError, match=re.escape(f"value={value:g} does not fit into {dtype}")):
            PadToMultiple(4, value)(image)
        assert PadToMultiple((3, 4, 4), value)(image).dtype == dtype  # nothing to pad
    assert PadToMultiple(4, True)(torch.zeros(1, 3, 4, 4, dtype=torch.bool))[0, 3].all()
    assert torch.isnan(PadToMultiple(4, float("nan"))(torch.zeros(1, 3, 4, 4))[0, 3]).all()


def test_what_is_pending_is_applied_first(scan):
    pending = Flip(spatial_axis=0, lazy=True)(scan)
    assert pending.has_pending_operations
    padded = PadToMultiple(8, -1000)(pending)
    truth = PadToMultiple(8, -1000)(Flip(spatial_axis=0)(scan))
    assert torch.equal(padded.float(), truth.float())
    assert torch.allclose(padded.affine, truth.affine)
    assert pending.has_pending_operations
    assert not padded.has_pending_operations
