"""What an analysis adds to findings.json: absent, it changes nothing; there, it survives and fits the schema."""

import copy
import dataclasses
import json
from datetime import datetime
from typing import Any

import jsonschema
import pytest

from lungdet.records import DetectionReport
from lungdet.reports import FindingsFileError, load_schema, report_from_json, report_to_json

ADDED = ("lungs", "risk", "models", "notes")


def test_without_an_analysis_the_file_is_as_it_was(report: DetectionReport):
    content = json.loads(report_to_json(report))
    assert not set(ADDED) & set(content)
    assert sorted(content["frames"]) == ["box_lps_mm", "box_voxel", "score", "slice_index"]
    assert not {"measurement", "answer", "notes", "detector_score"} & set(content["findings"][0])


def test_there_and_back(analyzed: DetectionReport, created: datetime):
    text = report_to_json(analyzed, created)
    jsonschema.validate(json.loads(text), load_schema(), cls=jsonschema.Draft202012Validator)
    assert report_from_json(text) == analyzed


def test_numbers_by_hand(analyzed: DetectionReport):
    content = json.loads(report_to_json(analyzed))
    first, second = content["findings"]
    assert first["measurement"]["volume_mm3"] == 300.0
    assert first["measurement"]["mean_diameter_mm"] == 8.0
    assert first["measurement"]["version"] == 1
    assert first["answer"]["kind"] == "part_solid"
    assert first["answer"]["ratings"][0] == {
        "name": "malignancy",
        "mean": 3.5,
        "spread": 0.5,
        "levels": [0, 0, 0.5, 0.5, 0],
    }
    assert first["growth"]["change_percent"] == 50.0
    assert second["notes"] == ["not measured: nothing stands out <here>"]
    assert "measurement" not in second
    assert content["lungs"]["both"]["volume_ml"] == 5000.0
    assert content["risk"]["probability"] == 0.125
    assert [model["name"] for model in content["models"]] == ["nodule_classifier", "scan_risk"]
    assert "no diagnosis" in content["frames"]["risk"]


def test_absent_answers_are_left_out(analyzed: DetectionReport):
    bare = dataclasses.replace(analyzed, risk=None, models=(), notes=("no scan risk: no weights",))
    content = json.loads(report_to_json(bare))
    assert "risk" not in content
    assert content["models"] == []
    assert content["notes"] == ["no scan risk: no weights"]
    assert report_from_json(report_to_json(bare)) == bare


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("findings", 0, "measurement", "volume_mm3"), 0),
        (("findings", 0, "measurement", "density"), "calcified"),
        (("findings", 0, "measurement", "more"), 1),
        (("findings", 0, "answer", "nodule"), 1.5),
        (("findings", 0, "answer", "kinds", "wood"), 0.1),
        (("findings", 0, "answer", "ratings", 0, "name"), "calcification"),
        (("findings", 0, "detector_score"), -0.1),
        (("findings", 0, "growth", "verdict"), "wanders"),
        (("lungs", "both", "emphysema_percent"), 101),
        (("risk", "probability"), 2),
        (("risk", "candidates"), -1),
        (("models", 0, "weights_sha256"), "no"),
        (("notes", 0), ""),
    ],
)
def test_the_schema_is_strict(analyzed: DetectionReport, path: tuple[Any, ...], value: Any):
    content = copy.deepcopy(json.loads(report_to_json(analyzed)))
    place = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(FindingsFileError, match="schema"):
        report_from_json(json.dumps(content))
