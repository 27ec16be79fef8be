"""Many studies in, a folder for each out; a bad one does not stop the rest."""

import csv
import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lungdet.records import SeriesInfo
from lungdet.reports import read_json
from lungdet.reports.pictures import MARK_INDEX
from lungdet.workflows import BundleError, Detector, StudyResult, detect
from lungdet.workflows.detector import explain

WriteSeries = Callable[..., SeriesInfo]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_one_study_by_hand(write_series: WriteSeries, tiny_bundle: Path, tmp_path: Path, out: Path):
    info = write_series("ct")
    summary = detect(tmp_path / "ct", out, bundle=tiny_bundle, progress=False)
    (study,) = summary.studies
    assert study.page is not None
    assert study.page.is_file()
    report = read_json(study.page.parent / "findings.json")
    assert report == study.report
    assert report.series.series_uid == info.series_uid
    assert [finding.score for finding in report.findings] == [0.8, 0.3]
    assert report.findings[1].box_voxel == (6, 5, 2, 14, 11, 5)
    assert report.findings[1].box_lps_mm == (5.5, 4.5, 3.0, 13.5, 10.5, 9.0)
    assert (report.model.name, report.model.version) == ("tiny", "9.9")
    weights = (tiny_bundle / "models" / "model.pt").read_bytes()
    assert report.model.weights_sha256 == hashlib.sha256(weights).hexdigest()


def test_the_box_is_drawn_where_the_json_says(write_series: WriteSeries, tiny_bundle: Path, tmp_path: Path, out: Path):
    write_series("ct")
    (study,) = detect(tmp_path / "ct", out, bundle=tiny_bundle, progress=False).studies
    assert study.page is not None
    entry = json.loads((study.page.parent / "findings.json").read_text())["findings"][0]
    picture = np.asarray(Image.open(study.page.parent / "pictures" / "finding_01_axial.png"))
    rows, columns = np.nonzero(picture == MARK_INDEX)
    drawn = columns.min() + 2, rows.min() + 2, columns.max() - 1, rows.max() - 1  # a line of two pixels around it
    i0, j0, _, i1, j1, _ = entry["box_voxel"]
    assert np.array(drawn) / (480 / 32) == pytest.approx((i0, j0, i1, j1))  # 32 mm are 480 px


def test_a_bad_study_among_good_ones(write_series: WriteSeries, tiny_bundle: Path, tmp_path: Path, out: Path):
    write_series("a", seed=1)
    write_series("gap", seed=2)
    (tmp_path / "gap" / "0005.dcm").unlink()
    write_series("b", seed=3)
    seen: list[StudyResult] = []
    sources = [tmp_path / name for name in ("a", "gap", "missing", "b")]
    summary = detect(sources, out, bundle=tiny_bundle, progress=False, on_result=seen.append)
    assert list(summary.studies) == seen
    assert [bool(study.error) for study in summary.studies] == [False, True, True, False]
    assert [Path(study.source).name for study in summary.failed] == ["gap", "missing"]
    assert "interpolate" in summary.failed[0].error
    assert "applying transform" not in summary.failed[0].error
    assert "no such file or folder" in summary.failed[1].error
    content = json.loads((out / "summary.json").read_text())
    assert content["failed"] == 2
    assert content["models"][0]["name"] == "tiny"
    with (out / "summary.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["findings"] for row in rows] == ["2", "", "", "2"]
    assert (out / rows[0]["report"]).is_file()
    assert len((out / "findings.csv").read_text().splitlines()) == 1 + 4
    assert sum(path.is_dir() for path in out.iterdir()) == 2


def test_options_reach_the_reader(write_series: WriteSeries, tiny_bundle: Path, tmp_path: Path, out: Path):
    write_series("gap")
    (tmp_path / "gap" / "0005.dcm").unlink()
    (study,) = detect(tmp_path / "gap", out, bundle=tiny_bundle, on_gap="interpolate", progress=False).studies
    assert study.report is not None
    assert study.report.series.slice_uids[4] == ""
    assert study.report.series.steps


def test_many_studies_in_one_folder(write_series: WriteSeries, tiny_bundle: Path, tmp_path: Path, out: Path):
    first = write_series("all/a", seed=1, study_uid="1.1", step_mm=1.0)
    write_series("all/thick", seed=2, study_uid="1.1", step_mm=5.0)
    second = write_series("all/b", seed=3, study_uid="1.2")
    summary = detect(tmp_path / "all", out, bundle=tiny_bundle, progress=False)
    assert [report.series.series_uid for report in summary.reports] == [first.series_uid, second.series_uid]
    chosen = detect(tmp_path / "all", out, bundle=tiny_bundle, series=second.series_uid[:-1], progress=False)
    assert [report.series.series_uid for report in chosen.reports] == [second.series_uid]
    refused = detect(tmp_path / "all", out, bundle=tiny_bundle, choose=None, progress=False)
    assert "3 series could be read" in refused.failed[0].error


def test_same_input_same_bytes(write_series: WriteSeries, tiny_bundle: Path, tmp_path: Path):
    write_series("ct")
    for name in ("one", "two"):
        detect(tmp_path / "ct", tmp_path / name, bundle=tiny_bundle, progress=False)
    for path in sorted((tmp_path / "one").rglob("*.*")):
        lines = [
            file.read_bytes().splitlines() for file in (path, tmp_path / "two" / path.relative_to(tmp_path / "one"))
        ]
        different = [line for line, other in zip(*lines, strict=True) if line != other]
        assert all(b'"created"' in line or b"<time " in line for line in different), path


def test_settings_of_the_bundle(write_series: WriteSeries, tiny_bundle: Path, tmp_path: Path, out: Path):
    write_series("ct")
    overrides = {"min_score": 0.9}
    (study,) = detect(str(tmp_path / "ct"), out, bundle=tiny_bundle, device="cpu", overrides=overrides).studies
    assert study.report is not None
    assert study.report.findings == ()
    assert "No findings" in (study.page or out).read_text()
    with pytest.raises(BundleError, match="no such setting"):
        detect([], out, bundle=tiny_bundle, overrides={"nonsense": 1})


def test_nothing_to_do(tiny_bundle: Path, out: Path):
    assert detect([], out, bundle=tiny_bundle, progress=False).studies == ()
    assert json.loads((out / "summary.json").read_text())["studies"] == []


def test_an_unforeseen_fault_is_named_and_logged(
    write_series: WriteSeries,
    tiny_bundle: Path,
    tmp_path: Path,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    write_series("ct")

    def fail(self: Detector, job: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(Detector, "__call__", fail)
    with caplog.at_level(logging.DEBUG, logger="lungdet"):
        (study,) = detect(tmp_path / "ct", out, bundle=tiny_bundle, progress=False).studies
    assert study.error == "ZeroDivisionError: division by zero"
    assert caplog.records[-1].exc_info


def test_an_interruption_is_no_fault_of_a_study(
    write_series: WriteSeries, tiny_bundle: Path, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
):
    write_series("ct")

    def interrupt(self: Detector, job: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Detector, "__call__", interrupt)
    with pytest.raises(KeyboardInterrupt):
        detect(tmp_path / "ct", out, bundle=tiny_bundle, progress=False)


def test_explanations_name_what_a_reader_needs():
    assert explain(ValueError("ct: 2 gaps")) == "ct: 2 gaps"
    assert explain(MemoryError()) == "MemoryError: "
    assert explain(ValueError()) == "ValueError: "
    assert explain(RuntimeError("x")) == "RuntimeError: x"
