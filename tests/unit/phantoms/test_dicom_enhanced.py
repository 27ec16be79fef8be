"""The enhanced file is valid and holds the volume; pydicom, SimpleITK and dciodvfy are referees."""

import shutil
import subprocess

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from lungdet.phantoms import write_enhanced_ct
from lungdet.records import CTVolume, SeriesInfo


@pytest.fixture(scope="module")
def written(small_phantom, tmp_path_factory):
    path = tmp_path_factory.mktemp("enhanced") / "ct.dcm"
    return path, write_enhanced_ct(small_phantom.volume, path, seed=5)


def test_frames_are_the_slices(written, small_phantom):
    path, info = written
    dataset = pydicom.dcmread(path)
    assert dataset.NumberOfFrames == 18
    assert np.array_equal(dataset.pixel_array.T.astype(int) - 1024, small_phantom.volume.array)
    assert info.slice_uids == (dataset.SOPInstanceUID,) * 18
    assert info.series_uid == dataset.SeriesInstanceUID
    assert dataset.PixelPaddingValue == -2000
    heights = [
        float(frame.PlanePositionSequence[0].ImagePositionPatient[2])
        for frame in dataset.PerFrameFunctionalGroupsSequence
    ]
    assert np.diff(heights) == pytest.approx([7.5] * 17)


def test_simpleitk_agrees(written, small_phantom):
    image = sitk.ReadImage(str(written[0]))
    assert np.array_equal(sitk.GetArrayFromImage(image).T, small_phantom.volume.array)
    assert image.GetOrigin() == pytest.approx(tuple(small_phantom.volume.affine_lps[:3, 3]))
    assert image.GetSpacing() == pytest.approx((5.0, 5.0, 7.5))


def test_same_volume_same_bytes(written, small_phantom, tmp_path):
    write_enhanced_ct(small_phantom.volume, tmp_path / "again.dcm", seed=5)
    assert (tmp_path / "again.dcm").read_bytes() == written[0].read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["again.dcm"]


def test_sheared_axes_are_refused(tmp_path):
    affine = np.eye(4)
    affine[0, 2] = 0.4
    with pytest.raises(ValueError, match="right angles"):
        write_enhanced_ct(CTVolume(np.zeros((3, 3, 3), np.int16), affine, SeriesInfo("x")), tmp_path / "x.dcm")


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy is not installed (Debian: dicom3tools)")
def test_dciodvfy_finds_no_error(written):
    said = subprocess.run(["dciodvfy", written[0]], capture_output=True, text=True, check=False, timeout=600).stderr
    assert "Error" not in said, said
