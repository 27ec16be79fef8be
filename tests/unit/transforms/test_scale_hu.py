import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Flip, Invertd, ScaleIntensityRanged

from lungdet.transforms import ScaleHU, ScaleHUd


def test_by_hand():
    image = np.array([-1600, -1400, -600, 200, 900], dtype=np.int16).reshape(1, 5, 1, 1)
    scaled = ScaleHU.preset("lung")(image)
    assert isinstance(scaled, MetaTensor)
    assert scaled.dtype == torch.float32
    assert scaled.flatten().tolist() == [0, 0, 0.5, 1, 1]


def test_windows():
    assert (ScaleHU().low_hu, ScaleHU().high_hu) == (-1000, 400)
    assert (ScaleHU(window="bone").low_hu, ScaleHU(window="bone").high_hu) == (-500, 1300)
    assert (ScaleHU(-10, 10).low_hu, ScaleHU(-10, 10).high_hu) == (-10, 10)


@pytest.mark.parametrize(
    "arguments",
    [
        {"low_hu": 1},
        {"high_hu": 1},
        {"low_hu": 0, "high_hu": 1, "window": "lung"},
        {"window": "liver"},
        {"low_hu": 1, "high_hu": 0},
    ],
)
def test_bad_windows_are_refused(arguments):
    with pytest.raises(ValueError, match="window"):
        ScaleHU(**arguments)


def test_agrees_with_monai(item):
    ours = ScaleHUd("image")(item)["image"]
    theirs = ScaleIntensityRanged("image", -1000, 400, 0, 1, clip=True)(item)["image"]
    assert torch.allclose(ours, theirs, atol=1e-6)
    assert ours.affine.equal(theirs.affine)


def test_only_the_result_is_allocated(scan):
    kept = scan.clone()
    scaled = ScaleHU()(scan)
    assert torch.equal(scan, kept)
    assert scaled.stride() == scan.stride()
    assert scan.applied_operations == []


def test_inverse_inside_the_window(scan):
    scale = ScaleHU(-500, 500)
    back = scale.inverse(scale(scan))
    assert torch.allclose(back, scan.clamp(-500, 500).float(), atol=1e-3)
    unclipped = ScaleHU(-500, 500, clip=False)
    assert torch.allclose(unclipped.inverse(unclipped(scan)), scan.float(), atol=1e-3)
    assert back.applied_operations == []


def test_inverse_does_not_touch_its_argument(scan):
    scale = ScaleHU()
    scaled = scale(scan)
    scale.inverse(scaled)
    assert len(scaled.applied_operations) == 1


def test_compose_and_invertd(item):
    steps = Compose([ScaleHUd("image", -1000, 1000)])
    out = steps(item)
    assert torch.allclose(steps.inverse(out)["image"], item["image"].float(), atol=1e-3)
    out["again"] = out["image"].clone()
    inverted = Invertd("again", steps, orig_keys="image")(out)["again"]
    assert torch.allclose(inverted, item["image"].float(), atol=1e-3)


def test_a_map_of_probabilities_need_not_be_scaled_back(item):
    for invert, expected in [(False, 0.5), (True, -300)]:
        steps = Compose([ScaleHUd("image", invert=invert)])
        out = steps(item)
        out["pred"] = MetaTensor(torch.full((1, 20, 18, 14), 0.5))
        assert (Invertd("pred", steps, orig_keys="image")(out)["pred"] == expected).all()


def test_missing_keys(item):
    assert "prior" not in ScaleHUd(["image", "prior"], allow_missing_keys=True)(item)
    with pytest.raises(KeyError, match="prior"):
        ScaleHUd(["image", "prior"])(item)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_same_on_cuda(scan):
    scaled = ScaleHU()(scan.cuda())
    assert scaled.is_cuda
    assert torch.allclose(scaled.cpu(), ScaleHU()(scan))


def test_what_is_pending_is_applied_first(scan):
    scaled = ScaleHU()(Flip(spatial_axis=1, lazy=True)(scan))
    assert torch.allclose(scaled, ScaleHU()(Flip(spatial_axis=1)(scan)))
    assert not scaled.has_pending_operations
