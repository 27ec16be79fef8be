import json
from dataclasses import replace

import pytest

from lungdet.datalists import IgnoredBox, LabelledBox, ScanEntry

FULL = ScanEntry(
    "a/b.mhd", "p1", "lps_mm",
    (LabelledBox((0.0, 1.0, 2.0, 3.0, 4.0, 5.0), 0, 0.75, {"diameter_mm": 3.5, "readers": 3}),),
    (IgnoredBox((9.0, 9.0, 9.0, 10.0, 10.0, 10.0), "< 3 mm"),),
    "1.2", ("x.xml",), {"sex": "F"}, None, 4,
)  # fmt: skip


@pytest.mark.parametrize("entry", [FULL, ScanEntry("a.png", "p", "edge_px"), ScanEntry("a.mhd", "p", "pixel_z_mm")])
def test_round_trip_through_json(entry: ScanEntry):
    assert ScanEntry.from_json(json.loads(json.dumps(entry.to_json()))) == entry


def test_json_holds_parallel_lists():
    entry = FULL.to_json()
    assert entry["box"] == [[0, 1, 2, 3, 4, 5]]
    assert (entry["label"], entry["weight"], entry["nodules"]) == ([0], [0.75], [{"diameter_mm": 3.5, "readers": 3}])
    assert (entry["ignore_box"], entry["ignore_reason"]) == ([[9, 9, 9, 10, 10, 10]], ["< 3 mm"])
    assert entry["provenance"] == {"sources": ["x.xml"], "sex": "F"}
    assert (entry["box_mode"], entry["fold"]) == ("xyzxyz", 4)


def test_what_is_known_of_ignored_regions_stays_with_them():
    entry = replace(FULL, ignored=(replace(FULL.ignored[0], facts={"kind": "non_nodule"}), FULL.ignored[0]))
    assert entry.to_json()["ignored"] == [{"kind": "non_nodule"}, {}]
    assert ScanEntry.from_json(entry.to_json()) == entry
    assert "ignored" not in FULL.to_json()  # lists of which nothing more is known stay as they were
    with pytest.raises(ValueError, match="2 ignored boxes with 2 reasons and facts of 1"):
        ScanEntry.from_json({**entry.to_json(), "ignored": [{}]})


def test_coordinates_are_rounded_to_a_tenth_of_a_micrometre():
    entry = ScanEntry("a", "p", "lps_mm", (LabelledBox((0.123456, 0.0, 0.0, 1.0, 1.0, 1.0)),))
    assert entry.to_json()["box"][0][0] == 0.1235


def test_a_bare_entry_of_a_foreign_list():
    entry = ScanEntry.from_json({"image": "a.nii", "box": [[0, 0, 0, 1, 1, 1]], "label": [2]})
    assert (entry.patient_id, entry.box_frame, entry.boxes[0].label) == ("a.nii", "lps_mm", 2)


def test_sizes():
    assert FULL.largest_mm == 3.5
    assert ScanEntry("a", "p", "edge_px").largest_mm is None
    assert ScanEntry("a", "p", "edge_px", (LabelledBox((0.0, 0.0, 4.0, 9.0)),)).largest_mm == 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": ""}, "needs an image and a patient"),
        ({"patient_id": ""}, "needs an image and a patient"),
        ({"boxes": (LabelledBox((0.0, 0.0, 1.0, 1.0)),)}, "needs 6 finite numbers"),
        ({"boxes": (LabelledBox((0.0, 0.0, float("nan"), 1.0, 1.0, 1.0)),)}, "needs 6 finite numbers"),
        ({"ignored": (IgnoredBox((0.0, 0.0, 5.0, 1.0, 1.0, 1.0), ""),)}, "min corner, then max corner"),
        ({"box_frame": "edge_px", "boxes": (LabelledBox((0.0, 0.0, 1.0, 0.0)),)}, "min corner, then max corner"),
    ],
)
def test_what_is_no_entry(change, message):
    with pytest.raises(ValueError, match=message):
        ScanEntry(**{"image": "a", "patient_id": "p", "box_frame": "lps_mm", **change})
