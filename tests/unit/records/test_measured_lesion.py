"""A measured lesion is valid once it is there."""

import math

import pytest

from lungdet.records import MeasuredLesion


def lesion(**changes: object) -> MeasuredLesion:
    facts = {"key": "a.png#0", "patient": "000001", "study": 1, "series": 1, "lesion_type": "liver", "long_mm": 12.0}
    return MeasuredLesion(**{**facts, **changes})


def test_what_is_not_known_is_none():
    one = lesion()
    assert (one.short_mm, one.location, one.center_mm, one.image, one.flags) == (None, None, None, None, ())
    assert one.mean_mm == 12.0
    assert lesion(short_mm=8.0).mean_mm == 10.0


def test_equal_axes_and_places_a_little_outside_are_kept():
    assert lesion(short_mm=12.0, location=(-0.01, 1.02, 0.5)).location == (-0.01, 1.02, 0.5)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"key": ""}, "key and a patient"),
        ({"patient": ""}, "key and a patient"),
        ({"study": -1}, "0 or more"),
        ({"lesion_type": "spleen"}, "none of bone"),
        ({"long_mm": math.nan}, "finite"),
        ({"long_mm": -1.0}, "0 or more"),
        ({"short_mm": 13.0}, "below the short"),
        ({"location": (0.1, 0.2)}, "location"),
        ({"center_mm": (0.1, 0.2, math.inf)}, "center_mm"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, object], match: str):
    with pytest.raises(ValueError, match=match):
        lesion(**changes)
