"""Scans of one patient are known as such, and the patient is not."""

from pathlib import Path

import numpy as np
import pydicom
import pytest

from lungdet.phantoms import write_dicom_series
from lungdet.readers import read_ct
from lungdet.readers.patient_print import DIGITS, patient_day, patient_print
from lungdet.records import CTVolume, SeriesInfo


def test_a_print_is_of_one_patient_only():
    assert patient_print("MRN 1207") == patient_print(" MRN 1207 ")
    assert len({patient_print(name) for name in ("MRN 1207", "MRN 1208", "mrn 1207")}) == 3
    assert len(patient_print("7")) == DIGITS
    assert "1207" not in patient_print("MRN 1207")


@pytest.mark.parametrize("name", ["", " ", "ANONYMOUS", "0000", "Patient_0", "unknown"])
def test_what_names_nobody_has_no_print(name: str):
    assert patient_print(name) == ""
    assert patient_day(name, "20240101") is None


def test_days_are_right_within_a_patient_only():
    first, second = patient_day("MRN 1207", "20231231"), patient_day("MRN 1207", "20240301120000")
    assert first is not None
    assert second is not None
    assert second - first == 61  # the year 2024 has a 29th of February
    assert patient_day("MRN 1208", "20231231") != first


@pytest.mark.parametrize("date", ["", "2024", "20241301", "tomorrow", "0000\x00"])
def test_a_date_that_is_none(date: str):
    assert patient_day("MRN 1207", date) is None


def test_a_series_tells_its_print_and_not_its_patient(tmp_path: Path):
    volume = CTVolume(np.full((8, 8, 3), -700, np.int16), np.diag([1.0, 1.0, 2.0, 1.0]), SeriesInfo("made"))
    write_dicom_series(volume, tmp_path, seed=5)
    info = read_ct(tmp_path).info
    slices = [pydicom.dcmread(path) for path in tmp_path.iterdir()]
    assert info.frame_uid == slices[0].FrameOfReferenceUID
    assert info.patient == patient_print("PHANTOM-5")
    assert info.day == patient_day("PHANTOM-5", "20200101")
    assert not any(text in info.to_json() for text in ("PHANTOM", "Phantom", "20200101"))
    for number, dataset in enumerate(slices):
        dataset.PatientID = ""
        dataset.save_as(tmp_path / f"{number + 1:04d}.dcm")
    assert (read_ct(tmp_path).info.patient, read_ct(tmp_path).info.day) == ("", None)
