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
