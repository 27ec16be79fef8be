"""Many studies in, a folder for each out; a bad one does not stop the rest."""

import csv
import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image

from lungdet.cli import main
from lungdet.readers import ct_series
from lungdet.readers.series_scan import SeriesScan
from lungdet.records import SeriesInfo
from lungdet.reports import read_json
from lungdet.reports.pictures import MARK_INDEX
from lungdet.workflows import BundleError, Detector, StudyResult, analyze, detect, find_studies, opened_bundle
from lungdet.workflows.explain import explain

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


def test_lower_marks_are_given_and_the_own_threshold_is_told(
    write_series: WriteSeries, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_series("ct")
    opened: list[Path] = []
    open_once = opened_bundle.open_bundle
    monkeypatch.setattr(opened_bundle, "open_bundle", lambda *given: opened.append(given[0]) or open_once(*given))
    (job,) = find_studies(tmp_path / "ct")
    for least, marks in ((None, 1), (0.02, 2), (0.6, 1)):  # of scores .8 and .3
        detector = Detector(tiny_bundle, overrides={"min_score": 0.5}, least_score=least)
        assert detector.min_score == 0.5
        assert len(detector(job)["pred_score"]) == marks
    assert len(opened) == 3


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


@pytest.mark.parametrize("run", [detect, analyze])
@pytest.mark.parametrize(
    ("in_bundle", "override", "option", "read"),
    [
        ("error", None, None, False),
        ("interpolate", None, None, True),
        ("error", "interpolate", None, True),
        ("interpolate", "error", None, False),
        ("error", "error", "interpolate", True),
        ("interpolate", "interpolate", "error", False),
    ],
)
def test_an_option_wins_over_an_override_and_that_over_the_bundle(
    write_series: WriteSeries, tiny_bundle: Path, tmp_path: Path, out: Path, run: Any,
    in_bundle: str, override: str | None, option: Any, read: bool,
):  # fmt: skip
    path = tiny_bundle / "configs" / "inference.yaml"
    path.write_text(path.read_text().replace("on_gap: error", f"on_gap: {in_bundle}"))
    write_series("gap")
    (tmp_path / "gap" / "0005.dcm").unlink()
    models = {"classifier": None, "risk": None} if run is analyze else {}
    overrides = {"on_gap": override} if override else {}
    summary = run(
        tmp_path / "gap", out, bundle=tiny_bundle, overrides=overrides, on_gap=option, guard=False, max_pictures=0,
        progress=False, **models,
    )  # fmt: skip
    assert len(summary.reports) == read
    assert all("on_gap" in study.error for study in summary.failed)


def test_one_slice_and_uneven_slices_can_be_read(
    write_series: WriteSeries, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    write_series("one")
    for path in sorted((tmp_path / "one").iterdir())[1:]:
        path.unlink()
    write_series("uneven")
    for index, shift_mm in ((3, 0.6), (6, -0.5)):
        path = sorted((tmp_path / "uneven").iterdir())[index]
        dataset = pydicom.dcmread(path)
        dataset.ImagePositionPatient[2] += shift_mm
        dataset.save_as(path)
    sources = [str(tmp_path / "one"), str(tmp_path / "uneven")]
    command = ["detect", *sources, "-o", str(tmp_path / "out"), "--bundle", str(tiny_bundle), "--no-guard"]
    assert main(command) == 1
    told = capsys.readouterr().err
    assert "(--on-single thickness)" in told
    assert "(--on-spacing resample)" in told
    assert main([*command, "--on-single", "thickness", "--on-spacing", "resample"]) == 0
    scans = [read_json(path) for path in sorted((tmp_path / "out").glob("*/findings.json"))]
    assert sorted(scan.shape[2] for scan in scans) == [1, 10]


def test_what_is_no_way_to_read_is_refused_before_the_first_study(tiny_bundle: Path, out: Path):
    with pytest.raises(ValueError, match="on_single must be one of"):
        detect("ct", out, bundle=tiny_bundle, on_single="guess")
    with pytest.raises(TypeError, match="on_singel"):
        detect("ct", out, bundle=tiny_bundle, on_singel="thickness")
    with pytest.raises(ValueError, match="on_gap must be one of"):
        Detector(tiny_bundle, reading={"on_gap": "guess"})
    assert not out.exists()


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


def test_the_summary_is_of_all_that_is_there(write_series: WriteSeries, tiny_bundle: Path, tmp_path: Path, out: Path):
    first, second = (write_series(name, seed=seed).series_uid for seed, name in enumerate("ab"))
    detect(tmp_path / "a", out, bundle=tiny_bundle, progress=False)
    summary = detect(tmp_path / "b", out, bundle=tiny_bundle, progress=False)
    assert [report.series.series_uid for report in summary.reports] == [second]
    rows = list(csv.DictReader((out / "summary.csv").read_text().splitlines()))
    assert [row["series_uid"] for row in rows] == [second, first]
    assert all((out / row["report"]).is_file() for row in rows)
    lines = (out / "findings.csv").read_text().splitlines()[1:]
    assert [line.split(",")[0] for line in lines] == [second, second, first, first]
    broken = out / rows[1]["report"]
    broken.with_name("findings.json").write_text("{")
    detect(tmp_path / "b", out, bundle=tiny_bundle, progress=False)
    assert len((out / "findings.csv").read_text().splitlines()) == 1 + 2


def test_a_study_that_is_named_twice_counts_once(
    write_series: WriteSeries, tiny_bundle: Path, tmp_path: Path, out: Path, caplog: pytest.LogCaptureFixture
):
    write_series("all/a")
    sources = [tmp_path / "all", tmp_path / "all", tmp_path / "all" / "a"]  # the last is the same by another road
    seen: list[StudyResult] = []
    summary = detect(sources, out, bundle=tiny_bundle, progress=False, on_result=seen.append)
    assert [study.source for study in summary.studies] == [str(tmp_path / "all")]
    assert seen == list(summary.studies)
    assert "the same series as in" in caplog.text
    assert len((out / "findings.csv").read_text().splitlines()) == 1 + 2
    detect(tmp_path / "all" / "a", out, bundle=tiny_bundle, progress=False)  # by another name in another run
    assert len((out / "findings.csv").read_text().splitlines()) == 1 + 2


def test_an_interrupted_run_sums_up(
    write_series: WriteSeries, tiny_bundle: Path, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
):
    for seed, name in enumerate("ab"):
        write_series(name, seed=seed)

    def interrupt(study: StudyResult) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        detect([tmp_path / "a", tmp_path / "b"], out, bundle=tiny_bundle, progress=False, on_result=interrupt)
    assert len(json.loads((out / "summary.json").read_text())["studies"]) == 1


def test_a_study_that_fails_keeps_its_old_results(
    write_series: WriteSeries, tiny_bundle: Path, tmp_path: Path, out: Path
):
    write_series("ct")
    (good,) = detect(tmp_path / "ct", out, bundle=tiny_bundle, progress=False).studies
    assert good.page is not None
    before = good.page.read_bytes()
    (tmp_path / "ct" / "0005.dcm").unlink()
    assert detect(tmp_path / "ct", out, bundle=tiny_bundle, progress=False).failed
    assert good.page.read_bytes() == before
    rows = json.loads((out / "summary.json").read_text())["studies"]
    assert [bool(row["error"]) for row in rows] == [True, False]


def test_what_a_callback_raises_stops_nothing(
    write_series: WriteSeries, tiny_bundle: Path, tmp_path: Path, out: Path, caplog: pytest.LogCaptureFixture
):
    for seed, name in enumerate("ab"):
        write_series(name, seed=seed)

    def fail(study: StudyResult) -> None:
        raise ZeroDivisionError("oh")

    sources = [tmp_path / "a", tmp_path / "b"]
    assert len(detect(sources, out, bundle=tiny_bundle, progress=False, on_result=fail).reports) == 2
    assert "on_result failed: ZeroDivisionError: oh" in caplog.text


def test_an_output_that_cannot_be_is_known_before_the_work(tiny_bundle: Path, tmp_path: Path):
    (tmp_path / "afile").write_text("")
    (tiny_bundle / "models" / "model.pt").unlink()  # comes later
    with pytest.raises(OSError, match="afile: results cannot be written there"):
        detect([], tmp_path / "afile", bundle=tiny_bundle)


def test_a_summary_that_cannot_be_written_loses_no_result(
    write_series: WriteSeries, tiny_bundle: Path, tmp_path: Path, out: Path
):
    write_series("ct")
    (out / "summary.csv").mkdir(parents=True)
    summary = detect(tmp_path / "ct", out, bundle=tiny_bundle, progress=False)
    assert len(summary.reports) == 1
    assert "the summary could not be written" in summary.problem


@pytest.mark.parametrize("name", ["foo", "cuda:99", "meta", ""])
def test_a_device_that_is_not_there(tiny_bundle: Path, name: str):
    with pytest.raises(ValueError, match=rf"device '{name}' cannot be used here; there are: cpu"):
        Detector(tiny_bundle, name)


def test_a_bundle_that_reads_no_ct(tiny_bundle: Path):
    path = tiny_bundle / "configs" / "inference.yaml"
    path.write_text(path.read_text().partition("preprocessing")[0] + 'preprocessing: "$lambda item: item"\n')
    with pytest.raises(BundleError, match=r"holds no lungdet\.transforms\.LoadCTd"):
        Detector(tiny_bundle)


def test_a_negative_number_of_pictures(tiny_bundle: Path, out: Path):
    with pytest.raises(ValueError, match="max_pictures must not be negative"):
        detect([], out, bundle=tiny_bundle, max_pictures=-1)


def test_the_studies_of_a_folder_are_looked_for_once(
    write_series: WriteSeries, tiny_bundle: Path, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
):
    for number in range(4):
        write_series(f"all/{number}", seed=number, study_uid=f"1.{number}")
    headers: list[Path] = []
    original = ct_series.scan_files

    def count(files: list[Path], *others: object) -> SeriesScan:
        headers.extend(files)
        return original(files, *others)

    monkeypatch.setattr(ct_series, "scan_files", count)
    summary = detect(tmp_path / "all", out, bundle=tiny_bundle, progress=False)
    assert len(summary.reports) == 4
    assert len(headers) == len(set(headers)) == 40  # by the reader; it was 160
    assert {report.series.source for report in summary.reports} == {str(tmp_path / "all")}
