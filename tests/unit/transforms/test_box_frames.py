import numpy as np
import pytest
import torch
from monai.apps.detection.transforms.dictionary import AffineBoxToImageCoordinated
from monai.data import MetaTensor, PersistentDataset
from monai.transforms import (
    Compose,
    Flipd,
    Invertd,
    Orientationd,
    RandFlipd,
    Rotate90d,
    Spacingd,
    SpatialPadd,
    Transform,
)

from lungdet.geometry.frames import boxes_to_world, ras_to_lps
from lungdet.transforms import BoxToVoxel, BoxToVoxeld, BoxToWorld, BoxToWorldd

SPATIAL = [
    Orientationd("image", "SAR", labels=None),
    Spacingd("image", (1.5, 0.9, 1.1)),
    Flipd("image", spatial_axis=1),
    Rotate90d("image", 1, (0, 2)),
    SpatialPadd("image", (40, 41, 42)),
]


def in_mm(item, world="lps"):
    affine = item["image"].affine if world == "ras" else ras_to_lps(item["image"].affine)
    return boxes_to_world(item["box"], affine).float()


@pytest.mark.parametrize("world", ["lps", "ras"])
def test_by_hand(item, world):
    sign = 1 if world == "ras" else -1
    x, y = (
        sorted(sign * (100 - 0.7 * edge) for edge in (1.5, 5.5)),
        sorted(sign * (90 - 0.8 * edge) for edge in (2.5, 6.5)),
    )
    expected = [x[0], y[0], -300 + 2.5 * 3.5, x[1], y[1], -300 + 2.5 * 7.5]
    out = BoxToWorldd("box", world=world)(item)
    assert torch.allclose(out["box"][0], torch.tensor(expected))
    assert torch.allclose(BoxToVoxeld("box", world=world)(out)["box"], item["box"], atol=1e-4)


def test_voxel_origin_agrees_with_monai(item):
    data = {**item, "box": in_mm(item, "ras")}
    theirs = AffineBoxToImageCoordinated("box", "image")(data)["box"]
    assert torch.allclose(BoxToVoxeld("box", world="ras", origin="voxel")(data)["box"], theirs, atol=1e-3)


@pytest.mark.parametrize("lazy", [False, True])
def test_a_marked_block_is_found_after_spatial_transforms(item, lazy):
    affine = item["image"].affine
    image = MetaTensor(torch.zeros(1, 20, 18, 14), affine=affine, meta={"original_affine": affine})
    image[0, 11:17, 10:16, 8:13] = 1.0
    data = {"image": image, "box": in_mm(item)[1:]}
    out = Compose([*SPATIAL, BoxToVoxeld("box")], lazy=lazy)(data)
    marked = (out["image"][0].as_tensor() > 0.5).nonzero()
    low, high = marked.amin(dim=0), marked.amax(dim=0) + 1
    assert torch.allclose(out["box"][0], torch.cat([low, high]).float(), atol=0.75)
    assert ((out["box"][0, 3:] - out["box"][0, :3]) * torch.tensor([1.1, 0.9, 1.5])).prod() == pytest.approx(
        (6 * 0.7) * (6 * 0.8) * (5 * 2.5), rel=1e-4
    )


def test_pending_transforms_stay_pending(item):
    pending = Compose(SPATIAL, lazy=True)
    data = {**item, "box": in_mm(item)}
    for step in SPATIAL[:2]:
        data = step(data, lazy=True)
    out = BoxToVoxeld("box")(data, lazy=True)
    assert len(out["image"].pending_operations) == 2
    eager = Compose([*SPATIAL[:2], BoxToVoxeld("box")])({**item, "box": in_mm(item)})
    assert torch.allclose(out["box"], eager["box"])
    assert isinstance(pending, Compose)


def test_compose_and_invertd(item):
    data = {**item, "box": in_mm(item)}
    steps = Compose([*SPATIAL, BoxToVoxeld("box")])
    out = steps(data)
    assert torch.allclose(steps.inverse(out)["box"], data["box"], atol=1e-3)
    out["pred_box"] = out["box"].clone()
    back = Invertd("pred_box", steps, orig_keys="box")(out)["pred_box"]
    assert torch.allclose(back.as_tensor(), data["box"], atol=1e-3)


def test_there_and_back_chained(item):
    steps = Compose([BoxToWorldd("box"), *SPATIAL, BoxToVoxeld("box")])
    out = steps(item)
    assert torch.allclose(steps.inverse(out)["box"], item["box"], atol=1e-3)


def test_traces_of_the_input_are_left_alone(item):
    to_voxel = BoxToVoxeld("box")
    once = to_voxel(item)
    to_voxel(once)
    to_voxel.inverse(once)
    assert len(once["box_transforms"]) == 1
    assert "box_transforms" not in item


@pytest.mark.parametrize("boxes", [[], np.zeros((0, 6)), torch.empty(0, 6), torch.empty(0)])
def test_no_boxes(item, boxes):
    out = Compose([BoxToVoxeld("box"), BoxToWorldd("box")])({**item, "box": boxes})
    assert out["box"].shape == (0, 6)


def test_types(item):
    affine = item["image"].affine
    assert BoxToVoxel()([[0, 0, 0, 1, 1, 1]], affine).dtype == torch.float32
    assert BoxToWorld()(np.zeros((1, 6)), affine.numpy()).dtype == torch.float64
    assert isinstance(BoxToWorld()(MetaTensor(torch.zeros(1, 6)), affine), MetaTensor)


def test_mistakes(item):
    with pytest.raises(ValueError, match="world is 'lps' or 'ras'"):
        BoxToVoxel(world="lpi")
    with pytest.raises(ValueError, match="origin is"):
        BoxToWorldd("box", origin="corner")
    with pytest.raises(ValueError, match="'image' is a Tensor without affine"):
        BoxToVoxeld("box")({**item, "image": item["image"].as_tensor()})
    with pytest.raises(KeyError, match="prior"):
        BoxToVoxeld("prior")(item)
    assert "prior" not in BoxToVoxeld(["box", "prior"], allow_missing_keys=True)(item)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_same_on_cuda(item):
    on_cuda = {"image": item["image"].cuda(), "box": item["box"].cuda()}
    out = BoxToWorldd("box")(on_cuda)["box"]
    assert out.is_cuda
    assert torch.allclose(out.cpu(), BoxToWorldd("box")(item)["box"])


@pytest.mark.parametrize("flip", [RandFlipd("image", prob=0.0), RandFlipd("image", prob=1.0, spatial_axis=0)])
@pytest.mark.parametrize("transform", [BoxToVoxeld, BoxToWorldd])
def test_an_image_that_lost_its_metadata_is_refused(item, flip, transform):
    """A plain tensor, as a cache may give back, comes out of any MONAI transform with the identity for an affine."""
    lost = {**item, "image": item["image"].as_tensor()}
    with pytest.raises(ValueError, match=r"'image' has lost its metadata.*track_meta=True, weights_only=False"):
        transform("box")(flip(lost))


def test_boxes_of_a_persistent_dataset(item, tmp_path):
    truth = BoxToVoxeld("box")({**item, "box": in_mm(item)})["box"]
    steps = Compose([Loader(item["image"]), RandFlipd("image", prob=0.0), BoxToVoxeld("box")])
    data = [{"image": "a file", "box": in_mm(item)}]
    for _ in range(2):  # the second time from the cache
        kept = PersistentDataset(data, steps, cache_dir=tmp_path / "kept", track_meta=True, weights_only=False)[0]
        assert torch.equal(kept["box"], truth)
    lossy = PersistentDataset(data, steps, cache_dir=tmp_path / "lossy")
    with pytest.raises((ValueError, RuntimeError), match=r"applying transform|lost its metadata"):
        _ = lossy[0], lossy[0]


class Loader(Transform):
    """Gives one image for every path."""

    def __init__(self, image):
        self.image = image

    def __call__(self, data):
        return {**data, "image": self.image}
