"""What the guard says reaches the log, the report and the summary; findings are written all the same."""

import csv
import functools
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lungdet import cli, workflows
from lungdet.lesions import ScoreScale, judge_slices
from lungdet.lesions.score_scale import ScoreScaleError
from lungdet.records import CTVolume, ModelInfo, SeriesInfo
from lungdet.reports import read_json
from lungdet.workflows import BundleError, DetectSummary, detect, lung_guard, many_studies
from lungdet.workflows.lung_guard import LungGuard

WARNING = "no slice holds lung: they score as pelvis, and none lies where lungs are"
AIR = CTVolume(np.full((4, 4, 4), -1000.0, np.float32), np.eye(4), SeriesInfo("scan"))
WriteSeries = Callable[..., SeriesInfo]


class PickyGuard:
    """Warns of the scans named so."""

    def __init__(self, device: str | None = None) -> None:
        self.device = device

    def __call__(self, volume: CTVolume) -> tuple[str, ...]:
        return (WARNING,) if volume.info.source.endswith("pelvis") else ()


@pytest.fixture
def detect_both(
    write_series: WriteSeries, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., DetectSummary]:
    write_series("chest", seed=1)
    write_series("pelvis", seed=2)
    monkeypatch.setattr(many_studies, "LungGuard", PickyGuard)
    sources = [tmp_path / "chest", tmp_path / "pelvis"]
    return functools.partial(detect, sources, tmp_path / "out", bundle=tiny_bundle, progress=False, max_pictures=0)


def test_a_warning_is_everywhere(detect_both: Callable[..., DetectSummary], tmp_path: Path, caplog):
    with caplog.at_level(logging.WARNING, "lungdet"):
        chest, pelvis = detect_both().studies
    assert chest.report.warnings == ()
    assert pelvis.report.warnings == (WARNING,)
    assert len(pelvis.report.findings) == len(chest.report.findings) == 2
    assert read_json(pelvis.page.parent / "findings.json") == pelvis.report
    assert "<strong>Warning:" in pelvis.page.read_text()
    assert [record.getMessage() for record in caplog.records if "lung" in record.getMessage()] == [
        f"{tmp_path / 'pelvis'}: {WARNING}"
    ]
    rows = csv.DictReader((tmp_path / "out" / "summary.csv").read_text().splitlines())
    assert [row["warnings"] for row in rows] == ["", WARNING]


def test_without_a_guard_nothing_is_said(detect_both: Callable[..., DetectSummary]):
    assert [study.report.warnings for study in detect_both(guard=False).studies] == [(), ()]


@pytest.mark.parametrize(("arguments", "expected"), [([], True), (["--no-guard"], False)])
def test_the_guard_can_be_switched_off(monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: bool):
    asked = []
    monkeypatch.setattr(
        workflows, "detect", lambda *_, **options: asked.append(options["guard"]) or DetectSummary(()), raising=False
    )
    assert cli.main(["detect", "scan", "-o", "out", *arguments]) == 0
    assert asked == [expected]


class Broken:
    """Fails when it is opened, or at work."""

    def __init__(self, opening: Exception | None = None, work: Exception | None = None) -> None:
        self.opening, self.work = opening, work

    def open(self, *_: object) -> "Broken":
        if self.opening:
            raise self.opening
        return self

    def __call__(self, *_: object) -> None:
        raise self.work


NO_GUARD = "no guard against scans without lungs: "


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BundleError("no weights"), NO_GUARD + "no weights"),
        (ScoreScaleError("score.json: fit it again"), NO_GUARD + "score.json: fit it again"),
        (PermissionError("model.pt"), NO_GUARD + "model.pt"),
        (RuntimeError("out of memory"), NO_GUARD + "RuntimeError: out of memory"),
    ],
)
def test_a_damaged_regressor_is_no_guard_and_no_error(monkeypatch: pytest.MonkeyPatch, caplog, error, words: str):
    monkeypatch.setattr(lung_guard, "BodyScorer", Broken(opening=error).open)
    with caplog.at_level(logging.WARNING, "lungdet"):
        guard = LungGuard()
        assert guard(AIR) == guard(AIR) == ()
    assert [record.getMessage() for record in caplog.records] == [words]


def test_an_unknown_device_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lung_guard, "BodyScorer", Broken().open)
    with pytest.raises(ValueError, match="abacus"):
        LungGuard(device="abacus")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("scan: no axial slices"), "scan: no axial slices; not checked for lungs"),
        (RuntimeError("out of memory"), "scan: RuntimeError: out of memory; not checked for lungs"),
    ],
)
def test_a_scan_that_the_guard_fails_on_passes(monkeypatch: pytest.MonkeyPatch, caplog, error, words: str):
    monkeypatch.setattr(lung_guard, "BodyScorer", Broken(work=error).open)
    with caplog.at_level(logging.WARNING, "lungdet"):
        assert LungGuard()(AIR) == ()
    assert [record.getMessage() for record in caplog.records] == [words]


@pytest.mark.parametrize(("step_mm", "warned"), [(4.0, True), (2.0, False)])
def test_a_long_scan_that_is_mixed_up_is_told_of(monkeypatch: pytest.MonkeyPatch, step_mm: float, warned: bool):
    heights = np.random.default_rng(0).permutation(np.linspace(0.1, 0.9, 80)).tolist()
    scale = ScoreScale(1.0, 0.0, 0.42, 0.72, (0.15, 0.47), (0.0, 1.0), (0.001, 0.00125, 0.0015), 0.04)
    made = judge_slices(-step_mm * np.arange(80), heights, scale, series=AIR.info, model=ModelInfo("m", "1", ""))
    monkeypatch.setattr(lung_guard, "BodyScorer", lambda *_: lambda *_: made)
    assert [flag.kind for flag in made.flags] == ["no_order"]
    assert len(LungGuard()(AIR)) == warned
