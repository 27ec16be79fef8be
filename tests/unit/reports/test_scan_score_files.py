"""A scan's scores as JSON, table, line of text and plot."""

import csv
import dataclasses
import io
import json
from datetime import datetime

import numpy as np
import pytest
from PIL import Image

from lungdet.records import CoveredRegion, ModelInfo, ScanScore, ScoreFlag, ScoreLine, SeriesInfo
from lungdet.reports.scan_score_files import COLUMNS, flag_line, score_line, score_to_csv, score_to_json
from lungdet.reports.score_plot import draw_score

SERIES = SeriesInfo("/data/=chest $1", "1.2", "1", ("a", "b", "c", "d"), steps=("1 duplicate slice dropped",))


@pytest.fixture
def scan() -> ScanScore:
    return ScanScore(
        series=SERIES,
        model=ModelInfo("body_part_regressor", "0.1.0", "ab" * 32),
        slice_index=(3, 2, 1, 0),
        z_mm=(30.0, 20.0, 10.0, 0.0),
        score=(0.25, 0.5, None, 1.0),
        region=("chest", "abdomen", "", "pelvis"),
        line=ScoreLine(0.025, 1.0, 0.99, 0.98, 1.5),
        covered=(CoveredRegion("chest", 35.0, 25.0, 1), CoveredRegion("pelvis", 5.0, -5.0, 1)),
        lungs_mm=(35.0, 25.0),
        flags=(ScoreFlag("empty", "1 of 4 slices show no body", (2,)), ScoreFlag("spacing", "too fast")),
    )


def test_json_holds_everything(scan: ScanScore, created: datetime):
    content = json.loads(score_to_json(scan, created))
    assert content["format"] == "lungdet-score/1"
    assert content["created"] == "2030-01-02T03:04:05Z"
    assert content["holds_lungs"] is True
    assert content["covered"][0]["extent_mm"] == 10.0
    assert content["flags"][0] == {"kind": "empty", "message": "1 of 4 slices show no body", "rows": [2]}
    first, second, third, _ = content["slices"]
    assert set(first) == set(COLUMNS)
    assert (first["slice_index"], first["slice_uid"]) == (3, "d")
    assert (second["line"], second["off_mm"]) == (0.5, 0.0)
    assert (third["score"], third["off_mm"], third["flags"]) == (None, None, ["empty"])
    assert score_to_json(scan, created) == score_to_json(scan, created)


def test_the_table_reads_back(scan: ScanScore):
    rows = list(csv.DictReader(io.StringIO(score_to_csv(scan).decode())))
    assert tuple(rows[0]) == COLUMNS
    assert [row["score"] for row in rows] == ["0.25", "0.5", "", "1"]
    assert [row["z_mm"] for row in rows] == ["30", "20", "10", "0"]
    assert [row["flags"] for row in rows] == ["", "", "empty", ""]


def test_a_negative_height_is_no_formula(scan: ScanScore):
    below = dataclasses.replace(scan, z_mm=(-10.0, -20.0, -30.0, -40.0))
    assert "'-" not in score_to_csv(below).decode()


def test_one_line(scan: ScanScore):
    text = score_line(scan)
    assert text == (
        "/data/=chest $1: 4 slices: chest 10 mm, pelvis 10 mm, lungs over 10 mm, tau 0.990, R2 0.980; "
        "flags: empty, spacing"
    )
    bare = dataclasses.replace(scan, covered=(), lungs_mm=None, line=None, flags=())
    assert score_line(bare) == "/data/=chest $1: 4 slices: no known part of the body; no flags"
    mixed = dataclasses.replace(bare, flags=(ScoreFlag("no_order", "mixed up"),))
    assert score_line(mixed) == "/data/=chest $1: 4 slices: no extents; flags: no_order"
    assert [json.loads(score_to_json(one))["holds_lungs"] for one in (scan, bare, mixed)] == [True, False, True]
    evil = dataclasses.replace(scan, series=SeriesInfo("a\x1b[2J\nb"))
    assert score_line(evil).startswith("a[2Jb: ")


def test_a_flag_names_its_slices_as_the_image_counts_them(scan: ScanScore):
    assert flag_line(scan, scan.flags[0]) == "1 of 4 slices show no body (slice 1 at z 10.0 mm)"
    assert flag_line(scan, ScoreFlag("gap", "gap", (0, 1))) == "gap (slice 3 at z 30.0 mm to slice 2 at z 20.0 mm)"
    assert flag_line(scan, scan.flags[1]) == "too fast"


def picture(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_the_plot_shows_each_slice_and_is_repeatable(scan: ScanScore):
    section = np.linspace(-1000, 500, 4 * 6).reshape(4, 6)
    plot = draw_score(scan, section, (-100.0, 100.0, 35.0, -5.0))
    assert plot == draw_score(scan, section, (-100.0, 100.0, 35.0, -5.0))
    assert picture(plot).shape[1] > picture(draw_score(scan)).shape[1]
    red = np.array([0xB3, 0x26, 0x1E])
    clean = dataclasses.replace(scan, flags=())
    flagged, unflagged = (
        (np.abs(picture(draw_score(one)).astype(int) - red).sum(axis=2) < 30).sum() for one in (scan, clean)
    )
    assert flagged > 50
    assert unflagged == 0


def test_a_plot_of_nothing(scan: ScanScore):
    empty = dataclasses.replace(
        scan, score=(None,) * 4, region=("",) * 4, line=None, covered=(), lungs_mm=None, flags=()
    )
    assert picture(draw_score(empty)).size
    with pytest.raises(ValueError, match="edge in mm"):
        draw_score(scan, np.zeros((4, 4)))


def test_a_record_that_contradicts_itself_is_refused(scan: ScanScore):
    for change, words in (
        ({"score": (0.1,)}, "differ in length"),
        ({"z_mm": (0.0, 1.0, 2.0, 3.0)}, "from the head to the feet"),
        ({"score": (float("nan"), 0.2, 0.3, 0.4)}, "finite"),
    ):
        with pytest.raises(ValueError, match=words):
            dataclasses.replace(scan, **change)
    with pytest.raises(ValueError, match="no such flag"):
        ScoreFlag("odd", "what")
    assert scan.has("empty")
    assert not scan.has("gap")
