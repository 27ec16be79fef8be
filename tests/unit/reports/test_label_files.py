"""Lines, CSV and JSON of labels."""

import csv
import io
import json
from datetime import datetime, timezone

import pytest

from lungdet.records import Decision, LabelledFile, ModelInfo, RadiographInfo
from lungdet.reports import label_line, labels_to_csv, labels_to_json

TOP = (("chest", 0.91), ("spine", 0.06), ("abdomen", 0.03))
SURE = LabelledFile("a,b.dcm", 0.05149, Decision("chest", ("chest",), 0.91, TOP, "answer"), RadiographInfo("a,b.dcm"))
UNSURE = LabelledFile("c.png", 0.002, Decision("chest", ("chest",), 0.91, TOP, "review", "unsure", 1.7))
BROKEN = LabelledFile("d.dcm", 0.1, error="d.dcm: cut off")
MODEL = ModelInfo("router", "1.0", "ab")


def test_a_line_has_four_fields_and_more_on_demand():
    assert label_line(SURE) == "a,b.dcm\tchest\t0.9100\t0.051"
    assert label_line(UNSURE) == "c.png\treview\t0.9100\t0.002"
    assert label_line(UNSURE, top=2) == "c.png\treview\t0.9100\t0.002\tchest 0.9100\tspine 0.0600"
    assert label_line(BROKEN, top=5) == "d.dcm\t\t\t0.100"


def test_the_name_of_a_file_cannot_break_a_line():
    name = label_line(LabelledFile("a\tb\n\x1b[2J\udcff.dcm", 0.0, error="x")).split("\t")[0]
    assert name == r"a\tb\n\x1b[2J\udcff.dcm"


def test_two_names_never_look_alike():
    names = ["ab", "a\nb", r"a\nb", "a\x00b", "a\u202eb", r"a\u202eb", "ä b"]
    lines = [label_line(LabelledFile(name, 0.0, error="x")) for name in names]
    assert len(set(lines)) == len(names)
    assert lines[0].startswith("ab\t")
    assert lines[-1].startswith("ä b\t")


def test_csv_reads_back():
    rows = list(csv.DictReader(io.StringIO(labels_to_csv([SURE, UNSURE, BROKEN]).decode())))
    assert list(rows[0]) == ["file", "label", "probability", "seconds", "decision"]
    assert [tuple(row.values()) for row in rows] == [
        ("a,b.dcm", "chest", "0.9100", "0.051", "answer"),
        ("c.png", "review", "0.9100", "0.002", "review"),
        ("d.dcm", "", "", "0.100", "error"),
    ]
    assert labels_to_csv([]).decode() == "file,label,probability,seconds,decision\n"


def test_json_says_everything():
    created = datetime(2030, 1, 2, tzinfo=timezone.utc)
    content = json.loads(labels_to_json([SURE, UNSURE, BROKEN], MODEL, ["chest", "spine"], 2, created))
    assert content["created"] == "2030-01-02T00:00:00Z"
    assert content["model"]["weights_sha256"] == "ab"
    assert content["classes"] == ["chest", "spine"]
    sure, unsure, broken = content["files"]
    assert sure["radiograph"]["source"] == "a,b.dcm"
    assert sure["top"] == [{"label": "chest", "probability": 0.91}, {"label": "spine", "probability": 0.06}]
    assert (unsure["label"], unsure["decision"], unsure["reason"]) == ("review", "review", "unsure")
    assert unsure["out_of_domain"] == 1.7
    assert broken == {
        "file": "d.dcm", "label": None, "probability": None, "seconds": 0.1, "decision": "error",
        "error": "d.dcm: cut off",
    }  # fmt: skip


def test_a_record_is_a_decision_or_an_error():
    with pytest.raises(ValueError, match="either a decision or an error"):
        LabelledFile("a", 0.0)
