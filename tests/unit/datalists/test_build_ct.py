"""CT without labels to a list."""

import numpy as np
import pytest

from lungdet.datalists import build_ct
from lungdet.phantoms import make_torso, write_dicom_series, write_nifti
from lungdet.workflows.datalist import DatalistOptions, make_datalist


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Two patients as DICOM, two as NIfTI, a short series, and a file that is no CT."""
    top = tmp_path_factory.mktemp("archive")
    for seed in (1, 2):
        volume = make_torso(seed, spacing_mm=(18.0, 18.0, 45.0), size=24).volume
        write_dicom_series(volume, top / f"p{seed}" / "chest", seed=seed)
    short = make_torso(3, spacing_mm=(18.0, 18.0, 45.0), size=24, z_range_mm=(0.0, 190.0)).volume
    write_dicom_series(short, top / "short")
    for name in ("000007_01.nii.gz", "000007_02.nii.gz"):
        write_nifti(volume, top / "nifti" / name)
    (top / "notes").mkdir()
    (top / "notes" / "readme.txt").write_text("no CT")
    return top


def test_folders_and_files_become_entries(archive):
    built = build_ct([archive], patient_pattern=r"nifti/(\d{6})_")
    assert [entry.image for entry in built.entries] == [
        "nifti/000007_01.nii.gz", "nifti/000007_02.nii.gz", "p1/chest", "p2/chest",
    ]  # fmt: skip
    patients = [entry.patient_id for entry in built.entries]
    assert patients[:2] == ["000007", "000007"]
    assert patients[2] != patients[3]
    assert all(not entry.boxes for entry in built.entries)
    assert len(built.problems) == 2
    assert "8 slices or more" in " ".join(built.problems)


def test_files_that_tell_no_patient_are_not_split(archive):
    built = build_ct([archive / "nifti"])
    assert built.unknown_patients == 2
    assert "2 of 2 CT tell no patient" in built.notes[0]


def test_the_list_reads_back_split_by_patient(archive, tmp_path):
    options = DatalistOptions(patient_pattern=r"nifti/(\d{6})_", shares=(0.5, 0.5, 0.0), progress=False)
    result = make_datalist("ct", [archive], tmp_path / "list.json", options)
    assert not result.good  # the short series and the text are told
    homes = {entry.patient_id: part for part, entries in result.parts.items() for entry in entries}
    assert len(homes) == 3
    assert {len(entries) for entries in result.parts.values()} <= {0, 1, 2, 3}
    assert sum(map(len, result.parts.values())) == 4


def test_refusals(archive, tmp_path):
    with pytest.raises(ValueError, match="no regular expression"):
        build_ct([archive], patient_pattern="(")
    with pytest.raises(ValueError, match="give the folder"):
        build_ct([archive, archive])
    with pytest.raises(FileNotFoundError):
        build_ct([tmp_path / "nowhere"])
    with pytest.raises(ValueError, match="by a pattern"):
        make_datalist("ct", [archive], tmp_path / "l.json", DatalistOptions(patients="x.csv"))
    assert np.size(build_ct([tmp_path]).entries) == 0
