"""Training patches must be what inference sees: same grid, orientation, HU and boxes."""


import numpy as np
import pytest
import torch
from monai.transforms import Compose, Orientationd, Spacingd

from lungdet.phantoms import make_background
from lungdet.phantoms.chest import NODULE_STREAM
from lungdet.phantoms.patch import _origin_about, make_patch
from lungdet.phantoms.patch_scan import Protocol
from lungdet.phantoms.patient import draw_patient
from lungdet.phantoms.placement import place_nodules
from lungdet.transforms import BoxToVoxeld, MakePhantomd, RandPhantomPatchd

SPACING, SHAPE = (1.6, 1.6, 1.6), (192, 184, 96)  # thicker slices of a phantom are means of finer ones
SEED = 5


@pytest.fixture(scope="module")
def background():
    return make_background(SEED, SPACING, SHAPE)


@pytest.fixture
def item(background):
    return {"seed": SEED, "background": background}


def whole_scan(thickness_mm: float, monkeypatch) -> dict:
    """A whole noise-free scan on the way that inference takes."""
    from lungdet.transforms import phantom as module

    monkeypatch.setattr(
        module, "make_chest", lambda seed, **size: _make_chest(seed, dose="none", thickness_mm=thickness_mm, **size)
    )
    from lungdet.phantoms import make_chest as _make_chest

    steps = [
        MakePhantomd(spacing_mm=SPACING, shape=SHAPE),
        Orientationd("image", axcodes="RAS", labels=None),
        Spacingd("image", pixdim=SPACING, mode="bilinear", padding_mode="border"),
        BoxToVoxeld("box", ref_image_key="image"),
    ]
    return Compose(steps)({"seed": SEED, "spacing_mm": (*SPACING[:2], thickness_mm)})


def patch_item(background, origin, shape, protocol) -> dict:
    """The patch at a known place with the nodules of the whole scan."""
    placed = place_nodules(draw_patient(SEED), np.random.default_rng([SEED, NODULE_STREAM]))
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


def test_a_patch_is_a_crop_of_the_whole_scan(background, monkeypatch):
    scan = whole_scan(SPACING[2], monkeypatch)
    placed = place_nodules(draw_patient(SEED), np.random.default_rng([SEED, NODULE_STREAM]))
    middle = next(item.shape.center for item in placed if abs(item.shape.center[2]) < 40)
    origin = _origin_about(background, np.random.default_rng(0), middle, (56, 48, 60))
    patch = patch_item(background, origin, (56, 48, 60), Protocol(dose="none"))
    crop, low = crop_of(scan, patch)
    difference = (crop - patch["image"].as_tensor()[0]).abs()
    assert difference.max() <= 2  # the background is rounded to whole HU
    moved = scan["box"] - low.repeat(2)
    center = (moved[:, :3] + moved[:, 3:]) / 2
    inside = ((center >= 0) & (center < torch.tensor(crop.shape))).all(dim=1)
    assert inside.any()
    found = patch["box"][patch["box"][:, 0].argsort()]
    expected = moved[inside][moved[inside][:, 0].argsort()]
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < 1.0


if __name__ == "__main__":
    pytest.main([__file__, "-x", "-q"])
