"""Measurements out of DL_info.csv and out of training lists."""

from pathlib import Path

import pytest

from lungdet.datalists import DeepLesionChoice, build_deeplesion
from lungdet.datalists.schema import datalist_content
from lungdet.lesions import measured_from_datalist, measured_from_deeplesion
from lungdet.readers.deeplesion import DeepLesionTable
from lungdet.records import Lesion


def row(slice_number: int = 5, study: int = 1, long_px: float = 10.0, short_px: float = 6.0, kind: int = 4) -> Lesion:
    """A cross with its middle at (40, 60) in the edge frame; pixels of 0.5 x 0.5 mm, slices of 5 mm."""
    ends = (40 - long_px / 2, 60.0, 40 + long_px / 2, 60.0, 40.0, 60 - short_px / 2, 40.0, 60 + short_px / 2)
    xs, ys = ends[0::2], ends[1::2]
    return Lesion(
        file_name=f"000007_{study:02d}_01_{slice_number:03d}.png",
        patient=7,
        study=study,
        series=1,
        key_slice=slice_number,
        recist_edge=ends,
        box_edge=(min(xs) - 5, min(ys) - 5, max(xs) + 5, max(ys) + 5),
        diameters_px=(long_px, short_px),
        normalized_location=(0.3, 0.4, 0.6),
        lesion_type=kind,
        noisy=False,
        slice_range=(1, 9),
        spacing_mm=(0.5, 0.5, 5.0),
        image_size=(512, 512),
        window_hu=(-175.0, 275.0),
        sex="F",
        age_years=60.0,
        split="test",
    )


def table(*lesions: Lesion) -> DeepLesionTable:
    return DeepLesionTable("DL_info.csv", lesions, tuple(range(2, 2 + len(lesions))), ())


def test_a_row_of_deeplesion_by_hand():
    (found,) = measured_from_deeplesion(table(row()))
    assert (found.key, found.patient, found.study, found.series) == ("000007_01_01_005.png#0", "000007", 1, 1)
    assert (found.lesion_type, found.long_mm, found.short_mm) == ("liver", 5.0, 3.0)
    assert found.location == (0.3, 0.4, 0.6)
    # middle (40, 60) is 39.5 and 59.5 pixels of 0.5 mm from the first centre; slice 5 is four slices of 5 mm down
    assert found.center_mm == (19.75, 29.75, -20.0)
    assert (found.image, found.flags) == ("000007_01_01/005.png", ())


def test_swapped_axes_change_places_and_keys_count():
    first, second = measured_from_deeplesion(table(row(), row(long_px=4.0, kind=-1)))
    assert (second.key, second.lesion_type) == ("000007_01_01_005.png#1", "unknown")
    assert (second.long_mm, second.short_mm) == (3.0, 2.0)
    assert "swapped" in second.flags
    assert first.flags == ()


@pytest.mark.parametrize("slices", [False, True])
def test_a_training_list_tells_the_same(slices: bool):
    made = table(row(), row(6, 2, 20.0))
    built = build_deeplesion(made, choice=DeepLesionChoice(slices=slices))
    content = datalist_content("deeplesion", {"test": built.entries}, labels={0: "lesion"})
    found, problems = measured_from_datalist(content)
    assert problems == ()
    for one, other in zip(found, measured_from_deeplesion(made), strict=True):
        same = ("patient", "study", "series", "lesion_type", "location", "flags")
        assert [getattr(one, name) for name in same] == [getattr(other, name) for name in same]
        assert (one.long_mm, one.short_mm) == (other.long_mm, other.short_mm)
        if not slices:
            assert one.center_mm == pytest.approx(other.center_mm)


def entry(image: str, **facts: object) -> dict[str, object]:
    return {"image": image, "patient_id": "p", "box": [[0, 0, 0, 2, 4, 8]], "label": [0], **facts}


def test_other_lists_have_studies_without_order():
    content = {
        "labels": {"0": "nodule"},
        "training": [entry("a.nii", series_uid="1.2"), entry("b.nii", series_uid="1.3")],
        "test": [entry("c.nii", series_uid="1.2", provenance={"study_uid": "1"})],
    }
    found, problems = measured_from_datalist(content)
    assert [(item.key, item.study, item.flags) for item in found] == [
        ("a.nii#0", 1, ("undated",)),
        ("b.nii#0", 2, ("undated",)),
        ("c.nii#0", 3, ("undated",)),
    ]
    assert (found[0].lesion_type, found[0].long_mm, found[0].short_mm) == ("lung", pytest.approx(4.0), None)
    assert found[0].center_mm == (1.0, 2.0, 4.0)
    assert problems == ()


def test_a_box_in_pixels_has_no_size():
    content = {"test": [{**entry("a.png"), "box": [[0, 0, 9, 9]], "box_frame": "edge_px"}]}
    found, (problem,) = measured_from_datalist(content)
    assert found == ()
    assert "a.png#0: it has no size in mm" in problem


def test_an_empty_list_is_empty(tmp_path: Path):
    assert measured_from_datalist({}) == ((), ())
    assert measured_from_deeplesion(table()) == ()


def test_what_is_no_measurement_is_told_and_the_rest_is_taken():
    good = entry("a.nii", nodules=[{"diameter_mm": 9.0, "short_diameter_mm": 5.0}])
    longer = entry("b.nii", nodules=[{"diameter_mm": 9.0, "short_diameter_mm": 12.0}])
    words = entry("c.nii", nodules=[{"diameter_mm": "nine"}])
    last = entry("d.nii")
    found, problems = measured_from_datalist({"training": [good, longer, words], "test": [good, last]})
    assert [(item.key, item.short_mm) for item in found] == [("a.nii#0", 5.0), ("d.nii#0", None)]
    assert [line.split(":")[0] for line in problems] == ["b.nii#0", "c.nii#0", "a.nii#0"]
    assert "the long diameter, 9.0 mm, is below the short" in problems[0]
    assert "listed twice" in problems[2]
