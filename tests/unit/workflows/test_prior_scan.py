"""Growth since an earlier scan: pairs by place in the lungs, doubling times, and what cannot be compared."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from lungdet.cli import main
from lungdet.lesions.measure_nodule import BORDER_NOTE
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


def measured(x: float, volume_mm3: float, score: float = 0.5, z: float = 2.0, notes: tuple[str, ...] = ()) -> Finding:
    box = (x - 2, 0.0, 0.0, x + 2, 4.0, 4.0)
    found = NoduleMeasurement((x, 2.0, z), volume_mm3, 4.0, 3.0, 1, ENDS, -20.0, 1.0, "solid", notes=notes)
    return Finding(box, (0, 0, 0, 1, 1, 1), score, measurement=found)


def scan(
    *findings: Finding,
    middle: tuple[float, float, float] | None = (0.0, 0.0, 0.0),
    uid: str = "later",
    study: str = "",
    **lungs: Any,
) -> DetectionReport:
    top = None if middle is None else (middle[0], middle[1], middle[2] + 120.0)
    about = {name: lungs.pop(name) for name in ("patient", "day", "frame_uid") if name in lungs}
    facts = {"top_lps_mm": top, "reason": "" if middle else "there is no air in the body", **lungs}
    both = facts.pop("both", SIDE)
    found = LungsFound(both, facts.pop("right", SIDE), SIDE, middle, **facts)
    series = SeriesInfo("ct", uid, study, **{"patient": "31", **about})
    return DetectionReport(series, (9, 9, 9), AFFINE, findings, ModelInfo("m", "1", ""), "0.1.0", lungs=found)


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    write_json(tmp_path / "findings.json", scan(measured(0.0, 100.0), measured(60.0, 50.0), uid="earlier"))
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
    with pytest.raises(ValueError, match=r"findings\.json: .* how many days have passed since that .*--prior-days"):
        analyze(tmp_path, tmp_path / "out", prior=earlier)
    for days in (None, 90.0):
        with pytest.raises(ValueError, match=r"nowhere: there is no such file or folder; wanted the findings\.json"):
            analyze(tmp_path, tmp_path / "out", prior=tmp_path / "nowhere", prior_days=days)
    with pytest.raises(ValueError, match="one at a time"):
        PriorScan(earlier, 30.0).check_count(2)
    assert main(["analyze", "ct", "-o", str(tmp_path / "out"), "--prior-days", "30"]) == 1
    told = capsys.readouterr().err
    assert "name its findings.json" in told
    assert "--prior-days" not in told  # it is there


NODULES = (measured(0.0, 100.0, z=0.0), measured(10.0, 300.0, z=30.0), measured(5.0, 900.0, z=60.0))


def test_a_scan_that_ends_lower_or_higher_pairs_the_same_nodules(tmp_path: Path):
    write_json(tmp_path / "findings.json", scan(*NODULES, uid="earlier"))
    cropped = LungSideFacts(700.0, -800.0, 1.0)  # its middle lies 30 mm higher, as far as one nodule from the next
    now = scan(*NODULES, middle=(0.0, 0.0, 30.0), top_lps_mm=(4.0, 3.0, 121.0), both=cropped, cut_at=("bottom",))
    report = PriorScan(tmp_path / "findings.json", 90.0)(now)
    assert [finding.growth and finding.growth.verdict for finding in report.findings] == ["within error"] * 3
    assert "3 of 3" in report.notes[0]
    assert "1000 ml in the earlier scan and 700 now" in report.notes[1]
    cut = PriorScan(tmp_path / "findings.json", 90.0)(dataclasses.replace(now, lungs=_cut(now, "top")))
    assert not any(finding.growth for finding in cut.findings)
    assert "top of the lungs is cut off in the later scan" in cut.notes[0]


def test_other_parts_of_the_lungs_are_not_compared(earlier: Path):
    one = LungSideFacts(0.0)
    report = PriorScan(earlier, 90.0)(scan(measured(0.0, 100.0), both=SIDE, right=one))
    assert report.findings[0].growth is None
    assert "one lung is missing" in report.notes[0]


def test_scans_of_one_study_share_their_coordinates(tmp_path: Path):
    write_json(tmp_path / "findings.json", scan(*NODULES, uid="earlier", study="9"))
    later = scan(*NODULES, middle=(0.0, 0.0, 30.0), study="9")
    with pytest.raises(ValueError, match=r"this very study, in which no days pass .*--prior-anyway"):
        PriorScan(tmp_path / "findings.json", 1.0)(later)
    report = PriorScan(tmp_path / "findings.json", 1.0, anyway=True)(later)
    assert [finding.growth and finding.growth.distance_mm for finding in report.findings] == [0.0] * 3
    assert "one study" in report.notes[1]
    assert report.warnings == ("compared, though the earlier scan is of this very study, in which no days pass",)


@pytest.mark.parametrize(("frame", "distance_mm"), [("7", [0.0] * 3), ("8", None)])
def test_scans_of_one_frame_share_their_coordinates(tmp_path: Path, frame: str, distance_mm: list[float] | None):
    """The lungs of the later scan lie 30 mm higher, and its nodules do not: only a shared frame makes pairs of them."""
    write_json(tmp_path / "findings.json", scan(*NODULES[:1], uid="earlier", study="9", frame_uid="7"))
    later = scan(*NODULES[:1], middle=(0.0, 0.0, 30.0), study="9", frame_uid=frame)
    report = PriorScan(tmp_path / "findings.json", 1.0, anyway=True)(later)
    assert [finding.growth and finding.growth.distance_mm for finding in report.findings] == (distance_mm or [None])[:1]
    assert any("one frame of reference" in note for note in report.notes) is (frame == "7")


def test_a_scan_of_another_patient_is_refused(earlier: Path, caplog: pytest.LogCaptureFixture):
    other = scan(measured(0.0, 100.0), patient="32")
    with pytest.raises(ValueError, match=r"ct: the earlier scan is of another patient.*findings\.json.*--prior-anyway"):
        PriorScan(earlier, 90.0)(other)
    report = PriorScan(earlier, 90.0, anyway=True)(other)
    assert report.findings[0].growth is not None
    assert report.warnings[0].startswith("compared, though the earlier scan is of another patient, by their PatientIDs")
    assert not any("patient" in note for note in report.notes)
    kept = dataclasses.replace(other, warnings=("no lung",))
    assert PriorScan(earlier, 90.0, anyway=True)(kept).warnings == ("no lung", *report.warnings)
    nothing = PriorScan(earlier, 90.0, anyway=True)(dataclasses.replace(other, lungs=None))
    assert nothing.warnings == ()  # for nothing was compared
    assert "another patient" in caplog.text


@pytest.mark.parametrize(("patient", "which"), [("", "earlier and the later"), ("31", "earlier")])
def test_without_a_patient_that_is_said(tmp_path: Path, patient: str, which: str):
    write_json(tmp_path / "findings.json", scan(*NODULES, uid="earlier", patient=""))
    report = PriorScan(tmp_path / "findings.json", 90.0)(scan(*NODULES, patient=patient))
    assert f"at the analysis of the {which} scan; LUNGDET_PATIENT_KEY, set" in report.notes[-1]
    assert report.findings[0].growth is not None


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("?", "31", "one patient: the PatientID of the earlier scan is missing or a placeholder"),
        ("?", "?", "one patient: the PatientID of the earlier and the later scan is missing or a placeholder"),
        ("?12", "?12", "one patient: their PatientID is the same, but has no number and may stand for many"),
    ],
)
def test_a_patient_id_that_names_nobody_is_said_to(tmp_path: Path, before: str, after: str, said: str):
    write_json(tmp_path / "findings.json", scan(*NODULES, uid="earlier", patient=before))
    report = PriorScan(tmp_path, 90.0)(scan(*NODULES, patient=after))
    assert report.notes[-1] == f"not known whether both scans are of {said}"
    assert report.findings[0].growth is not None


@pytest.mark.parametrize(("before", "after"), [("?12", "?13"), ("?12", "31")])
def test_names_without_a_number_are_told_apart(tmp_path: Path, before: str, after: str):
    write_json(tmp_path / "findings.json", scan(*NODULES, uid="earlier", patient=before))
    with pytest.raises(ValueError, match="of another patient"):
        PriorScan(tmp_path, 90.0)(scan(*NODULES, patient=after))


def test_dates_are_compared_with_the_days(tmp_path: Path):
    write_json(tmp_path / "findings.json", scan(*NODULES, uid="earlier", day=100))
    prior = PriorScan(tmp_path / "findings.json", 90.0)
    assert len(prior(scan(*NODULES, day=191)).notes) == 1  # 91 days are as good as 90
    assert "92 days lie between the scans, and growth is told for 90" in prior(scan(*NODULES, day=192)).notes[-1]
    with pytest.raises(ValueError, match="the earlier scan was made 3 days after this one"):
        prior(scan(*NODULES, day=97))


def test_a_file_of_an_older_version_is_read(earlier: Path):
    content = json.loads(earlier.read_text())
    for name in ("frame_uid", "patient", "day"):
        del content["series"][name]
    earlier.write_text(json.dumps(content))
    assert (
        "or an older version ran, at the analysis of the earlier scan"
        in PriorScan(earlier, 90.0)(scan(measured(0.0, 100.0))).notes[-1]
    )


def test_the_same_series_is_no_earlier_scan(earlier: Path):
    with pytest.raises(ValueError, match="very series"):
        PriorScan(earlier, 90.0)(scan(measured(0.0, 100.0), uid="earlier"))


def test_a_file_without_the_lungs_top_is_compared_with_a_note(tmp_path: Path):
    write_json(tmp_path / "findings.json", scan(*NODULES, uid="earlier", top_lps_mm=None))
    old = PriorScan(tmp_path / "findings.json", 90.0)
    assert "whether its lungs are whole" in old(scan(*NODULES)).notes[1]
    assert "analyze the earlier scan again" in old(scan(*NODULES, both=LungSideFacts(700.0))).notes[0]


@pytest.mark.parametrize(
    ("before", "after", "days", "said"),
    [
        ((100.0, (BORDER_NOTE,)), (300.0, ()), 90.0, "earlier scan shows a part"),
        ((100.0, ()), (300.0, (BORDER_NOTE,)), 90.0, "later scan shows a part"),
        ((100.0, ()), (900.0, ()), 90.0, "too unlike"),
        ((900.0, ()), (100.0, ()), 90.0, "too unlike"),
    ],
)
def test_no_verdict(tmp_path: Path, before: Any, after: Any, days: float, said: str):
    write_json(tmp_path / "findings.json", scan(measured(0.0, before[0], notes=before[1]), uid="earlier"))
    (finding,) = PriorScan(tmp_path, days)(scan(measured(0.0, after[0], notes=after[1]))).findings
    assert finding.growth is None
    assert said in finding.notes[0]
    assert "mm³ then" in finding.notes[0]


def test_a_long_time_allows_a_large_change(earlier: Path):
    growth = PriorScan(earlier, 400.0)(scan(measured(0.0, 900.0))).findings[0].growth
    assert growth is not None
    assert growth.verdict == "grows"


def test_thick_slices_need_a_larger_change(earlier: Path):
    now = scan(measured(0.0, 150.0))
    thick = dataclasses.replace(now, series=dataclasses.replace(now.series, thickness_mm=5.0))
    verdicts = [PriorScan(earlier, 90.0)(each).findings[0].growth for each in (now, thick)]
    assert [growth and growth.verdict for growth in verdicts] == ["grows", "within error"]


def test_a_folder_stands_for_its_only_file(tmp_path: Path):
    with pytest.raises(ValueError, match=r"no findings\.json there"):
        PriorScan(tmp_path, 90.0)
    (tmp_path / "a").mkdir()
    write_json(tmp_path / "a" / "findings.json", scan(*NODULES))
    assert PriorScan(tmp_path, 90.0).path == PriorScan(tmp_path / "a", 90.0).path == tmp_path / "a" / "findings.json"
    (tmp_path / "b").mkdir()
    write_json(tmp_path / "b" / "findings.json", scan(*NODULES))
    with pytest.raises(ValueError, match=r"2 studies \(a, b\)"):
        PriorScan(tmp_path, 90.0)


def _cut(report: DetectionReport, *borders: Any) -> LungsFound:
    assert report.lungs is not None
    return dataclasses.replace(report.lungs, cut_at=borders)
