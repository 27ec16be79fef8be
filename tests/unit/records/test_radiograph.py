"""The record of a radiograph is valid once constructed, and survives JSON."""

import numpy as np
import pytest

from lungdet.records import Radiograph, RadiographInfo

INFO = RadiographInfo(
    "a.dcm",
    sop_uid="1.2",
    rows=4,
    columns=8,
    frames=3,
    frame=1,
    spacing_mm=(0.1, 0.2),
    spacing_from="PixelSpacing",
    steps=("frame 2 of 3", "inverted: MONOCHROME1"),
)


def test_it_survives_json():
    assert RadiographInfo.from_json(INFO.to_json()) == INFO
    unknown = RadiographInfo("b.png")
    assert RadiographInfo.from_json(unknown.to_json()) == unknown
    assert unknown.spacing_mm is None
    assert unknown.spacing_from == "unknown"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"frame": 1}, "frame 1 of 1"),
        ({"frame": -1}, "frame -1"),
        ({"spacing_mm": (0.1, 0.1)}, "spacing"),
        ({"spacing_from": "PixelSpacing"}, "spacing"),
        ({"spacing_mm": (0.1, 0.0), "spacing_from": "PixelSpacing"}, "two positive"),
        ({"spacing_mm": (0.1, float("nan")), "spacing_from": "PixelSpacing"}, "two positive"),
    ],
)
def test_nonsense_is_refused(fields, words):
    with pytest.raises(ValueError, match=f"a.dcm.*{words}"):
        RadiographInfo("a.dcm", **fields)


def test_the_spacing_grows_as_the_picture_shrinks():
    assert Radiograph(np.zeros((4, 8), np.float32), INFO).spacing_mm == pytest.approx((0.1, 0.2))
    assert Radiograph(np.zeros((2, 2), np.float32), INFO).spacing_mm == pytest.approx((0.2, 0.8))
    assert Radiograph(np.zeros((2, 2), np.float32), RadiographInfo("b.png")).spacing_mm is None


@pytest.mark.parametrize("pixels", [np.zeros((2, 2)), np.zeros((1, 2, 2), np.float32), np.zeros((0, 2), np.float32)])
def test_other_pixels_are_refused(pixels):
    with pytest.raises(ValueError, match="float32"):
        Radiograph(pixels, INFO)
