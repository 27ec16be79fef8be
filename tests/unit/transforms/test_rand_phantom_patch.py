"""Training patches must be what inference sees: same grid, orientation, HU and boxes."""

import pickle
from functools import partial

import numpy as np
import pytest
import torch
from monai.data import CacheDataset, MetaTensor
from monai.transforms import Compose, Orientationd, Spacingd

from lungdet.engines.non_finite import name_items
from lungdet.phantoms import make_background, make_chest
from lungdet.phantoms.chest import NODULE_STREAM
from lungdet.phantoms.patch import _origin_about, make_patch
from lungdet.phantoms.patch_scan import Protocol
from lungdet.phantoms.patient import draw_patient
from lungdet.phantoms.placement import place_nodules
from lungdet.transforms import BoxToVoxeld, MakeBackgroundd, MakePhantomd, RandPhantomPatchd, ScaleHUd
from lungdet.transforms import phantom as phantom_module

SPACING, SHAPE = (1.6, 1.6, 1.6), (192, 184, 96)  # thicker slices of a phantom are means of finer ones
SEED = 5


@pytest.fixture(scope="module")
def background():
    return make_background(SEED, SPACING, SHAPE)


@pytest.fixture
def item(background):
    return {"seed": SEED, "background": background}


@pytest.fixture(scope="module")
def placed():
    """The nodules that ``make_chest`` puts into this patient."""
    return place_nodules(draw_patient(SEED), np.random.default_rng([SEED, NODULE_STREAM]))


@pytest.fixture
def middle(placed):
    return next(item.shape.center for item in placed if abs(item.shape.center[2]) < 40)


def whole_scan(thickness_mm: float, monkeypatch) -> dict:
    """A whole noise-free scan on the way that inference takes."""
    monkeypatch.setattr(phantom_module, "make_chest", partial(make_chest, dose="none"))
    steps = [
        MakePhantomd(spacing_mm=SPACING, shape=SHAPE),
        Orientationd("image", axcodes="RAS", labels=None),
        Spacingd("image", pixdim=SPACING, mode="bilinear", padding_mode="border"),
        BoxToVoxeld("box", ref_image_key="image"),
    ]
    return Compose(steps)({"seed": SEED, "spacing_mm": (*SPACING[:2], thickness_mm)})


def patch_item(background, placed, origin, shape, protocol) -> dict:
    """The patch at a known place with the nodules of the whole scan."""
    patch = make_patch(background, np.random.default_rng(0), origin, shape, placed, protocol)
    return RandPhantomPatchd()._item(background, patch)


def crop_of(scan: dict, patch: dict) -> tuple[torch.Tensor, torch.Tensor]:
    """The piece of the scan that the patch's affine points at, and its offset in voxels."""
    to_scan = torch.linalg.solve(scan["image"].affine, patch["image"].affine)
    assert torch.allclose(to_scan[:3, :3], torch.eye(3, dtype=to_scan.dtype))
    low = to_scan[:3, 3].round().int()
    assert torch.allclose(to_scan[:3, 3], low.to(to_scan.dtype), atol=1e-6)
    high = low + torch.tensor(patch["image"].shape[1:])
    span = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return scan["image"].as_tensor()[(0, *span)], low


def boxes_in(scan: dict, low: torch.Tensor, size: torch.Size) -> torch.Tensor:
    """The scan's boxes with their centre in a crop, in its edge frame."""
    moved = scan["box"] - low.repeat(2)
    center = (moved[:, :3] + moved[:, 3:]) / 2
    return moved[((center >= 0) & (center < torch.tensor(size))).all(dim=1)]


def by_x(boxes: torch.Tensor) -> torch.Tensor:
    return boxes[boxes[:, 0].argsort()]


def test_a_patch_is_a_crop_of_the_whole_scan(background, placed, middle, monkeypatch):
    scan = whole_scan(SPACING[2], monkeypatch)
    origin = _origin_about(background, np.random.default_rng(0), middle, (56, 48, 60))
    patch = patch_item(background, placed, origin, (56, 48, 60), Protocol(dose="none"))
    crop, low = crop_of(scan, patch)
    assert torch.equal(patch["image"].meta["patch_origin"], low.to(torch.int64))
    assert (crop - patch["image"].as_tensor()[0]).abs().max() <= 2  # the background is rounded to whole HU
    expected = boxes_in(scan, low, crop.shape)
    assert len(expected)
    assert by_x(patch["box"]).numpy() == pytest.approx(by_x(expected).numpy(), abs=1e-3)


def test_a_patch_of_thick_slices_is_a_crop_of_a_whole_thick_scan(background, placed, middle, monkeypatch):
    thick = 3 * SPACING[2]
    scan = whole_scan(thick, monkeypatch)
    x, y, z = _origin_about(background, np.random.default_rng(0), middle, (56, 48, 30))
    z = z // 3 * 3 + 1  # the middle of a thick slice
    patch = patch_item(background, placed, (x, y, z), (56, 48, 30), Protocol("standard", "none", 1.0, thick, thick))
    crop, low = crop_of(scan, patch)
    image = patch["image"].as_tensor()[0]
    difference = (crop - image).abs()
    assert difference.median() < 1
    assert difference.mean() < 4  # tubes are painted softer on a coarse grid: vessels, collar bones
    assert difference.mean() < 0.3 * (crop[..., 1:] - image[..., :-1]).abs().mean()
    found, expected = patch["box"], boxes_in(scan, low, crop.shape)
    assert by_x(found).numpy() == pytest.approx(by_x(expected).numpy(), abs=1e-3)


def test_items_are_what_training_takes(item):
    transform = RandPhantomPatchd(spatial_size=(48, 40, 32), num_samples=6).set_random_state(3)
    patches = transform(item)
    assert len(patches) == 6
    for patch in patches:
        assert set(patch) == {"seed", "image", "box", "label", "ignore_box"}
        assert isinstance(patch["image"], MetaTensor)
        assert patch["image"].shape == (1, 48, 40, 32)
        assert patch["image"].dtype == patch["box"].dtype == patch["ignore_box"].dtype == torch.float32
        assert patch["image"].is_contiguous()
        assert torch.equal(torch.diag(patch["image"].affine)[:3], torch.tensor(SPACING, dtype=torch.float64))
        assert patch["box"].shape == (len(patch["label"]), 6)
        assert patch["ignore_box"].shape[1:] == (6,)
        assert (patch["box"][:, 3:] > patch["box"][:, :3]).all()
        center = (patch["box"][:, :3] + patch["box"][:, 3:]) / 2
        assert ((center >= 0) & (center < torch.tensor([48, 40, 32]))).all()
        scaled = ScaleHUd("image", window="detection")(patch)["image"]
        assert scaled.min() >= 0
        assert scaled.max() <= 1
    assert any(len(patch["box"]) for patch in patches)


def test_empty_patches_occur_and_can_be_all_there_is(item):
    only = RandPhantomPatchd(spatial_size=24, num_samples=5, nodule_ratio=0.0)(item)
    assert [len(patch["box"]) for patch in only] == [0] * 5
    assert all(patch["box"].shape == patch["ignore_box"].shape == (0, 6) for patch in only)


def test_a_message_tells_patches_of_one_patient_apart(item):
    patches = RandPhantomPatchd(spatial_size=24, num_samples=3).set_random_state(0)(item)
    names = list(name_items(patches))
    assert len(set(names)) == 3
    assert names[0] == f"seed {SEED} at voxel {patches[0]['image'].meta['patch_origin'].tolist()}"


def test_the_seed_decides_and_every_call_draws_anew(item):
    first, second = (RandPhantomPatchd(spatial_size=24, num_samples=2).set_random_state(9) for _ in range(2))
    one, two, three = first(item), second(item), first(item)
    for a, b in zip(one, two, strict=True):
        assert torch.equal(a["image"].as_tensor(), b["image"].as_tensor())
        assert torch.equal(a["box"], b["box"])
    assert not torch.equal(one[0]["image"].as_tensor(), three[0]["image"].as_tensor())
    pickle.loads(pickle.dumps(first))(item)  # noqa: S301


def test_a_cache_keeps_the_patient_and_draws_the_patches():
    transform = Compose([MakeBackgroundd(spacing_mm=(5, 5, 5), shape=(64, 64, 44)), RandPhantomPatchd(spatial_size=20)])
    data = CacheDataset([{"seed": 2}], transform, progress=False)
    kept = data._cache[0]["background"]
    first, again = data[0][0], data[0][0]
    assert data._cache[0]["background"] is kept
    assert not torch.equal(first["image"].as_tensor(), again["image"].as_tensor())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"keys": ("a", "b")}, "one key"),
        ({"spatial_size": (8, 8, 1)}, "positive"),
        ({"num_samples": 0}, "positive"),
        ({"nodule_ratio": 1.5}, "ratios"),
        ({"thick_ratio": -0.1}, "ratios"),
    ],
)
def test_wrong_arguments(wrong, message):
    with pytest.raises(ValueError, match=message):
        RandPhantomPatchd(**wrong)


def test_a_missing_background():
    with pytest.raises(KeyError, match="background"):
        RandPhantomPatchd()({})
    assert RandPhantomPatchd(allow_missing_keys=True)({}) == []
