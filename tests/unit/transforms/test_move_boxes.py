import numpy as np
import pytest
import torch
from monai.apps.detection.transforms.dictionary import FlipBoxd, RotateBox90d, ZoomBoxd
from monai.data import CacheDataset, MetaTensor
from monai.transforms import (
    CenterSpatialCropd,
    Compose,
    Flipd,
    Invertd,
    Orientationd,
    RandAffined,
    RandFlipd,
    RandRotate90d,
    Rotate90d,
    Rotated,
    Spacingd,
    SpatialPadd,
    Zoomd,
)

from lungdet.geometry.boxes import box_centers
from lungdet.transforms import BoxToWorld, MoveBoxes, MoveBoxesd, PadToMultipled, RandMoveBoxesd, ScaleHUd

TRANSFORMS = {
    "flip": Flipd("image", spatial_axis=(0, 2)),
    "rotate90": Rotate90d("image", k=3, spatial_axes=(1, 2)),
    "zoom": Zoomd("image", zoom=(1.5, 0.8, 2), mode="trilinear", keep_size=False),
    "zoom in place": Zoomd("image", zoom=1.3),
    "spacing": Spacingd("image", (1.0, 1.2, 2.0)),
    "orientation": Orientationd("image", "SRA", labels=None),
    "pad": SpatialPadd("image", (31, 32, 33)),
    "pad to multiple": PadToMultipled("image", 16, 0.0, "both"),
    "crop": CenterSpatialCropd("image", (16, 15, 12)),
    "several": Compose([Flipd("image", 1), Spacingd("image", (0.7, 0.8, 1.2)), Rotate90d("image", 1, (0, 2))]),
}


def blob() -> dict[str, torch.Tensor]:
    """A smooth ball in a box of 9 voxels a side, away from the borders."""
    grid = torch.stack(torch.meshgrid(*[torch.arange(n) + 0.5 for n in (30, 28, 26)], indexing="ij"))
    distance = (grid - torch.tensor([12.5, 15.5, 13.5])[:, None, None, None]).square().sum(dim=0).sqrt()
    image = (4.5 - distance).clamp(min=0)[None]
    affine = torch.tensor([[-0.7, 0, 0, 100], [0, -0.8, 0, 90], [0, 0, 2.5, -300], [0, 0, 0, 1.0]])
    return {"image": MetaTensor(image, affine=affine), "box": torch.tensor([[8.0, 11, 9, 17, 20, 18]])}


def center_of_mass(image: torch.Tensor) -> torch.Tensor:
    weights = image[0].as_tensor().double()
    grid = torch.stack(torch.meshgrid(*[torch.arange(n) + 0.5 for n in weights.shape], indexing="ij"))
    return (grid * weights).sum(dim=(1, 2, 3)) / weights.sum()


@pytest.mark.parametrize("name", TRANSFORMS)
def test_boxes_stay_on_the_ball(name):
    out = MoveBoxesd(TRANSFORMS[name], "box")(blob())
    assert torch.allclose(box_centers(out["box"])[0].double(), center_of_mass(out["image"]), atol=0.05)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_boxes_stay_where_they_are_in_the_patient(name):
    data = blob()
    out = MoveBoxesd(TRANSFORMS[name], "box")(data)
    before, after = (BoxToWorld()(each["box"], each["image"].affine) for each in (data, out))
    assert torch.allclose(before, after, atol=1e-3)


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("way", ["inverse", "Invertd", "lazy"])
def test_there_and_back(name, way):
    data = blob()
    steps = Compose([MoveBoxesd(TRANSFORMS[name], "box"), ScaleHUd("image", 0, 4)], lazy=way == "lazy")
    out = steps(data)
    if way == "Invertd":
        out["pred"], out["pred_box"] = out["image"].clone(), out["box"].clone()
        out = Invertd(["pred", "pred_box"], steps, orig_keys=["image", "box"])(out)
        image, boxes = out["pred"], out["pred_box"]
    else:
        steps.lazy = False
        image, boxes = (steps.inverse(out)[key] for key in ("image", "box"))
    assert image.shape == data["image"].shape
    assert torch.allclose(image.affine, data["image"].affine.double(), atol=1e-4)
    assert torch.allclose(torch.as_tensor(boxes), data["box"], atol=1e-3)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_lazy_and_eager_agree(name):
    eager, lazy = (Compose([MoveBoxesd(TRANSFORMS[name], "box")], lazy=lazy)(blob()) for lazy in (False, True))
    assert eager["image"].shape == lazy["image"].shape
    assert torch.allclose(eager["box"], lazy["box"], atol=1e-4)


def test_pending_transforms_stay_pending():
    out = MoveBoxesd(TRANSFORMS["flip"], "box")(blob(), lazy=True)
    assert len(out["image"].pending_operations) == 1
    assert MoveBoxesd(TRANSFORMS["pad to multiple"], "box").requires_current_data
    assert not MoveBoxesd(Flipd("image", 0, lazy=True), "box").requires_current_data
    assert MoveBoxesd(Flipd("image", 0, lazy=True), "box").lazy


def test_agrees_with_monai_on_flips_and_quarter_turns():
    for axis in (0, 1, 2, (0, 1)):
        ours = MoveBoxesd(Flipd("image", axis), "box")(blob())
        theirs = FlipBoxd("image", "box", "image", axis)(blob())
        assert torch.allclose(ours["box"], theirs["box"], atol=1e-4)
        assert torch.equal(ours["image"], theirs["image"])
    for k in (1, 2, 3):
        for axes in ((0, 1), (1, 2), (0, 2)):
            ours = MoveBoxesd(Rotate90d("image", k, axes), "box")(blob())
            theirs = RotateBox90d("image", "box", "image", k, axes)(blob())
            assert torch.allclose(ours["box"], theirs["box"], atol=1e-4)
            assert torch.equal(ours["image"], theirs["image"])


def test_agrees_with_monai_on_zooms_that_divide_evenly():
    ours = MoveBoxesd(Zoomd("image", (2, 0.5, 1.5), keep_size=False), "box")(blob())
    theirs = ZoomBoxd("image", "box", "image", (2, 0.5, 1.5), keep_size=False)(blob())
    assert torch.allclose(ours["box"], theirs["box"], atol=1e-4)
    assert ours["image"].shape == theirs["image"].shape


def test_the_whole_image_stays_the_whole_image_when_zoomed():
    for length in (22, 49, 76):  # here MONAI's ZoomBoxd is a voxel off
        data = {"image": MetaTensor(torch.zeros(1, length, 9, 9)), "box": torch.tensor([[0.0, 0, 0, length, 9, 9]])}
        out = MoveBoxesd(Zoomd("image", (0.7, 1.3, 1.1), keep_size=False), "box")(data)
        assert out["box"][0, 3:].tolist() == pytest.approx(list(out["image"].shape[1:]), abs=1e-3)


def test_rotation_by_an_angle():
    isotropic = {**blob(), "image": MetaTensor(blob()["image"].as_tensor())}
    turn = Rotated("image", angle=(0.0, 0.0, np.pi / 6), keep_size=False)
    boxed, round_ = (MoveBoxesd(turn, "box", fit=fit)(isotropic)["box"][0] for fit in ("box", "ellipsoid"))
    assert torch.allclose(round_[3:] - round_[:3], torch.tensor([9.0, 9, 9]), atol=1e-3)
    assert torch.allclose(
        (boxed[3:] - boxed[:3])[:2], torch.full((2,), 9 * (np.cos(np.pi / 6) + 0.5)).float(), atol=1e-3
    )
    out = MoveBoxesd(turn, "box")(isotropic)
    assert torch.allclose(box_centers(out["box"])[0].double(), center_of_mass(out["image"]), atol=0.1)


@pytest.mark.parametrize(
    "inner",
    [
        RandFlipd("image", 0.5, spatial_axis=0),
        RandRotate90d("image", 0.7, spatial_axes=(0, 2)),
        RandAffined("image", prob=1, rotate_range=0.3, translate_range=2, scale_range=0.1, padding_mode="zeros"),
        Compose([RandFlipd("image", 0.5, spatial_axis=1), Spacingd("image", (0.7, 0.8, 1.5))]),
    ],
    ids=["flip", "rotate90", "affine", "compose"],
)
def test_random_transforms(inner):
    steps = RandMoveBoxesd(inner, "box")
    boxes = []
    for seed in (0, 1, 2, 3, 0):
        out = steps.set_random_state(seed)(blob())
        boxes.append(out["box"])
        assert torch.allclose(box_centers(out["box"])[0].double(), center_of_mass(out["image"]), atol=0.15)
        back = box_centers(steps.inverse(out)["box"])
        assert torch.allclose(back, box_centers(blob()["box"]), atol=1e-3)
    assert torch.equal(boxes[0], boxes[-1])
    assert len({tuple(box[0].tolist()) for box in boxes}) > 1
    steps.randomize()


def test_random_transforms_must_be_named_so():
    for inner in (RandFlipd("image", 0.5), Compose([Flipd("image"), RandFlipd("image", 0.5)])):
        with pytest.raises(ValueError, match="wrap it in RandMoveBoxesd"):
            MoveBoxesd(inner, "box")


def test_a_cache_does_not_freeze_random_transforms():
    steps = Compose([ScaleHUd("image", 0, 4), RandMoveBoxesd(RandFlipd("image", 0.5, spatial_axis=0), "box")])
    steps.set_random_state(0)
    cached = CacheDataset([blob()], steps, progress=False)
    assert len({cached[0]["box"][0, 0].item() for _ in range(20)}) == 2


def test_the_input_is_left_alone():
    move = MoveBoxesd(Flipd("image", 0), "box")
    once = move(blob())
    move(once)
    move.inverse(once)
    assert len(once["box_transforms"]) == 1
    assert len(once["image"].applied_operations) == 1


def test_no_boxes_and_missing_keys():
    out = MoveBoxesd(Flipd("image", 0), ["box", "prior"], allow_missing_keys=True)({**blob(), "box": []})
    assert out["box"].shape == (0, 6)
    with pytest.raises(KeyError, match="prior"):
        MoveBoxesd(Flipd("image", 0), "prior")(blob())
    with pytest.raises(ValueError, match="without affine"):
        MoveBoxesd(Flipd("image", 0), "box")({**blob(), "image": blob()["image"].as_tensor()})


def test_array_form_by_hand():
    after = torch.eye(4, dtype=torch.float64)
    after[0, 3] = 5
    moved = MoveBoxes()([[10, 0, 0, 20, 9, 9]], torch.eye(4, dtype=torch.float64), after)
    assert moved.tolist() == [[5, 0, 0, 15, 9, 9]]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_same_on_cuda():
    data = blob()
    on_cuda = {"image": data["image"].cuda(), "box": data["box"].cuda()}
    out = MoveBoxesd(TRANSFORMS["several"], "box")(on_cuda)
    assert out["box"].is_cuda
    assert torch.allclose(out["box"].cpu(), MoveBoxesd(TRANSFORMS["several"], "box")(data)["box"], atol=1e-3)
