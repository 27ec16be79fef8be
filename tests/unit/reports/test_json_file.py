"""findings.json: its schema, its numbers, and the way back."""

import copy
import dataclasses
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lungdet.records import DetectionReport
from lungdet.reports import (
    FindingsFileError,
    load_schema,
    read_json,
    report_from_json,
    report_to_json,
    time_stamp,
    write_json,
)


@pytest.fixture
def content(report: DetectionReport, created: datetime) -> dict[str, Any]:
    return json.loads(report_to_json(report, created))


def test_the_schema_is_valid_and_takes_what_is_written(content: dict[str, Any]):
    jsonschema.Draft202012Validator.check_schema(load_schema())
    jsonschema.validate(content, load_schema(), cls=jsonschema.Draft202012Validator)


def test_numbers_by_hand(content: dict[str, Any]):
    first = content["findings"][0]
    assert first["rank"] == 1
    assert first["box_voxel"] == [50, 10, 4, 58, 18, 7]
    assert first["box_lps_mm"] == [9.5, -20.5, 108.75, 17.5, -12.5, 116.25]
    assert first["center_lps_mm"] == [13.5, -16.5, 112.5]
    assert first["size_lps_mm"] == [8.0, 8.0, 7.5]
    assert first["diameter_mm"] == pytest.approx(480 ** (1 / 3), abs=1e-4)
    assert (first["slice_index"], first["slice_uid"]) == (5, "1.2.3.5")
    assert content["image"]["spacing_mm"] == [1.0, 1.0, 2.5]
    assert "half-open" in content["frames"]["box_voxel"]
    assert content["created"] == "2030-01-02T03:04:05Z"


def test_there_and_back(report: DetectionReport, tmp_path: Path):
    write_json(tmp_path / "findings.json", report)
    assert read_json(tmp_path / "findings.json") == report
    assert report_from_json(report_to_json(report)) == report


def test_without_findings_and_without_uids(report: DetectionReport):
    bare = dataclasses.replace(report.series, series_uid="", study_uid="", slice_uids=(), thickness_mm=None)
    empty = dataclasses.replace(report, findings=(), series=bare)
    assert report_from_json(report_to_json(empty)) == empty
    named = dataclasses.replace(report, series=bare)
    assert json.loads(report_to_json(named))["findings"][0]["slice_uid"] == ""


def test_odd_names_survive(report: DetectionReport):
    odd = dataclasses.replace(report.series, source="/data/\udce4 ü", description="<script>\x00")
    assert report_from_json(report_to_json(dataclasses.replace(report, series=odd))).series == odd


def test_same_input_same_bytes_but_for_one_time_stamp(report: DetectionReport, created: datetime):
    assert report_to_json(report, created) == report_to_json(report, created)
    later = report_to_json(report, created.replace(year=2031)).decode().splitlines()
    differing = [a for a, b in zip(report_to_json(report, created).decode().splitlines(), later, strict=True) if a != b]
    assert differing == ['  "created": "2030-01-02T03:04:05Z",']


def test_now_is_the_default():
    assert abs(datetime.fromisoformat(time_stamp(None)).timestamp() - datetime.now().timestamp()) < 5


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("findings", 0, "score"), 1.5, r"findings\[0\].score"),
        (("findings", 0, "box_voxel"), [0, 0, 0, 1, 1], r"findings\[0\].box_voxel"),
        (("findings", 0, "box_voxel"), [5, 0, 0, 1, 1, 1], "min corner"),
        (("findings", 0, "score"), 0.1, "falling score"),
        (("model", "weights_sha256"), "xyz", "weights_sha256"),
        (("image", "shape"), [80, 60], "shape"),
        (("image", "affine_lps"), [[1, 0, 0, 0]] * 3, "affine_lps"),
        (("created",), "yesterday", "created"),
        (("patient_name",), "DOE^JANE", "patient_name"),
        (("format",), "lungdet-findings/2", "format"),
    ],
)
def test_faults_are_named(content: dict[str, Any], path: tuple[Any, ...], value: Any, message: str):
    broken = copy.deepcopy(content)
    place: Any = broken
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(FindingsFileError, match=message):
        report_from_json(json.dumps(broken))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"score": NaN}', "[" * 100_000])
def test_what_is_no_report_is_refused_with_the_file(tmp_path: Path, text: str):
    (tmp_path / "findings.json").write_text(text)
    with pytest.raises(FindingsFileError, match=r"findings\.json: "):
        read_json(tmp_path / "findings.json")
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "none.json")
