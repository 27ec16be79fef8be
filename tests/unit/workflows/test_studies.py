"""A folder of many studies becomes one job for each."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lungdet.readers import SeriesError
from lungdet.records import SeriesInfo
from lungdet.workflows import StudyJob, find_studies

CORONAL = np.array([[1.0, 0, 0, 0], [0, 0, 1.0, 0], [0, -1.0, 0, 0], [0, 0, 0, 1]])


def test_one_study_is_left_to_the_reader(write_series: Callable[..., SeriesInfo], tmp_path: Path):
    write_series("one/thick", study_uid="1.1", step_mm=5.0)
    write_series("one/thin", study_uid="1.1", step_mm=1.0)
    folder = str(tmp_path / "one")
    assert find_studies(folder) == [StudyJob(folder, None, "thinnest")]
    assert find_studies(Path(folder)) == find_studies(folder)


def test_each_study_gives_its_thinnest_axial_series(write_series: Callable[..., SeriesInfo], tmp_path: Path):
    thin = write_series("all/a/thin", seed=1, study_uid="1.1", step_mm=1.0)
    write_series("all/a/thick", seed=2, study_uid="1.1", step_mm=5.0)
    other = write_series("all/b", seed=3, study_uid="1.2")
    folder = str(tmp_path / "all")
    assert find_studies(folder) == [StudyJob(folder, thin.series_uid, None), StudyJob(folder, other.series_uid, None)]


def test_a_study_without_an_axial_series_does_not_stop_the_others(
    write_series: Callable[..., SeriesInfo], tmp_path: Path
):
    write_series("all/a/one", seed=1, study_uid="1.1", affine=CORONAL)
    write_series("all/a/two", seed=2, study_uid="1.1", affine=CORONAL)
    good = write_series("all/b", seed=3, study_uid="1.2")
    bad, fine = find_studies(tmp_path / "all")
    assert "none of them is a stack of axial slices" in bad.problem
    assert fine == StudyJob(str(tmp_path / "all"), good.series_uid, None)


def test_a_named_series_or_no_rule_leaves_nothing_to_split(tmp_path: Path):
    assert find_studies("anything", series="1.2") == [StudyJob("anything", "1.2", "thinnest")]
    assert find_studies("anything", choose=None) == [StudyJob("anything", None, None)]


def test_a_folder_without_ct_is_left_to_the_reader_to_refuse(tmp_path: Path):
    (tmp_path / "note.txt").write_text("no CT")
    assert find_studies(tmp_path) == [StudyJob(str(tmp_path), None, "thinnest")]


def test_a_source_that_does_not_exist(tmp_path: Path):
    with pytest.raises(SeriesError, match="no such file"):
        find_studies(tmp_path / "none")
