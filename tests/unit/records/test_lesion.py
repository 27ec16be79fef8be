import math
from dataclasses import replace

import pytest

from lungdet.records import Lesion

LESION = Lesion(
    file_name="000012_01_03_109.png", patient=12, study=1, series=3, key_slice=109,
    recist_edge=(20.0, 30.0, 40.0, 30.0, 30.0, 25.0, 30.0, 35.0), box_edge=(15.0, 20.0, 45.0, 40.0),
    diameters_px=(20.0, 10.0), normalized_location=(0.4, 0.3, 0.5), lesion_type=5, noisy=False,
    slice_range=(103, 115), spacing_mm=(0.5, 0.5, 5.0), image_size=(512, 512), window_hu=(-1500.0, 500.0),
    sex="F", age_years=62.0, split="test",
)  # fmt: skip


def with_mark(*numbers: float) -> Lesion:
    """A lesion whose box and diameters are as its mark says."""
    marked = replace(LESION, recist_edge=tuple(map(float, numbers)))
    x0, y0, x1, y1, x2, y2, x3, y3 = marked.recist_edge
    diameters = math.hypot(x1 - x0, y1 - y0), math.hypot(x3 - x2, y3 - y2)
    return replace(marked, box_edge=marked.recist_box_edge(), diameters_px=diameters)


def test_names():
    assert LESION.png_path == "000012_01_03/109.png"
    assert LESION.series_name == "000012_01_03"
    assert LESION.patient_id == "000012"
    assert LESION.type_name == "lung"
    assert LESION.diameters_mm == (10, 5)


def test_boxes():
    assert LESION.recist_box_edge() == LESION.box_edge
    assert LESION.recist_box_edge(margin_px=0) == (20, 25, 40, 35)
    assert LESION.recist_box_edge(margin_px=1, margin_mm=2) == (15, 20, 45, 40)
    assert replace(LESION, spacing_mm=(1.0, 2.0, 5.0)).recist_box_edge(0, 2) == (18, 24, 42, 36)


@pytest.mark.parametrize(
    ("lesion", "flags"),
    [
        (LESION, ()),
        (with_mark(30, 25, 30, 35, 20, 30, 40, 30), ("swapped",)),
        (with_mark(20, 30, 40, 30, 30, 30, 30, 30), ("degenerate", "apart")),
        (with_mark(20, 30, 40, 30, 25, 25, 35, 35), ("skew",)),
        (with_mark(20, 30, 40, 30, 30, 31, 30, 35), ("apart",)),
        (with_mark(20, 30, 40, 30, 20, 40, 40, 40), ("skew", "apart")),
        (replace(with_mark(4, 30, 40, 30, 30, 25, 30, 35)), ("outside",)),
        (replace(LESION, box_edge=(15.0, 20.0, 46.5, 40.0)), ("contradictory",)),
        (replace(LESION, box_edge=(15.0, 20.0, 45.5, 40.0), diameters_px=(20.9, 10.0)), ()),
        (replace(LESION, diameters_px=(20.0, 12.0)), ("contradictory",)),
        (replace(LESION, image_size=(512, 39)), ("outside",)),
        (replace(LESION, noisy=True), ("noisy",)),
    ],
)
def test_flags(lesion, flags):
    assert lesion.flags == flags


def test_ten_degrees_from_perpendicular_are_the_limit():
    for degrees, expected in ((9.9, ()), (10.1, ("skew",))):
        lean = 5 * math.tan(math.radians(degrees))
        assert with_mark(20, 30, 40, 30, 30 - lean, 25, 30 + lean, 35).flags == expected


@pytest.mark.parametrize(
    "change",
    [
        {"recist_edge": (math.nan, *LESION.recist_edge[1:])},
        {"recist_edge": LESION.recist_edge[1:]},
        {"spacing_mm": (0.5, 0.0, 5.0)},
        {"diameters_px": (20.0, -1.0)},
        {"key_slice": 99},
        {"slice_range": (0, 115)},
        {"lesion_type": 9},
    ],
)
def test_what_is_no_lesion(change):
    with pytest.raises(ValueError, match="000012_01_03_109"):
        replace(LESION, **change)
