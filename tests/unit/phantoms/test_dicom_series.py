"""The series is valid and says exactly what the volume says; pydicom, SimpleITK, dciodvfy and dcmdump are referees."""

import shutil
import subprocess

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from lungdet.phantoms import TRANSFER_SYNTAXES, make_chest, write_dicom_series
from lungdet.phantoms.dicom_series import decimal_string
from lungdet.records import CTVolume, SeriesInfo

NEEDS = {"rle": "pydicom", "jpeg_ls": "jpeg_ls", "jpeg_2000": "openjpeg"}


@pytest.fixture(scope="module")
def written(small_phantom, tmp_path_factory):
    folder = tmp_path_factory.mktemp("series")
    return folder, write_dicom_series(small_phantom.volume, folder, seed=5)


@pytest.mark.parametrize("syntax", sorted(TRANSFER_SYNTAXES))
def test_pydicom_reads_the_same_voxels_in_every_syntax(syntax, small_phantom, tmp_path):
    if syntax in NEEDS:
        pytest.importorskip(NEEDS[syntax])
    info = write_dicom_series(small_phantom.volume, tmp_path, transfer_syntax=syntax)
    files = sorted(tmp_path.iterdir())
    assert [path.name for path in files] == [f"{n:04d}.dcm" for n in range(1, 19)]
    datasets = [pydicom.dcmread(path) for path in files]
    assert {d.file_meta.TransferSyntaxUID for d in datasets} == {TRANSFER_SYNTAXES[syntax]}
    read = np.stack([d.pixel_array.astype(int) + int(d.RescaleIntercept) for d in datasets]).T
    assert np.array_equal(read, small_phantom.volume.array)
    assert tuple(d.SOPInstanceUID for d in datasets) == info.slice_uids


def test_simpleitk_reads_the_same_voxels_and_place(written, small_phantom):
    folder, info = written
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder), info.series_uid))
    image = reader.Execute()
    affine = small_phantom.volume.affine_lps
    assert np.array_equal(sitk.GetArrayFromImage(image).T, small_phantom.volume.array)
    assert image.GetSpacing() == pytest.approx((5.0, 5.0, 7.5))
    assert image.GetOrigin() == pytest.approx(tuple(affine[:3, 3]))
    assert image.GetDirection() == pytest.approx(tuple(np.eye(3).ravel()))


def test_header_says_what_was_asked(written, small_phantom):
    folder, info = written
    dataset = pydicom.dcmread(folder / "0001.dcm")
    assert str(dataset.PatientName).startswith("Phantom^")
    assert dataset.SeriesInstanceUID == info.series_uid
    assert dataset.RescaleIntercept == -1024
    assert dataset.PixelPaddingValue == -2000  # -3024 HU
    assert dataset.ConvolutionKernel == small_phantom.volume.info.kernel
    assert dataset.SliceThickness == 7.5
    assert [float(v) for v in dataset.ImagePositionPatient] == pytest.approx(small_phantom.volume.affine_lps[:3, 3])
    assert dataset.PatientBirthDate == ""


def test_no_padding_no_tag(tmp_path):
    volume = make_chest(1, shape=(16, 16, 3), spacing_mm=(20.0, 20.0, 20.0)).volume
    write_dicom_series(volume, tmp_path)
    assert "PixelPaddingValue" not in pydicom.dcmread(tmp_path / "0001.dcm")


def test_same_volume_same_bytes_and_another_seed_other_uids(small_phantom, tmp_path):
    one = write_dicom_series(small_phantom.volume, tmp_path / "a", seed=5)
    two = write_dicom_series(small_phantom.volume, tmp_path / "b", seed=5)
    three = write_dicom_series(small_phantom.volume, tmp_path / "c", seed=6)
    assert one.slice_uids == two.slice_uids
    assert (tmp_path / "a" / "0003.dcm").read_bytes() == (tmp_path / "b" / "0003.dcm").read_bytes()
    assert len({one.series_uid, three.series_uid}) == 2
    assert not set(one.slice_uids) & set(three.slice_uids)


def test_what_is_given_wins(small_phantom, tmp_path):
    info = write_dicom_series(
        small_phantom.volume, tmp_path, series_uid="1.2.3", description="Mine", kernel="B70f", thickness_mm=9.0
    )
    dataset = pydicom.dcmread(tmp_path / "0002.dcm")
    assert (dataset.SeriesInstanceUID, dataset.SeriesDescription) == ("1.2.3", "Mine")
    assert (dataset.ConvolutionKernel, dataset.SliceThickness) == ("B70f", 9.0)
    assert (info.series_uid, info.description, info.kernel, info.thickness_mm) == ("1.2.3", "Mine", "B70f", 9.0)


def test_oblique_affine_survives(tmp_path):
    turn = np.radians(20)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[1, 0, 0], [0, np.cos(turn), -np.sin(turn)], [0, np.sin(turn), np.cos(turn)]]) * [
        2,
        3,
        4,
    ]
    array = np.arange(4 * 5 * 3, dtype=np.int16).reshape(4, 5, 3)
    write_dicom_series(CTVolume(array, affine, SeriesInfo("oblique")), tmp_path)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path)))
    image = reader.Execute()
    assert np.array_equal(sitk.GetArrayFromImage(image).T, array)
    read = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    assert read == pytest.approx(affine[:3, :3], abs=1e-6)


def test_wrong_arguments_are_refused(small_phantom, tmp_path):
    with pytest.raises(ValueError, match="transfer_syntax must be one of"):
        write_dicom_series(small_phantom.volume, tmp_path, transfer_syntax="mp3")
    sheared = np.eye(4)
    sheared[0, 2] = 0.4
    array = np.zeros((3, 3, 3), np.int16)
    with pytest.raises(ValueError, match="right angles"):
        write_dicom_series(CTVolume(array, sheared, SeriesInfo("x")), tmp_path)
    with pytest.raises(ValueError, match="16 bits"):
        write_dicom_series(CTVolume(array + np.float32(1e6), np.eye(4), SeriesInfo("x")), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.1, "-0.1"), (1 / 3, "0.33333333333333"), (-1231.15, "-1231.15"), (1e-20, "1e-20")],
)
def test_decimal_strings_fit_sixteen_characters(value, text):
    assert decimal_string(value) == text
    assert len(decimal_string(-np.pi * 1e-7)) <= 16
    assert float(decimal_string(-np.pi * 100)) == pytest.approx(-np.pi * 100, rel=1e-12)


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy is not installed (Debian: dicom3tools)")
def test_dciodvfy_finds_no_error(small_phantom, tmp_path):
    write_dicom_series(small_phantom.volume, tmp_path)
    for path in sorted(tmp_path.iterdir())[::6]:
        said = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False, timeout=600).stderr
        assert "Error" not in said, said
        assert "Warning" not in said, said


@pytest.mark.skipif(shutil.which("dcmdump") is None, reason="dcmdump is not installed (Debian: dcmtk)")
@pytest.mark.parametrize("syntax", ["explicit", "deflated", "big_endian"])
def test_dcmdump_parses(syntax, small_phantom, tmp_path):
    write_dicom_series(small_phantom.volume, tmp_path, transfer_syntax=syntax)
    done = subprocess.run(
        ["dcmdump", "-q", tmp_path / "0001.dcm"], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert "CTImageStorage" in done.stdout
