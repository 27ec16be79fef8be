"""One folder per study, complete whenever it is there."""

import dataclasses
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from lungdet.records import CTVolume, DetectionReport, SeriesInfo
from lungdet.reports import read_json, series_digest, study_folder_name, write_study


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


def test_the_overview_goes_with_a_scan_of_few_slices(volume: CTVolume, report: DetectionReport, tmp_path: Path):
    write_study(tmp_path, report, volume, 0)
    series = dataclasses.replace(volume.info, slice_uids=())
    thin = CTVolume(volume.array[:, :, :3], volume.affine_lps, series)  # 80 x 7.5 mm from the front: 60 px high
    page = write_study(tmp_path, dataclasses.replace(report, series=series, findings=(), shape=(80, 60, 3)), thin, 0)
    assert not (tmp_path / "pictures" / "overview.png").exists()
    assert "There is no overview: seen from the front, the scan is a strip of 80 &times; 8 mm." in page.read_text()


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


def test_passes_of_one_series_have_folders_of_their_own():
    def digest(slices: tuple[str, ...], steps: tuple[str, ...] = ()) -> str:
        return series_digest(SeriesInfo("ct", series_uid="1.2", slice_uids=slices, steps=steps))

    assert digest(("1", "2")) != digest(("3", "4"))
    assert digest(("1", "2"), ("left out 3 files",)) == digest(("1", "", "2"))  # read alone, or gaps filled
    # straightened slices have no UID, frames of one file have the same one: the steps tell which pass was chosen
    assert digest(("", ""), ("chose 1 of 2",)) != digest(("", ""), ("chose 2 of 2",))
    assert digest(("9", "9"), ("chose 1 of 2",)) != digest(("9", "9"), ("chose 2 of 2",))


def test_a_failed_run_leaves_the_old_results(
    volume: CTVolume, report: DetectionReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_study(tmp_path / "out" / "study", report, volume)
    before = contents(tmp_path / "out")

    def full_disk(handle: int) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full_disk)
        with pytest.raises(OSError, match="no space"):
            write_study(tmp_path / "out" / "study", dataclasses.replace(report, findings=()), volume)
    assert contents(tmp_path / "out") == before


def test_at_no_moment_is_a_study_half_old_half_new(
    volume: CTVolume, report: DetectionReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_study(tmp_path / "study", report, volume)
    seen = [contents(tmp_path / "study")]

    def watched(original: Callable[..., None]) -> Callable[..., None]:
        def rename(source: Path, target: Path) -> None:
            original(source, target)
            seen.append(contents(tmp_path / "study"))

        return rename

    for name in ("rename", "replace"):
        monkeypatch.setattr(os, name, watched(getattr(os, name)))
    write_study(tmp_path / "study", dataclasses.replace(report, findings=()), volume)
    assert len(seen) > 5
    assert all(state in ({}, seen[0], seen[-1]) for state in seen)


def test_a_negative_number_of_pictures(volume: CTVolume, report: DetectionReport, tmp_path: Path):
    with pytest.raises(ValueError, match="max_pictures must not be negative, got -1"):
        write_study(tmp_path / "study", report, volume, max_pictures=-1)
