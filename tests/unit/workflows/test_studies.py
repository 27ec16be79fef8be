"""A folder of many studies becomes one job for each."""

from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest

from lungdet.readers import SeriesError
from lungdet.records import SeriesInfo
from lungdet.workflows import StudyJob, find_studies
from lungdet.workflows.studies import unique_sources


def test_one_study_is_left_to_the_reader(write_series: Callable[..., SeriesInfo], tmp_path: Path):
    write_series("one/thick", study_uid="1.1", step_mm=5.0)
    write_series("one/thin", study_uid="1.1", step_mm=1.0)
    folder = str(tmp_path / "one")
    assert find_studies(folder) == [StudyJob(folder, None, "thinnest")]
    assert find_studies(Path(folder)) == find_studies(folder)


def test_each_study_gets_its_own_files(write_series: Callable[..., SeriesInfo], tmp_path: Path):
    write_series("all/a/thin", seed=1, study_uid="1.1", step_mm=1.0)
    write_series("all/a/thick", seed=2, study_uid="1.1", step_mm=5.0)
    write_series("all/b", seed=3, study_uid="1.2")
    first, second = find_studies(tmp_path / "all")
    assert first == StudyJob(str(tmp_path / "all"), None, "thinnest", files=first.files, part=(1, 2))
    assert second.part == (2, 2)
    assert set(first.files) == set((tmp_path / "all" / "a").rglob("*.dcm"))
    assert set(second.files) == set((tmp_path / "all" / "b").rglob("*.dcm"))


def test_a_damaged_file_goes_with_every_study_that_it_may_belong_to(
    write_series: Callable[..., SeriesInfo], tmp_path: Path
):
    write_series("all/a", seed=1, study_uid="1.1")
    write_series("all/b", seed=2, study_uid="1.2")
    whole = tmp_path / "all" / "a" / "0009.dcm"
    no_place = pydicom.dcmread(whole)
    del no_place.ImagePositionPatient  # damaged, but it says which series it is of
    no_place.save_as(whole)
    nobody = tmp_path / "all" / "b" / "0009.dcm"
    nobody.write_bytes(nobody.read_bytes()[:200])
    first, second = find_studies(tmp_path / "all")
    assert whole in first.files
    assert whole not in second.files
    assert nobody in first.files
    assert nobody in second.files


def test_studies_that_share_a_series_are_refused(write_series: Callable[..., SeriesInfo], tmp_path: Path):
    shared = write_series("all/a", seed=1, study_uid="1.1").series_uid
    for path in sorted((tmp_path / "all" / "a").iterdir())[-3:]:
        dataset = pydicom.dcmread(path)
        dataset.StudyInstanceUID = "1.2"  # alone, each part would be read as a whole chest
        dataset.save_as(path)
    write_series("all/b", seed=3, study_uid="1.3")
    first, second, third = find_studies(tmp_path / "all")
    assert f"series {shared} is in 2 studies" in first.problem
    assert first.problem == second.problem
    assert third.problem == ""


def test_a_file_is_read_as_it_is(tmp_path: Path):
    (tmp_path / "scan.nii").write_bytes(b"")
    assert find_studies(tmp_path / "scan.nii") == [StudyJob(str(tmp_path / "scan.nii"), None, "thinnest")]


def test_a_source_counts_once(tmp_path: Path):
    (tmp_path / "link").symlink_to(tmp_path / "ct")
    names = [tmp_path / "ct", f"{tmp_path}/x/../ct/", tmp_path / "link", tmp_path / "other"]
    assert unique_sources(names) == [str(tmp_path / "ct"), str(tmp_path / "other")]
    assert unique_sources([]) == []


def test_a_named_series_or_no_rule_leaves_nothing_to_split(tmp_path: Path):
    assert find_studies("anything", series="1.2") == [StudyJob("anything", "1.2", "thinnest")]
    assert find_studies("anything", choose=None) == [StudyJob("anything", None, None)]


def test_a_folder_without_ct_is_left_to_the_reader_to_refuse(tmp_path: Path):
    (tmp_path / "note.txt").write_text("no CT")
    assert find_studies(tmp_path) == [StudyJob(str(tmp_path), None, "thinnest")]


def test_a_source_that_does_not_exist(tmp_path: Path):
    with pytest.raises(SeriesError, match="no such file"):
        find_studies(tmp_path / "none")
