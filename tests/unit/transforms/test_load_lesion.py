"""Slices on disk to the six channels of an embedding network."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lungdet.readers import SeriesError
from lungdet.readers.png_file import write_png16
from lungdet.transforms import LoadLesion, LoadLesiond, RandLesionSlices

MARK = (20.0, 30.0, 40.0, 30.0, 30.0, 25.0, 30.0, 35.0)  # 20 x 10 pixels around (30, 30)
SPACING = (1.0, 1.0, 2.5)


@pytest.fixture
def series(tmp_path: Path) -> Path:
    """Slices 1 to 6 of one grey each, 100 HU brighter from one to the next; slice 4 has a bright lesion."""
    for number in range(1, 7):
        pixels = np.full((64, 60), 32768 - 400 + 100 * number, np.uint16)
        if number == 4:
            pixels[25:35, 20:40] = 32768 + 900
        write_png16(tmp_path / f"{number:03d}.png", pixels)
    return tmp_path


def load(path: Path, spacing: tuple[float, ...] = SPACING, **options: float) -> torch.Tensor:
    windows = [(-1000.0, 1000.0)]
    return LoadLesion(side=32, detail_mm=32, context_mm=64, windows_hu=windows, **options)(path, MARK, spacing)


def test_channels(series: Path):
    crops = load(series / "004.png")
    assert crops.shape == (6, 32, 32)
    assert crops.dtype == torch.float32
    assert crops.meta["filename_or_obj"].endswith("004.png")
    corner = (crops[:3, 0, 0] * 2000 - 1000).tolist()
    assert corner == pytest.approx([-200, 0, 200], abs=0.1)  # 5 mm are two slices: 2, 4 and 6
    assert float(crops[1, 16, 16]) == pytest.approx(0.95, abs=1e-3)  # 900 HU
    assert float(crops[3].sum()) == pytest.approx(np.pi / 4 * 20 * 10, rel=0.05)  # mm^2
    assert float(crops[5].sum()) * 4 == pytest.approx(np.pi / 4 * 20 * 10, rel=0.08)
    assert float(crops[4, 16, 0]) == 0  # x from -2 to 62 mm: the left edge is air


def test_the_view_is_the_same_at_any_pixel_size(tmp_path: Path):
    coarse, fine = np.full((40, 40), 32768, np.uint16), np.full((160, 160), 32768, np.uint16)
    coarse[15:25, 15:25] += 500
    fine[60:100, 60:100] += 500
    views = []
    for name, pixels, scale in (("coarse", coarse, 1), ("fine", fine, 4)):
        write_png16(tmp_path / f"{name}.png", pixels)
        mark = scale * np.array([15.0, 20, 25, 20, 20, 15, 20, 25])
        views.append(LoadLesion(side=32, detail_mm=32, context_mm=64)(tmp_path / f"{name}.png", mark, [2 / scale] * 2))
    assert float((views[0] - views[1]).abs().mean()) < 0.02


def test_missing_neighbours_are_replaced_by_nearer_ones(series: Path):
    (series / "002.png").unlink()
    (series / "005.png").unlink()
    (series / "006.png").unlink()
    corner = (load(series / "004.png")[:3, 0, 0] * 2000 - 1000).tolist()
    assert corner == pytest.approx([-100, 0, 0], abs=0.1)


DISTANCES = [(1.0, 1.0), *((1.0, 1.0, distance) for distance in (0.0, -5.0, float("nan"), float("inf")))]


@pytest.mark.parametrize("options", [{"gap_mm": 0}, *({"spacing": spacing} for spacing in DISTANCES)])
def test_without_a_distance_the_key_slice_serves_alone(series: Path, options: dict):
    crops = load(series / "004.png", **options)
    assert torch.equal(crops[0], crops[1])
    assert torch.equal(crops[2], crops[1])


def test_bad_input_names_the_file(series: Path):
    with pytest.raises(SeriesError, match=r"009\.png"):
        load(series / "009.png")
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(series / "eight.png")
    with pytest.raises(SeriesError, match=r"eight\.png: 8 bits"):
        load(series / "eight.png")
    with pytest.raises(ValueError, match=r"004\.png: a mark is eight numbers"):
        LoadLesion()(series / "004.png", [1.0, 2.0], SPACING)
    with pytest.raises(ValueError, match=r"004\.png: the mark is around column 100"):
        LoadLesion()(series / "004.png", np.add(MARK, [70, 0] * 4), SPACING)
    for pixel in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match=r"004\.png: a pixel size is a positive number"):
            load(series / "004.png", (1.0, pixel, 2.5))
    with pytest.raises(ValueError, match=r"004\.png: a pixel size is a positive number"):
        load(series / "004.png", (1.0,))
    with pytest.raises(ValueError, match="sizes must be positive"):
        LoadLesion(side=0)


def test_as_dictionary(series: Path):
    item = {"image": str(series / "004.png"), "recist_edge": MARK, "spacing_mm": SPACING}
    loaded = LoadLesiond("image")(item)
    assert loaded["image"].shape == (6, 64, 64)
    assert item["image"] == str(series / "004.png")


def test_random_slices_leave_the_outline_alone():
    crops = torch.rand(6, 16, 16)
    change = RandLesionSlices(prob=1.0, drop_prob=1.0)
    change.set_random_state(0)
    changed = change(crops)
    assert torch.equal(changed[[3, 5]], crops[[3, 5]])
    assert torch.equal(changed[0], changed[1])
    assert torch.equal(changed[2], changed[1])
    assert not torch.equal(changed[4], crops[4])
    assert 0 <= float(changed.min()) <= float(changed.max()) <= 1
    change.set_random_state(0)
    assert torch.equal(change(crops), changed)


def test_random_slices_refuse_other_pictures():
    with pytest.raises(ValueError, match="six channels"):
        RandLesionSlices(prob=1.0)(torch.rand(1, 8, 8))
    with pytest.raises(ValueError, match="out of range"):
        RandLesionSlices(gain=1.5)
