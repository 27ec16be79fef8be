"""The spacing of a radiograph comes from the best element there is, and is never invented."""

import numpy as np
import pytest

from lungdet.phantoms import write_radiograph_dicom
from lungdet.readers import read_radiograph

PICTURE = np.linspace(0, 1, 64).reshape(8, 8)
DETECTOR = {"DistanceSourceToDetector": "1800", "DistanceSourceToPatient": "1500"}


def info_of(tmp_path, **elements):
    return read_radiograph(write_radiograph_dicom(PICTURE, tmp_path / "a.dcm", spacing_mm=None, **elements)).info


@pytest.mark.parametrize(
    ("elements", "spacing", "source"),
    [
        ({}, None, "unknown"),
        ({"PixelSpacing": ["0.15", "0.2"], "ImagerPixelSpacing": ["0.1", "0.1"]}, (0.15, 0.2), "PixelSpacing"),
        (
            {"ImagerPixelSpacing": ["0.12", "0.24"], "EstimatedRadiographicMagnificationFactor": "1.2"},
            (0.1, 0.2),
            "ImagerPixelSpacing/magnification",
        ),
        (
            {"ImagerPixelSpacing": ["0.12", "0.24"], **DETECTOR},
            (0.1, 0.2),
            "ImagerPixelSpacing/magnification from distances",
        ),
        ({"ImagerPixelSpacing": ["0.12", "0.24"]}, (0.12, 0.24), "ImagerPixelSpacing"),
        (
            {"ImagerPixelSpacing": ["0.12", "0.24"], "EstimatedRadiographicMagnificationFactor": "0"},
            (0.12, 0.24),
            "ImagerPixelSpacing",
        ),
        ({"NominalScannedPixelSpacing": ["0.3", "0.3"]}, (0.3, 0.3), "NominalScannedPixelSpacing"),
        (
            {"PixelSpacing": ["0", "0"], "NominalScannedPixelSpacing": ["0.3", "0.3"]},
            (0.3, 0.3),
            "NominalScannedPixelSpacing",
        ),
        ({"PixelSpacing": ""}, None, "unknown"),
        ({"PixelSpacing": "0.2"}, None, "unknown"),
        ({"PixelSpacing": ["-0.2", "0.2"]}, None, "unknown"),
    ],
)
def test_the_best_element_counts(tmp_path, elements, spacing, source):
    info = info_of(tmp_path, **elements)
    assert info.spacing_from == source
    assert info.spacing_mm == (None if spacing is None else pytest.approx(spacing))


@pytest.mark.parametrize("value", [["0", "0"], "0.2", ["-1", "2"]])
def test_what_was_passed_over_is_told(tmp_path, value):
    assert any("PixelSpacing passed over" in step for step in info_of(tmp_path, PixelSpacing=value).steps)


def test_spacing_of_words_is_passed_over(tmp_path):
    path = write_radiograph_dicom(PICTURE, tmp_path / "a.dcm", spacing_mm=0.25)
    path.write_bytes(path.read_bytes().replace(b"0.25\\0.25", b"wide\\thin"))
    info = read_radiograph(path).info
    assert (info.spacing_mm, info.spacing_from) == (None, "unknown")


class TestSquarePixels:
    """Pixels that are no squares are averaged over the finer direction, so that shapes are what they are."""

    def test_by_spacing(self, tmp_path):
        plain = read_radiograph(write_radiograph_dicom(PICTURE, tmp_path / "a.dcm"))
        spacing = {"spacing_mm": None, "PixelSpacing": ["0.1", "0.2"]}
        radiograph = read_radiograph(write_radiograph_dicom(PICTURE, tmp_path / "b.dcm", **spacing))
        np.testing.assert_allclose(radiograph.pixels, plain.pixels.reshape(4, 2, 8).mean(axis=1), atol=1e-6)
        assert radiograph.spacing_mm == pytest.approx((0.2, 0.2))
        assert (radiograph.info.rows, radiograph.info.spacing_mm) == (8, (0.1, 0.2))
        assert radiograph.info.steps[-1] == "pixels of 1 : 2 made square: 8 x 8 to 4 x 8 by area averaging"

    def test_by_ratio_where_there_is_no_spacing(self, tmp_path):
        path = write_radiograph_dicom(PICTURE, tmp_path / "a.dcm", spacing_mm=None, PixelAspectRatio=["4", "3"])
        radiograph = read_radiograph(path)
        assert radiograph.pixels.shape == (8, 6)
        assert radiograph.spacing_mm is None
        assert "pixels of 1.333 : 1 made square: 8 x 8 to 8 x 6 by area averaging" in radiograph.info.steps

    def test_spacing_goes_before_a_ratio(self, tmp_path):
        elements = {"spacing_mm": 0.1, "PixelAspectRatio": ["2", "1"]}
        assert read_radiograph(write_radiograph_dicom(PICTURE, tmp_path / "a.dcm", **elements)).pixels.shape == (8, 8)

    def test_together_with_shrinking(self, tmp_path):
        picture = np.random.default_rng(0).random((60, 80))
        spacing = {"spacing_mm": None, "PixelSpacing": ["0.1", "0.2"]}
        path = write_radiograph_dicom(picture, tmp_path / "a.dcm", **spacing)
        whole, small = read_radiograph(path), read_radiograph(path, max_side=20)
        assert whole.pixels.shape == (30, 80)
        assert small.pixels.shape == (8, 20)  # 30 : 80 of 20 are 7.5
        assert read_radiograph(path, max_side=40).pixels.shape == (15, 40)
        half = whole.pixels.reshape(15, 2, 40, 2).mean(axis=(1, 3))
        np.testing.assert_allclose(read_radiograph(path, max_side=40).pixels, half, atol=1e-5)
        assert "pixels of 1 : 2 made square: 60 x 80 to 30 x 80 by area averaging" in small.info.steps
        assert "shrunk from 30 x 80 to 8 x 20 by area averaging" in small.info.steps

    @pytest.mark.parametrize("ratio", [["50", "1"], ["0", "1"], ["-1", "1"], ["1"]])
    def test_a_ratio_that_cannot_be_is_passed_over(self, tmp_path, ratio):
        path = write_radiograph_dicom(PICTURE, tmp_path / "a.dcm", spacing_mm=None, PixelAspectRatio=ratio)
        radiograph = read_radiograph(path)
        assert radiograph.pixels.shape == (8, 8)
        assert any("passed over" in step for step in radiograph.info.steps)

    def test_a_little_does_not_matter(self, tmp_path):
        spacing = {"spacing_mm": None, "PixelSpacing": ["0.1", "0.1005"]}
        radiograph = read_radiograph(write_radiograph_dicom(PICTURE, tmp_path / "a.dcm", **spacing))
        assert radiograph.pixels.shape == (8, 8)
        assert not any("square" in step for step in radiograph.info.steps)
