"""Real radiographs of many makers: pydicom, GDCM (in SimpleITK) and Pillow are the referees."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from lungdet.readers import RadiographError, list_radiographs, read_radiograph
from lungdet.readers.radiograph_shrink import shrink_rows

TWIN, FAKE = "1.2.276.0.7230010.3.1.4.8323329.6904.1517875201.850819.dcm", "Fake_MONOHR1.dcm"
MONOCHROME1 = ["CR-ModalitySequenceLUT.dcm", "Monochrome1-Jpeg.dcm", "RG3_JLSL", "dx_image.dcm", FAKE]
WITH_VOI = [
    "GH133.dcm",
    "Monochrome1-Jpeg.dcm",
    "RG3_JLSL",
    "dx_image.dcm",
    "gdcm-CR-MONO1-10-chest.dcm",
]
BROKEN = {
    "GH178.dcm": "it has no pixels",
    "GH179A.dcm": "it has no pixels",
    "GH220.dcm": "it has no pixels",
    "deeply_nested_sequence.dcm": "its sequences nest deeper",
}


@pytest.fixture(scope="module")
def folder(real_data) -> Path:
    return real_data / "radiographs_dicom"


@pytest.fixture(scope="module")
def read(folder):
    """Read each file once: some take long to decode."""
    kept = {}

    def once(name):
        if name not in kept:
            kept[name] = read_radiograph(folder / name)
        return kept[name]

    return once


def test_all_are_found_and_read(folder):
    paths = list(list_radiographs(folder))
    assert len(paths) == 11
    for path in paths:
        radiograph = read_radiograph(path, max_side=64)
        assert max(radiograph.pixels.shape) == 64
        assert 0 <= radiograph.pixels.min() <= radiograph.pixels.max() <= 1
        assert radiograph.pixels.std() > 0.05
        assert radiograph.info.modality in ("CR", "DX", "MG")


def test_the_monochrome1_twin_is_its_brother_turned_over(read):
    np.testing.assert_allclose(read(FAKE).pixels, 1 - read(TWIN).pixels, atol=1e-6)


@pytest.mark.parametrize("name", MONOCHROME1)
def test_monochrome1_is_turned_over_as_gdcm_does_it(read, folder, name):
    sitk = pytest.importorskip("SimpleITK")
    info = read(name).info
    assert info.photometric == "MONOCHROME1"
    assert info.steps.count("inverted: MONOCHROME1") == 1
    image = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / name)))[0]
    assert np.corrcoef(image[::7, ::7].ravel(), read(name).pixels[::7, ::7].ravel())[0, 1] > 0.8


@pytest.mark.parametrize("name", WITH_VOI)
def test_modality_and_window_are_those_of_pydicom(read, folder, name):
    dataset = pydicom.dcmread(folder / name)
    shown = apply_voi_lut(apply_modality_lut(dataset.pixel_array, dataset), dataset, prefer_lut=True).astype(np.float64)
    shown /= 4095 if name == "GH133.dcm" else 2**dataset.BitsStored - 1
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        shown = 1 - shown
    if name == "GH133.dcm":  # 0 to 30 is padding
        shown[dataset.pixel_array <= 30] = 0
    np.testing.assert_allclose(read(name).pixels, shown, atol=0.002)


def test_the_modality_lut_wins_over_rescale(read, folder):
    name = "CR-ModalitySequenceLUT.dcm"
    dataset, steps = pydicom.dcmread(folder / name), read(name).info.steps
    assert any(step.startswith("modality LUT: 1024 entries") for step in steps)
    assert not any(step.startswith("rescaled") for step in steps)
    values = apply_modality_lut(dataset.pixel_array, dataset).astype(np.float64)
    low, high = np.percentile(values, (0.5, 99.5))
    expected = 1 - np.clip((values - low) / (high - low), 0, 1)
    np.testing.assert_allclose(read(name).pixels, expected, atol=0.02)  # percentiles of some pixels


def test_one_picture_in_three_compressions(read):
    np.testing.assert_array_equal(read("RG3_JPLL").pixels, read("RG3_JLSL").pixels)
    assert np.abs(read("RG3_J2KI").pixels - read("RG3_JLSL").pixels).mean() < 0.002


def test_the_mammogram(read):
    radiograph = read("GH133.dcm")
    assert radiograph.info.spacing_mm == pytest.approx((0.09409090909091, 0.09409090909091))
    assert radiograph.info.spacing_from == "ImagerPixelSpacing/magnification"
    assert radiograph.info.laterality == "R"
    assert radiograph.info.view_position == "MLO"
    assert "padding: 0 to 30" in radiograph.info.steps
    assert (radiograph.pixels == 0).mean() > 0.5


def test_the_dog_is_a_picture_like_others(read):
    radiograph = read("dx_image.dcm")
    assert radiograph.info.spacing_mm == pytest.approx((1.2, 1.201199999999))
    assert radiograph.info.body_part_examined == "THORAX"
    assert radiograph.info.photometric == "MONOCHROME1"


@pytest.mark.parametrize("name", ["RG3_JLSL", "gdcm-CR-MONO1-10-chest.dcm"])
def test_unknown_spacing_stays_unknown(read, name):
    assert (read(name).info.spacing_mm, read(name).info.spacing_from) == (None, "unknown")


@pytest.mark.parametrize("name", ["gdcm-CR-MONO1-10-chest.dcm", TWIN, "dx_image.dcm"])
@pytest.mark.parametrize("max_side", [32, 100])
def test_read_small_is_read_whole_and_made_small(read, folder, name, max_side):
    whole, small = read(name).pixels, read_radiograph(folder / name, max_side=max_side).pixels
    expected = shrink_rows(lambda first, last: whole[first:last], whole.shape, small.shape)
    np.testing.assert_allclose(small, expected, atol=1e-5)


@pytest.mark.parametrize("name", ["gdcm-CR-MONO1-10-chest.dcm", TWIN, "RG3_J2KI", "RG3_JLSL", "RG3_JPLL"])
def test_a_truncated_file_is_refused(tmp_path, folder, name):
    data = (folder / name).read_bytes()
    (tmp_path / "cut").write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(RadiographError, match=r"cut: .*; "):
        read_radiograph(tmp_path / "cut")


def test_odd_files_are_read_or_refused_by_name(real_data):
    for path in sorted((real_data / "broken").iterdir()):
        if path.name in BROKEN:
            with pytest.raises(RadiographError, match=f"{path.name}: {BROKEN[path.name]}"):
                read_radiograph(path)
        else:
            radiograph = read_radiograph(path)
            assert radiograph.pixels.std() > 0.05 or path.name == "FreezePattern.dcm"  # which is black all over
            colour = path.name in ("FreezePattern.dcm", "no-pixel-spacing.dcm")
            assert any(step.startswith("colour") for step in radiograph.info.steps) == colour


def test_the_competition_pictures_are_taken_as_they_are(real_data):
    folder = real_data / "radiographs_unifesp"
    paths = list(list_radiographs(folder))
    assert len(paths) == 1218
    with open(folder / "labels.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 1218
    for path in paths[::60]:
        expected = np.asarray(Image.open(path).convert("L")) / 255
        np.testing.assert_allclose(read_radiograph(path).pixels, expected, atol=1e-6)


def test_mednist_pictures(real_data):
    paths = list(list_radiographs(real_data / "mednist"))
    assert len(paths) == 3000
    assert {read_radiograph(path).pixels.shape for path in paths[::150]} == {(64, 64)}


def test_a_dicom_without_ending_is_found(tmp_path, folder):
    shutil.copy(folder / "dx_image.dcm", tmp_path / "1.2.840.1")
    assert [path.name for path in list_radiographs(tmp_path)] == ["1.2.840.1"]
