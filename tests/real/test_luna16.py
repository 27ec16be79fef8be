"""LUNA16's own files, and the marks of a published detector."""

from pathlib import Path

import numpy as np
import pytest

from lungdet.datalists import read_datalist, read_patients
from lungdet.readers import (
    read_luna16,
    read_luna16_annotations,
    read_luna16_excluded,
    read_luna16_predictions,
    read_luna16_series_uids,
)
from lungdet.workflows.datalist import DatalistOptions, make_datalist


@pytest.fixture(scope="module")
def folder(real_data: Path) -> Path:
    return real_data / "luna16"


def test_every_row_is_read(folder: Path):
    uids = read_luna16_series_uids(folder / "seriesuids.csv")
    annotations = read_luna16_annotations(folder / "annotations.csv", series_uids=uids)
    excluded = read_luna16_excluded(folder / "annotations_excluded.csv", series_uids=uids)
    marks = read_luna16_predictions(folder / "deeplung_dpn26_predictions.csv", series_uids=uids)
    assert (len(uids), len(annotations), len(marks)) == (888, 1186, 55677)
    assert (len(excluded), excluded.repeats) == (24087, 11105)
    assert len(excluded) + excluded.repeats == 35192
    assert len(np.unique(annotations.series_uids)) == 601
    assert len(np.unique(marks.series_uids)) == 887


def test_the_values_are_those_of_a_plain_reader(folder: Path):
    path = folder / "deeplung_dpn26_predictions.csv"
    marks = read_luna16_predictions(path)
    plain = np.genfromtxt(path, delimiter=",", skip_header=1, usecols=(1, 2, 3, 4), max_rows=5000)
    assert np.array_equal(marks.centers_lps_mm[:5000], plain[:, :3])
    assert np.array_equal(marks.probabilities[:5000], plain[:, 3])


def test_the_list_holds_every_scan_and_nodule(folder: Path, tmp_path: Path):
    result = make_datalist("luna16", [folder], tmp_path / "list.json", DatalistOptions(folds=10, progress=False))
    assert result.good
    (training,) = (entries for part, entries in read_datalist(tmp_path / "list.json").items() if part == "training")
    assert len(training) == 888
    assert sum(len(entry["box"]) for entry in training) == 1186
    assert sum(not entry["box"] for entry in training) == 287
    assert sum(len(entry["ignore_box"]) for entry in training) == 24087
    assert {entry["fold"] for entry in training} == set(range(10))


def test_patients_of_lidc_fit(folder: Path, real_data: Path):
    patients = read_patients(real_data / "lidc" / "patients.csv")
    assert set(patients) & set(read_luna16(folder).series_uids)
