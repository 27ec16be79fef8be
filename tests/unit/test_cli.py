"""The command line: what it prints, and how it ends."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest

import lungdet
from lungdet import cli, readers, workflows
from lungdet.cli.study_options import LUNGS_MARGIN_MM, READING, study_settings
from lungdet.geometry.near_lungs import MARGIN_MM
from lungdet.phantoms import write_dicom_series
from lungdet.readers.read_options import ReadOptions
from lungdet.records import CTVolume, DetectionReport, Finding, ModelInfo, SeriesInfo
from lungdet.workflows import DetectSummary, StudyResult, StudySettings

AFFINE = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    array = np.full((16, 12, 5), -1000, dtype=np.int16)
    volume = CTVolume(array, np.diag([1.0, 1.0, 2.0, 1.0]), SeriesInfo("made", description="Thorax"))
    write_dicom_series(volume, tmp_path / "ct")
    return tmp_path / "ct"


def result(findings: int = 2) -> StudyResult:
    found = tuple(
        Finding((1.0, 2.0, 3.0, 9.0, 10.0, 11.0), (1.0, 2.0, 3.0, 9.0, 10.0, 11.0), 0.9 - 0.1 * rank)
        for rank in range(findings)
    )
    series = SeriesInfo("scan", "1.2.3", description="Thorax", steps=("1 duplicate slice dropped",))
    report = DetectionReport(series, (20, 20, 20), AFFINE, found, ModelInfo("m", "1", ""), "0.1.0")
    return StudyResult("scan", report, Path("out/scan-1/report.html"))


@pytest.fixture
def fake_detect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict]]:
    """Replace the workflow by one that has these results; gives what it was called with."""

    def install(*results: StudyResult) -> list[dict]:
        calls: list[dict] = []

        def detect(sources: list[str], output: str, **options: object) -> DetectSummary:
            calls.append({"sources": sources, "output": output, **options})
            for study in results:
                options["on_result"](study)
            return DetectSummary(results)

        monkeypatch.setattr(workflows, "detect", detect, raising=False)
        return calls

    return install


def test_detect_prints_a_table(fake_detect: Callable[..., list[dict]], capsys: pytest.CaptureFixture[str]):
    calls = fake_detect(result())
    assert cli.main(["detect", "scan", "-o", "out"]) == 0
    (call,) = calls
    assert (call["sources"], call["output"], call["bundle"]) == (["scan"], "out", None)
    assert (call["choose"], call["overrides"], call["series"]) == ("thinnest", {}, None)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "scan: series 1.2.3 'Thorax', 20 slices"
    assert lines[1] == "  1 duplicate slice dropped"
    assert lines[3].split() == ["1", "0.900", "5.0", "6.0", "7.0", "8.0", "8"]
    assert lines[-1] == "  2 findings, report: out/scan-1/report.html"


def test_detect_without_findings(fake_detect: Callable[..., list[dict]], capsys: pytest.CaptureFixture[str]):
    fake_detect(result(0))
    assert cli.main(["detect", "scan", "-o", "out"]) == 0
    printed = capsys.readouterr().out
    assert "  no findings, report:" in printed
    assert "rank" not in printed


def test_options_are_handed_on(fake_detect: Callable[..., list[dict]]):
    calls = fake_detect(result(1))
    options = "--series 1.2 --choose none --on-gap interpolate --on-tilt resample --device cpu --min-score 0.25"
    options += " --on-spacing resample --on-single thickness"
    assert cli.main(["detect", "a", "b", "-o", "out", "--bundle", "x", "--pictures", "3", *options.split()]) == 0
    (call,) = calls
    expected = {
        "sources": ["a", "b"], "bundle": "x", "series": "1.2", "choose": None, "on_gap": "interpolate",
        "on_tilt": "resample", "on_spacing": "resample", "on_single": "thickness",
        "device": "cpu", "overrides": {"min_score": 0.25}, "max_pictures": 3,
    }  # fmt: skip
    assert {key: call[key] for key in expected} == expected


def test_failed_studies_are_listed_at_the_end(
    fake_detect: Callable[..., list[dict]], capsys: pytest.CaptureFixture[str]
):
    fake_detect(StudyResult("bad", error="2 gaps"), result(), StudyResult("worse", error="worse: no CT"))
    assert cli.main(["detect", "bad", "scan", "worse", "-o", "out"]) == 1
    printed = capsys.readouterr()
    assert printed.err.splitlines() == ["lungdet: error: bad: 2 gaps", "lungdet: error: worse: no CT"]
    assert printed.out.splitlines()[-1] == "1 of 3 studies, summary: out/summary.csv"


def test_a_summary_that_could_not_be_written(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    summary = DetectSummary((result(), StudyResult("bad", error="2 gaps")), "out: no space left")
    monkeypatch.setattr(workflows, "detect", lambda *sources, **options: summary, raising=False)
    assert cli.main(["detect", "scan", "bad", "-o", "out"]) == 1
    printed = capsys.readouterr()
    assert printed.err.splitlines() == ["lungdet: error: bad: 2 gaps", "lungdet: error: out: no space left"]
    assert "summary" not in printed.out


def test_a_name_cannot_steer_the_terminal(folder: Path, capsys: pytest.CaptureFixture[str]):
    evil = folder.rename(folder.with_name("ct\x1b[2J\udce4"))
    assert cli.main(["series", str(evil), "nope\x1b[2J"]) == 1
    printed = capsys.readouterr()
    assert (printed.out + printed.err).replace("\n", "").isprintable()


def test_series_goes_on_after_a_bad_source(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["series", "nope", str(folder)]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{folder}: 1 series\n")
    assert printed.err == "lungdet: error: nope: no such file or folder; check the path\n"


def test_series_lists_candidates(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["series", str(folder)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"{folder}: 1 series"
    assert "Thorax, 5 axial slices every 2 mm" in second


def test_series_of_a_folder_without_ct(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "note.txt").write_text("x")
    assert cli.main(["series", str(tmp_path)]) == 1
    assert "0 series" in capsys.readouterr().out


def test_a_phantom_is_written_and_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    size = ["--seed", "4", "--spacing", "4", "4", "5", "--size", "80", "72", "56"]
    assert cli.main(["phantom", str(tmp_path / "p"), *size]) == 0
    assert "56 slices" in capsys.readouterr().out
    assert len(list((tmp_path / "p" / "dicom").iterdir())) == 56
    assert (tmp_path / "p" / "truth.csv").read_text().startswith("seriesuid,coordX")
    assert cli.main(["series", str(tmp_path / "p")]) == 0
    assert "56 axial slices every 5 mm" in capsys.readouterr().out


def test_a_bundle_is_named_and_copied(repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["bundle", "nodule_detector"]) == 0
    assert capsys.readouterr().out.strip() == str(repository / "bundles" / "nodule_detector")
    assert cli.main(["bundle", "nodule_detector", "--copy-to", str(tmp_path / "mine")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "mine")
    assert (tmp_path / "mine" / "configs" / "inference.yaml").is_file()
    assert cli.main(["bundle", "nodule_detector", "--copy-to", str(tmp_path / "mine")]) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["series", "no/such/folder"], "no/such/folder: no such file or folder"),
        (["bundle", "nonsense"], "nonsense: no such bundle"),
        (["detect", "x", "-o", "out", "--bundle", "nonsense"], "nonsense: no such bundle"),
        (["candidates", "nowhere", "-o", "out"], "nowhere: No such file or directory; check the path"),
        (["phantom", "/dev/null"], "/dev/null: is no folder"),
        (["detect", "x", "-o", "/dev/null"], "/dev/null: results cannot be written there: it is no folder"),
    ],
)
def test_errors_take_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]):
    assert cli.main(arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"lungdet: error: {message}")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["detect", "x"],
        ["detect", "-o", "out"],
        ["detect", "x", "-o", "y", "--min-score", "2"],
        ["detect", "x", "-o", "y", "--pictures", "-1"],
        ["analyze", "x", "-o", "y", "--prior-days", "0"],
        ["phantom", "x", "--spacing", "nan", "1", "1"],
    ],
)
def test_wrong_usage_leaves_with_two(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert "usage: lungdet" in capsys.readouterr().err


def test_a_number_that_is_none_is_named(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        cli.main(["detect", "x", "-o", "y", "--min-score", "high"])
    assert "--min-score: wanted a number from 0 to 1, got 'high'" in capsys.readouterr().err


def test_the_unforeseen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def raising(error: BaseException) -> Callable[[str], None]:
        def list_series(source: str) -> None:
            raise error

        return list_series

    monkeypatch.setattr(readers, "list_series", raising(ZeroDivisionError("oh")))
    assert cli.main(["series", "x"]) == 1
    assert capsys.readouterr().err == "lungdet: error: ZeroDivisionError: oh\n"
    with pytest.raises(ZeroDivisionError):
        cli.main(["series", "x", "--debug"])
    monkeypatch.setattr(readers, "list_series", raising(KeyboardInterrupt()))
    assert cli.main(["series", "x"]) == 130
    assert capsys.readouterr().err == "lungdet: interrupted\n"


def test_version_and_module():
    run = subprocess.run(
        [sys.executable, "-m", "lungdet", "--version"], capture_output=True, text=True, check=True, timeout=600
    )
    assert run.stdout == f"lungdet {lungdet.__version__}\n"


def test_a_closed_pipe_is_quiet(folder: Path):
    command = f"{sys.executable} -m lungdet series {folder} {folder} | true"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, timeout=600)
    assert run.stderr == ""


def test_help_loads_nothing_heavy():
    code = "import sys; from lungdet.cli import build_parser; build_parser().format_help(); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=600)
    assert not {"numpy", "torch", "monai", "pydicom", "PIL", "tqdm"} & set(run.stdout.split())


def test_what_stands_in_the_help_is_what_is_used():
    """The command line has its own copy of defaults, for their homes load what a help text must not wait for."""
    assert LUNGS_MARGIN_MM == MARGIN_MM
    hints = get_type_hints(ReadOptions)
    for name, allowed, _ in READING:
        assert get_args(hints[name.removeprefix("--").replace("-", "_")]) == ("error", allowed)
    settings = study_settings(cli.build_parser().parse_args(["detect", "ct", "-o", "out"]))
    defaults = {field.name: getattr(StudySettings(), field.name) for field in fields(StudySettings)}
    assert {**defaults, **settings, "on_result": None} == defaults


def test_an_option_of_another_command_is_told_as_such(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as left:
        cli.main(["detect", "ct", "-o", "out", "--classifier", "none", "--nowhere=3"])
    assert left.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith("usage: lungdet detect ")
    assert told.splitlines()[-1] == (
        "lungdet detect: error: unrecognized arguments: --classifier none --nowhere=3; --classifier is an option of "
        "`lungdet analyze`"
    )
    with pytest.raises(SystemExit):
        cli.main(["lesions", "query", "--nowhere"])
    assert capsys.readouterr().err.startswith("usage: lungdet lesions query ")
