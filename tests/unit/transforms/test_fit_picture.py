from pathlib import Path

import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd

from lungdet.phantoms import make_radiograph, write_radiograph_dicom
from lungdet.transforms import FitPicture, FitPictured, LoadRadiograph


@pytest.fixture
def picture() -> MetaTensor:
    """A radiograph-like ramp with a white frame, ``(1, 30, 20)``."""
    ramp = torch.linspace(0, 0.8, 30)[:, None].repeat(1, 20)
    ramp[[0, -1]], ramp[:, [0, -1]] = 1.0, 1.0
    return MetaTensor(ramp[None], meta={"filename_or_obj": "a.dcm", "radiograph": {"modality": "DX"}})


def test_shape_aspect_and_fill(picture: MetaTensor):
    fitted = FitPicture(15)(picture)
    assert fitted.shape == (1, 15, 15)
    assert (fitted[0, :, :2] > 0.6).all()  # the white frame goes on
    assert (fitted[0, :, -3:] > 0.6).all()
    assert FitPicture(15, fill="zero")(picture)[0, :, :2].max() == 0
    assert (FitPicture(15, fill=0.25)(picture)[0, :, :2] == 0.25).all()
    assert fitted.meta["radiograph"] == {"modality": "DX"}


def test_inversion_commutes(picture: MetaTensor):
    for side in (7, 15, 64):
        assert torch.allclose(FitPicture(side)(1 - picture), 1 - FitPicture(side)(picture), atol=1e-6)


def test_range_and_exact_size():
    noise = torch.rand(3, 21, 50, generator=torch.Generator().manual_seed(0))
    for side in (1, 2, 33, 50, 80):
        fitted = FitPicture(side)(noise)
        assert fitted.shape == (3, side, side)
        assert 0 <= fitted.min() <= fitted.max() <= 1
    same = torch.rand(1, 8, 8)
    assert torch.equal(FitPicture(8)(same).as_tensor(), same)


def test_white_stays_in_range():
    for rows in (90, 301, 777):
        assert FitPicture(64)(torch.ones(1, rows, 123)).max() <= 1


def test_reading_small_and_fitting_agree(tmp_path: Path):
    path = write_radiograph_dicom(make_radiograph(0, "chest", rows=301, columns=222), tmp_path / "a.dcm")
    for side in (32, 100):
        small, whole = (FitPicture(side)(load(path)) for load in (LoadRadiograph(max_side=side), LoadRadiograph()))
        assert torch.allclose(small, whole, atol=1e-5)


def test_one_pixel_and_no_growth():
    assert torch.allclose(FitPicture(4)(torch.full((1, 1, 1), 0.5)), torch.full((1, 4, 4), 0.5))
    kept = FitPicture(6, fill="zero", grow=False)(torch.ones(1, 2, 3))
    assert kept.sum() == 6
    assert (kept[0, 2:4, 1:4] == 1).all()


def test_affine_leads_to_the_same_place():
    rows = torch.arange(40.0)[:, None].repeat(1, 24) / 100  # what a pixel holds is its row
    fitted = FitPicture(10)(MetaTensor(rows[None]))
    for row, column in ((0, 4), (5, 5), (9, 3)):
        place = fitted.affine @ torch.tensor([row, column, 0, 1.0], dtype=fitted.affine.dtype)
        assert fitted[0, row, column].item() * 100 == pytest.approx(place[0].item(), abs=1e-4)


def test_inverse(picture: MetaTensor):
    smooth = MetaTensor(torch.linspace(0, 1, 30)[None, :, None].repeat(1, 1, 20))
    fit = FitPicture(60)
    back = fit.inverse(fit(smooth))
    assert back.shape == smooth.shape
    assert torch.allclose(back.as_tensor(), smooth.as_tensor(), atol=0.02)
    assert torch.allclose(back.affine, smooth.affine)
    assert back.applied_operations == []
    steps = Compose([FitPictured("image", 60)])
    item = steps({"image": smooth})
    item["map"] = MetaTensor(torch.ones(1, 60, 60))
    found = Invertd("map", steps, orig_keys="image", nearest_interp=False)(item)["map"]
    assert found.shape == (1, 30, 20)
    assert torch.allclose(found.as_tensor(), torch.ones(1, 30, 20))


@pytest.mark.parametrize("arguments", [{"side": 0}, {"side": 4, "fill": "mirror"}, {"side": 4, "fill": 2}])
def test_bad_arguments(arguments: dict[str, object]):
    with pytest.raises(ValueError, match=r"side|fill"):
        FitPicture(**arguments)


@pytest.mark.parametrize("shape", [(1, 0, 3), (4, 4), (1, 2, 2, 2)])
def test_no_picture(shape: tuple[int, ...]):
    with pytest.raises(ValueError, match="picture"):
        FitPicture(4)(torch.zeros(shape))
    with pytest.raises(ValueError, match="floating point"):
        FitPicture(4)(torch.zeros(1, 3, 3, dtype=torch.uint8))
