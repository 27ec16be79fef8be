"""Marks of an earlier run: found by series, not lost, and not mixed with what only a detector heeds."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lungdet.records import CTVolume, DetectionReport, Finding, ModelInfo, SeriesInfo
from lungdet.reports import FindingsFileError, write_json
from lungdet.workflows import analyze
from lungdet.workflows.known_findings import KnownFindings

VOLUME = CTVolume(np.zeros((20, 20, 20), np.int16), np.eye(4), SeriesInfo("a"))


def written(path: Path, *scores: float) -> DetectionReport:
    box = (4.0, 4.0, 4.0, 8.0, 8.0, 8.0)
    affine = tuple(map(tuple, np.eye(4).tolist()))
    findings = tuple(Finding(box, box, score) for score in scores)
    report = DetectionReport(VOLUME.info, (20, 20, 20), affine, findings, ModelInfo("d", "1", ""), "0")  # type: ignore[arg-type]
    write_json(path, report)
    return report


def test_a_file_that_is_broken_costs_its_own_study_only(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    report = written(tmp_path / "a" / "findings.json", 0.9)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "findings.json").write_text("{")
    known = KnownFindings(tmp_path)
    assert known.of(VOLUME).findings == report.findings
    assert "passed over" in caplog.text
    with pytest.raises(ValueError, match=r"no findings of this series, and .*b/findings\.json cannot be read"):
        known.of(replace(VOLUME, info=SeriesInfo("b")))
    with pytest.raises(FindingsFileError):
        KnownFindings(tmp_path / "b")


def test_warnings_of_the_scan_are_kept_and_those_of_a_comparison_are_not(tmp_path: Path):
    report = written(tmp_path / "findings.json", 0.9)
    warned = replace(report, warnings=("no lung", "compared, though the earlier scan is of another patient"))
    write_json(tmp_path / "findings.json", warned)
    assert KnownFindings(tmp_path).of(VOLUME).warnings == ("no lung",)


def test_marks_are_not_lost_in_their_own_place(tmp_path: Path):
    folder = tmp_path / "a"
    before = written(folder / "findings.json", 0.9, 0.5)
    known = KnownFindings(tmp_path)
    fewer = replace(before, findings=before.findings[:1])
    with pytest.raises(ValueError, match=r"1 of 2 marks in .* would be lost"):
        known.check_kept(fewer, before, folder)
    known.check_kept(fewer, before, tmp_path / "elsewhere")
    known.check_kept(before, before, folder)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"overrides": {"crop_to_lungs": False}}, "--whole-scan"),
        ({"overrides": {"patch": 3}}, "overrides of patch"),
        ({"bundle": "other"}, "--bundle"),
        ({"bundle": "nodule_detector", "lungs_margin_mm": 5.0}, "--bundle and --lungs-only"),
    ],
)
def test_what_only_a_detector_heeds_is_refused(given: dict[str, Any], named: str, tmp_path: Path):
    written(tmp_path / "a" / "findings.json", 0.9)
    with pytest.raises(ValueError, match=f"heed {named}: leave out {named}, or --findings$"):
        analyze(tmp_path, tmp_path / "out", findings=tmp_path, classifier=None, risk=None, **given)
