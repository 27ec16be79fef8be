"""What was measured of a nodule."""

import json
import math
from dataclasses import replace

import pytest

from lungdet.records import NoduleMeasurement

FOUND = NoduleMeasurement(
    center_lps_mm=(1.0, 2.0, 3.0),
    volume_mm3=math.pi / 6 * 1000,
    long_mm=12.0,
    short_mm=9.0,
    slice_index=40,
    recist_voxel=((10.0, 10.0), (22.0, 10.0), (15.0, 5.5), (15.0, 14.5)),
    mean_hu=-20.0,
    solid_fraction=1.0,
    density="solid",
    notes=("a note",),
)


def test_derived_diameters():
    assert FOUND.mean_diameter_mm == 10.5
    assert FOUND.ball_diameter_mm == pytest.approx(10.0)


def test_contact():
    assert not FOUND.pleural_contact
    assert replace(FOUND, pleural_contact_mm2=4.0).pleural_contact
    assert replace(FOUND, pleural_distance_mm=0.0).pleural_contact
    assert not replace(FOUND, pleural_distance_mm=3.0).pleural_contact


def test_json_round_trip():
    full = replace(FOUND, side="left", pleural_distance_mm=2.5)
    told = json.loads(json.dumps(full.to_dict()))
    assert told["mean_diameter_mm"] == 10.5
    assert NoduleMeasurement.from_dict(told) == full


def test_derived_diameters_have_the_digits_of_the_others():
    told = replace(FOUND, volume_mm3=84.0954).to_dict()
    assert told["ball_diameter_mm"] == 5.4357  # (6 * 84.0954 / pi) ** (1 / 3) = 5.43567...
    assert NoduleMeasurement.from_dict(told).to_dict() == told


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("volume_mm3", 0.0, "positive"),
        ("long_mm", math.nan, "positive"),
        ("short_mm", 13.0, "longer"),
        ("mean_hu", math.inf, "finite"),
        ("center_lps_mm", (1.0, math.nan, 2.0), "finite"),
        ("recist_voxel", ((1.0, 1.0),), "finite"),
        ("solid_fraction", 1.1, "0..1"),
        ("density", "hard", "density"),
        ("pleural_distance_mm", -1.0, "negative"),
    ],
)
def test_what_cannot_be(name, value, words):
    with pytest.raises(ValueError, match=words):
        replace(FOUND, **{name: value})
