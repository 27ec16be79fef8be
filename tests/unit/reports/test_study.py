"""One folder per study, complete when findings.json is there."""

import dataclasses
from datetime import datetime
from pathlib import Path

import pytest

from lungdet.records import CTVolume, DetectionReport, SeriesInfo
from lungdet.reports import read_json, study_folder_name, write_study


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_files_are_there_and_agree(volume: CTVolume, report: DetectionReport, created: datetime, tmp_path: Path):
    page = write_study(tmp_path / "study", report, volume, created=created)
    files = contents(tmp_path / "study")
    assert page == tmp_path / "study" / "report.html"
    assert {"findings.json", "findings.csv", "report.html", "pictures/overview.png"} <= set(files)
    assert sum(name.startswith("pictures/finding_") for name in files) == 12
    assert read_json(tmp_path / "study" / "findings.json") == report


def test_same_input_same_bytes(volume: CTVolume, report: DetectionReport, created: datetime, tmp_path: Path):
    write_study(tmp_path / "a", report, volume, created=created)
    write_study(tmp_path / "b", report, volume, created=created)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_second_run_replaces_all_and_leaves_what_is_not_ours(
    volume: CTVolume, report: DetectionReport, tmp_path: Path
):
    write_study(tmp_path, report, volume)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "pictures" / "mine.png").write_bytes(b"")
    fewer = dataclasses.replace(report, findings=report.findings[:1])
    write_study(tmp_path, fewer, volume)
    files = contents(tmp_path)
    assert not any(name.startswith("pictures/finding_02") for name in files)
    assert {"notes.txt", "pictures/mine.png", "pictures/finding_01_axial.png"} <= set(files)
    assert read_json(tmp_path / "findings.json") == fewer


def test_a_fault_writes_nothing(volume: CTVolume, report: DetectionReport, tmp_path: Path):
    with pytest.raises(ValueError, match="voxels"):
        write_study(tmp_path / "study", dataclasses.replace(report, shape=(1, 1, 1)), volume)
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize(
    "source", ["../../etc/passwd", "/", ".", "", "a\x00b", "...", "-rf", "x" * 300, "ü/\udce4", "C:\\"]
)
@pytest.mark.parametrize("uid", ["", "1.2.3", "../../../etc", "/abs", "\x00"])
def test_folder_names_are_safe_whatever_comes(source: str, uid: str):
    name = study_folder_name(SeriesInfo(source, series_uid=uid))
    assert name.replace("-", "").replace("_", "").replace(".", "").isalnum()
    assert name.isascii()
    assert name[0] not in ".-"
    assert len(name) <= 73


def test_folder_names_differ_by_series_and_by_path_without_one():
    names = [
        study_folder_name(SeriesInfo(source, series_uid=uid))
        for source, uid in (("a/ct", "1.2"), ("a/ct", "1.3"), ("a/ct", ""), ("b/ct", ""))
    ]
    assert len(set(names)) == 4
    assert all(name.startswith("ct-") for name in names)
    assert study_folder_name(SeriesInfo("z/ct", series_uid="1.2")) == names[0]
