"""Scans of one patient are known as such, and the patient is not."""

import hmac
from pathlib import Path

import numpy as np
import pydicom
import pytest

from lungdet.phantoms import write_dicom_series, write_nifti
from lungdet.readers import read_ct
from lungdet.readers.patient_print import DIGITS, KEY_NAME, UNSURE, patient_day, patient_key, patient_print
from lungdet.records import CTVolume, SeriesInfo

KEY = "one of my own, 16 or more"


def test_a_print_is_of_one_patient_only():
    assert patient_print("MRN 1207", "", KEY) == patient_print(" MRN 1207 ", " ", KEY)
    assert len({patient_print(name, "", KEY) for name in ("MRN 1207", "MRN 1208", "mrn 1207")}) == 3
    assert len({patient_print("1", issuer, KEY) for issuer in ("", "North", "South")}) == 3
    assert patient_print("1", "", KEY) != patient_print("1", "", KEY + "!")
    assert len(patient_print("7", "", KEY)) == DIGITS
    assert "1207" not in patient_print("MRN 1207", "", KEY)
    assert patient_print("7\udcff", "", KEY) != patient_print("7", "", KEY)  # a byte that is no letter


def test_a_print_is_the_hmac_of_issuer_and_number():
    assert patient_print("7", "North", KEY) == hmac.new(KEY.encode(), b"print\nNorth\n7", "sha256").hexdigest()[:DIGITS]


@pytest.mark.parametrize("name", ["", " ", "ANONYMOUS", "Anon-000", "000", "Patient_0", "unknown", "N/A", "XXX", "-"])
def test_what_names_nobody_has_no_digits(name: str):
    assert patient_print(name, "", KEY) == UNSURE
    assert patient_day(name, "", ["20240101"], KEY) is None


@pytest.mark.parametrize("name", ["OTHER", "SMITHJ", "Müller", "99999", "1111"])
def test_what_may_be_a_name_is_told_from_another_and_proves_nothing(name: str):
    told = patient_print(name, "", KEY)
    assert told.startswith(UNSURE)
    assert len(told) == len(UNSURE) + DIGITS
    assert told == patient_print(f" {name} ", "", KEY) != patient_print("DOE", "", KEY)
    assert patient_day(name, "", ["20240101"], KEY) is None


@pytest.mark.parametrize("name", ["7", "11", "9990", "ANON1", "MRN 1207", "SMITHJ2"])
def test_a_number_names_one(name: str):
    assert not patient_print(name, "", KEY).startswith(UNSURE)
    assert patient_day(name, "", ["20240101"], KEY) is not None


def test_without_a_key_nothing_is_told():
    assert patient_print("7", "North", "") == ""
    assert patient_day("7", "North", ["20240101"], "") is None


def test_days_are_right_within_a_patient_only():
    first, second = (patient_day("MRN 1207", "", [date], KEY) for date in ("20231231", "20240301120000"))
    assert first is not None
    assert second is not None
    assert second - first == 61  # the year 2024 has a 29th of February
    assert patient_day("MRN 1208", "", ["20231231"], KEY) != first
    assert patient_day("MRN 1207", "", ["20231231"], KEY + "!") != first


@pytest.mark.parametrize("date", ["", "2024", "20241301", "tomorrow", "0000\x00"])
def test_a_date_that_is_none_hides_no_other(date: str):
    assert patient_day("MRN 1207", "", [date], KEY) is None
    good = patient_day("MRN 1207", "", ["20240101"], KEY)
    assert patient_day("MRN 1207", "", [date, "20240101", "20200101"], KEY) == good


def test_a_key_that_can_be_guessed_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(KEY_NAME, "k" * 15)
    with pytest.raises(ValueError, match="LUNGDET_PATIENT_KEY: wanted a secret of at least 16 characters, got 15"):
        patient_key()
    monkeypatch.setenv(KEY_NAME, "k" * 16)
    assert patient_key() == "k" * 16
    monkeypatch.delenv(KEY_NAME)
    assert patient_key() == ""


def test_a_series_tells_its_print_and_not_its_patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    volume = CTVolume(np.full((8, 8, 3), -700, np.int16), np.diag([1.0, 1.0, 2.0, 1.0]), SeriesInfo("made"))
    write_dicom_series(volume, tmp_path, seed=5)
    monkeypatch.delenv(KEY_NAME, raising=False)
    assert (read_ct(tmp_path).info.patient, read_ct(tmp_path).info.day) == ("", None)
    monkeypatch.setenv(KEY_NAME, KEY)
    info = read_ct(tmp_path).info
    slices = [pydicom.dcmread(path) for path in tmp_path.iterdir()]
    assert info.frame_uid == slices[0].FrameOfReferenceUID
    assert info.patient == patient_print("PHANTOM-5", "", KEY)
    assert info.day == patient_day("PHANTOM-5", "", ["20200101"], KEY)
    assert not any(text in info.to_json() for text in ("PHANTOM", "Phantom", "20200101"))
    for number, dataset in enumerate(slices):
        dataset.IssuerOfPatientID, dataset.AcquisitionDate, dataset.StudyDate = "North", "00000000", "20200103"
        dataset.save_as(tmp_path / f"{number + 1:04d}.dcm")
    info = read_ct(tmp_path).info
    assert info.patient == patient_print("PHANTOM-5", "North", KEY)
    assert info.day == patient_day("PHANTOM-5", "North", ["20200103"], KEY)
    for number, dataset in enumerate(slices):
        dataset.PatientID = ""
        dataset.save_as(tmp_path / f"{number + 1:04d}.dcm")
    assert (read_ct(tmp_path).info.patient, read_ct(tmp_path).info.day) == (UNSURE, None)


def test_a_format_without_patients_names_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    volume = CTVolume(np.full((8, 8, 3), -700, np.int16), np.diag([1.0, 1.0, 2.0, 1.0]), SeriesInfo("made"))
    write_nifti(volume, tmp_path / "scan.nii")
    monkeypatch.delenv(KEY_NAME, raising=False)
    assert read_ct(tmp_path / "scan.nii").info.patient == ""
    monkeypatch.setenv(KEY_NAME, KEY)
    assert read_ct(tmp_path / "scan.nii").info.patient == UNSURE
