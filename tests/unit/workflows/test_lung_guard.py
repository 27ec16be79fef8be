"""What the guard says reaches the log, the report and the summary; findings are written all the same."""

import csv
import functools
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from lungdet import cli, workflows
from lungdet.records import CTVolume, SeriesInfo
from lungdet.reports import read_json
from lungdet.workflows import DetectSummary, detect, many_studies

WARNING = "no slice holds lung: they score as pelvis, and none lies where lungs are"
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
    assert "Is this a chest?" in pelvis.page.read_text()
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
