"""Growth since an earlier scan: pairs by place in the lungs, doubling times, and what cannot be compared."""

import dataclasses
from pathlib import Path

import pytest

from lungdet.cli import main
from lungdet.records import (
    DetectionReport,
    Finding,
    LungsFound,
    LungSideFacts,
    ModelInfo,
    NoduleMeasurement,
    SeriesInfo,
)  # fmt: skip
from lungdet.reports import write_json
from lungdet.workflows import analyze
from lungdet.workflows.prior_scan import PriorScan

AFFINE = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))
SIDE = LungSideFacts(1000.0, -800.0, 1.0)
ENDS = ((1.0, 1.0), (3.0, 1.0), (2.0, 0.0), (2.0, 2.0))


def measured(x: float, volume_mm3: float, score: float = 0.5) -> Finding:
    box = (x - 2, 0.0, 0.0, x + 2, 4.0, 4.0)
    found = NoduleMeasurement((x, 2.0, 2.0), volume_mm3, 4.0, 3.0, 1, ENDS, -20.0, 1.0, "solid")
    return Finding(box, (0, 0, 0, 1, 1, 1), score, measurement=found)


def scan(*findings: Finding, middle: tuple[float, float, float] | None = (0.0, 0.0, 0.0)) -> DetectionReport:
    lungs = LungsFound(SIDE, SIDE, SIDE, middle, reason="" if middle else "there is no air in the body")
    return DetectionReport(SeriesInfo("ct"), (9, 9, 9), AFFINE, findings, ModelInfo("m", "1", ""), "0.1.0", lungs=lungs)


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    write_json(tmp_path / "findings.json", scan(measured(0.0, 100.0), measured(60.0, 50.0)))
    return tmp_path / "findings.json"


def test_volumes_are_compared_where_the_lungs_say(earlier: Path):
    now = scan(measured(30.0, 200.0), measured(200.0, 70.0), middle=(28.0, 0.0, 0.0))  # the patient lies 28 mm further
    report = PriorScan(earlier, 90.0)(now)
    growth = report.findings[0].growth
    assert growth is not None
    assert (growth.before_mm3, growth.after_mm3, growth.verdict) == (100.0, 200.0, "grows")
    assert growth.doubling_days == 90.0
    assert growth.distance_mm == 2.0
    assert report.findings[1].growth is None
    assert report.findings[1].notes == ("no counterpart in the earlier scan",)
    assert report.notes == ("compared with a scan 90 days before: 1 of 2 nodules found again",)


def test_the_same_volume_has_no_doubling_time(earlier: Path):
    growth = PriorScan(earlier, 30.0)(scan(measured(1.0, 100.0))).findings[0].growth
    assert growth is not None
    assert (growth.verdict, growth.doubling_days, growth.longest_days) == ("within error", None, None)


def test_what_cannot_be_compared_is_said(earlier: Path, tmp_path: Path):
    blind = PriorScan(earlier, 30.0)(scan(measured(1.0, 100.0), middle=None))
    assert blind.findings[0].growth is None
    assert "no lungs" in blind.notes[0]
    finding = measured(0.0, 100.0)
    assert finding.measurement is not None
    newer = dataclasses.replace(finding.measurement, version=99)
    report = PriorScan(earlier, 30.0)(scan(dataclasses.replace(finding, measurement=newer)))
    assert "analyze it again" in report.findings[0].notes[0]
    unmeasured = dataclasses.replace(finding, measurement=None)
    assert PriorScan(earlier, 30.0)(scan(unmeasured)).findings == (unmeasured,)
    write_json(tmp_path / "detected.json", dataclasses.replace(scan(measured(0.0, 1.0)), lungs=None))
    with pytest.raises(ValueError, match="lungdet analyze"):
        PriorScan(tmp_path / "detected.json", 30.0)
    for days in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="positive"):
            PriorScan(earlier, days)


def test_half_an_answer_is_refused(earlier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(ValueError, match="days that have passed"):
        analyze(tmp_path, tmp_path / "out", prior=earlier)
    with pytest.raises(ValueError, match="one at a time"):
        PriorScan(earlier, 30.0).check_count(2)
    assert main(["analyze", "ct", "-o", str(tmp_path / "out"), "--prior-days", "30"]) == 1
    assert "name its findings.json" in capsys.readouterr().err
