import csv
import io
import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from lungdet.records import LesionSequence, MeasuredLesion, PatientHistory, SequenceMark
from lungdet.reports.score_figures import MissingPlotsError
from lungdet.reports.timeline_page import timelines_to_html
from lungdet.reports.timeline_plot import draw_timeline
from lungdet.reports.timeline_sheet import MOST_ROWS, TILE_PX, KeySlice, draw_sheet, sheet_sequences
from lungdet.reports.timeline_tables import PARTS, change, histories_to_csv, histories_to_json, sums_over_time

FACTS = {
    "source": "<DL_info>.csv", "rule": "optimal", "embeddings": None, "notes": ["a <note>"], "problems": [],
    "counts": dict.fromkeys(
        ("sequences", "marks", *PARTS, "patients", "patients_with_one_study"), 3
    ),
}  # fmt: skip


def sequence(name: str, sizes: dict[int, float], patient: str = "000001") -> LesionSequence:
    marks = [
        SequenceMark(
            MeasuredLesion(f"{name}_{study}.png#0", patient, study, 1, "liver", size, size / 2, (0.5, 0.25, 0.125)),
            distance=None if place == 0 else 0.5,
        )
        for place, (study, size) in enumerate(sizes.items())
    ]
    return LesionSequence(name, tuple(marks))


def history(*sequences: LesionSequence) -> PatientHistory:
    studies = sorted({study for one in sequences for study in one.studies})
    return PatientHistory("000001", tuple(studies), sequences)


def grows(before_mm: float, after_mm: float) -> str:
    return "grows" if after_mm > before_mm else "does not"


THREE = history(
    sequence("000001-01", {1: 20.0, 2: 10.0, 3: 15.0}),
    sequence("000001-02", {1: 8.0, 3: 12.0}),
    sequence("000001-03", {2: 6.0}),
)


def test_changes_by_hand():
    shrinking = THREE.sequences[0]
    assert change(shrinking, 0) == (None, None, None)
    assert change(shrinking, 1) == (-10.0, -50.0, -50.0)
    assert change(shrinking, 2) == pytest.approx((-5.0, -25.0, 50.0))  # half as much again as the smallest
    assert change(sequence("x", {1: 0.0, 2: 3.0}), 1) == (3.0, None, None)


def test_sums_are_of_lesions_that_every_study_marks():
    assert sums_over_time(THREE) == (1, (20.0, 10.0, 15.0))
    both = history(sequence("a", {1: 5.0, 2: 6.0}), sequence("b", {1: 7.0, 2: 1.0}))
    assert sums_over_time(both) == (2, (12.0, 7.0))
    assert sums_over_time(history(sequence("a", {1: 5.0}), sequence("b", {2: 5.0}))) == (0, ())


def test_the_table_lists_followed_lesions():
    rows = list(csv.DictReader(io.StringIO(histories_to_csv([THREE], grows).decode())))
    assert [(row["sequence"], row["study"], row["long_mm"]) for row in rows] == [
        ("000001-01", "1", "20.0"), ("000001-01", "2", "10.0"), ("000001-01", "3", "15.0"),
        ("000001-02", "1", "8.0"), ("000001-02", "3", "12.0"),
    ]  # fmt: skip
    assert [row["growth"] for row in rows] == ["", "does not", "does not", "", "grows"]
    assert (rows[2]["change_percent"], rows[2]["change_from_smallest_percent"]) == ("-25.0", "50.0")
    assert (rows[1]["z"], rows[1]["distance"], rows[0]["distance"]) == ("0.125", "0.5", "")
    assert histories_to_csv([], grows).decode().count("\n") == 1


def test_the_json_holds_what_was_marked_once_and_who_had_one_study():
    alone = PatientHistory("000002", (1,), (sequence("000002-01", {1: 4.0}, "000002"),))
    content = json.loads(histories_to_json([THREE, alone], {"rule": "optimal"}, grows))
    assert (content["rule"], content["patients_with_one_study"]) == ("optimal", ["000002"])
    (patient,) = content["patients"]
    assert patient["marked_once"] == [["000001-03_2.png#0"]]
    assert patient["sum_of_lesions_in_all_studies"] == {"lesions": 1, "long_mm": [20.0, 10.0, 15.0]}
    assert [mark["growth"] for mark in patient["sequences"][1]["marks"]] == [None, "grows"]


def test_a_plot_is_drawn_and_the_same_one_twice():
    first = draw_timeline(THREE, dpi=40)
    assert first == draw_timeline(THREE, dpi=40)
    without_sum = draw_timeline(history(*THREE.sequences[1:]), dpi=40)
    sizes = [Image.open(io.BytesIO(png)).size for png in (first, without_sum)]
    assert sizes[0][0] == sizes[1][0]
    assert sizes[0][1] > sizes[1][1]  # no room for a sum that there is not
    many = history(*(sequence(f"x-{n:02d}", {1: 5.0 + n, 2: 9.0}) for n in range(14)))
    assert draw_timeline(many, dpi=40) != first


def test_plots_need_matplotlib(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingPlotsError, match=r"lungdet\[plots\]"):
        draw_timeline(THREE)


def test_a_tile_shows_the_lesion_in_its_middle_to_scale():
    hu = np.full((60, 80), -1000, dtype=np.int16)
    hu[20:30, 40:50] = 400  # 10 mm by 5 mm
    tile = np.asarray(KeySlice(hu, (45.0, 25.0), (1.0, 0.5), (-1000.0, 400.0)).tile(40.0, 80))
    bright = tile > 127
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (35, 44, 30, 49)  # 2 px a mm, around 40
    outside = np.asarray(KeySlice(hu, (0.0, 0.0), (1.0, 1.0), (-1000.0, 400.0)).tile(40.0, 80))
    assert outside.max() == 0


def test_corners_of_the_box_are_placed_on_the_tile():
    hu = np.zeros((60, 80), dtype=np.int16)
    slice_ = KeySlice(hu, (45.0, 25.0), (1.0, 0.5), (0.0, 100.0), (40.0, 20.0, 50.0, 30.0))
    assert slice_.corners(40.0, 80) == (30.0, 35.0, 50.0, 45.0)  # 2 px a mm, around 40
    assert slice_.corners(5.0, 80) == (0.0, 0.0, 79.0, 79.0)  # larger than the tile
    assert KeySlice(hu, (45.0, 25.0), (1.0, 0.5), (0.0, 100.0)).corners(40.0) is None
    boxed = draw_sheet(THREE, {"000001-01_2.png#0": slice_})
    assert boxed != draw_sheet(THREE, {"000001-01_2.png#0": replace(slice_, box_px=None)})


def test_a_sheet_explains_repeats_where_there_are_any():
    first, *others = THREE.sequences[0].marks
    again = replace(first, repeats=(replace(first.lesion, key="again.png#0"),))
    repeated = history(LesionSequence("000001-01", (again, *others)), *THREE.sequences[1:])
    heights = [Image.open(io.BytesIO(draw_sheet(one, {}))).size[1] for one in (THREE, repeated)]
    assert heights[0] < heights[1]


def test_a_sheet_has_a_row_a_lesion_and_says_what_is_missing():
    hu = np.full((40, 40), 50, dtype=np.int16)
    slices = {"000001-01_2.png#0": KeySlice(hu, (20.0, 20.0), (1.0, 1.0), (0.0, 100.0))}
    sheet = Image.open(io.BytesIO(draw_sheet(THREE, slices)))
    assert sheet.size[0] > 3 * TILE_PX
    assert sheet.size[1] > 2 * TILE_PX
    assert (np.asarray(sheet) == 127).sum() >= 40 * 40  # the one slice, in the middle of its window
    many = history(*(sequence(f"x-{n:02d}", {1: 5.0 + n, 2: 9.0}) for n in range(40)))
    assert [one.name for one in sheet_sequences(many)] == [f"x-{n:02d}" for n in range(40 - MOST_ROWS, 40)]


def test_the_page_escapes_and_loads_nothing():
    page = timelines_to_html([THREE], {"000001.png": b"png", "other.png": b""}, FACTS, grows).decode()
    assert "&lt;DL_info&gt;.csv" in page
    assert "a &lt;note&gt;" in page
    assert page.count("<img") == 1
    assert "<td>20.0, 10.0, 15.0</td><td>-25 %</td><td>does not</td>" in page
    assert page.index("Not for clinical use") < page.index("<img")
    assert "Dashed: short diameter. Dotted: across a study that does not mark the lesion" in page
    assert "<th>Change, last against first</th><th>Growth</th>" in page
    assert "http" not in page.replace("http-equiv", "")
