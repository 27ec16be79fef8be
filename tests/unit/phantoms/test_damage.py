"""Each damage does what its name says, and nothing else."""

import numpy as np
import pydicom
import pytest
from pydicom.errors import InvalidDicomError
from scipy.ndimage import map_coordinates

from lungdet.phantoms import DAMAGES, FATAL_DAMAGES, HARMLESS_DAMAGES, make_chest, write_dicom_series
from lungdet.phantoms.damage_slices import change_step, drop_slices, shear, tilt_gantry

SLICES = 12


@pytest.fixture(scope="module")
def volume():
    return make_chest(5, shape=(40, 44, SLICES), spacing_mm=(7.0, 7.0, 6.0), dose="none", nodules=0).volume


@pytest.fixture
def folder(volume, tmp_path):
    write_dicom_series(volume, tmp_path / "s")
    return tmp_path / "s"


def _series(folder):
    return [pydicom.dcmread(path) for path in sorted(folder.glob("[0-9]*.dcm"))]


def _positions(folder):
    return np.array([d.ImagePositionPatient for d in _series(folder)], dtype=float)


def _hu(dataset):
    return dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)


@pytest.mark.parametrize("name", sorted(DAMAGES))
def test_damages_name_exactly_what_they_touch(name, folder):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    touched = DAMAGES[name](folder)
    after = {path: path.read_bytes() for path in folder.iterdir()}
    changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    assert touched
    assert changed <= set(touched)
    if name != "shear":  # the first slice stays
        assert changed == set(touched)


def test_the_two_lists_make_up_the_whole():
    assert not set(FATAL_DAMAGES) & set(HARMLESS_DAMAGES)
    assert set(DAMAGES) == {*FATAL_DAMAGES, *HARMLESS_DAMAGES, "padding"}


def test_too_few_slices_cannot_be_damaged(tmp_path):
    with pytest.raises(ValueError, match="at least 6"):
        drop_slices(tmp_path)


def test_gap(folder):
    drop_slices(folder, 3)
    steps = np.diff(_positions(folder)[:, 2])
    assert sorted(steps)[-1] == pytest.approx(24.0)
    assert sorted(steps)[:-1] == pytest.approx([6.0] * (SLICES - 5))


def test_changed_step(folder):
    change_step(folder, 1.5)
    assert np.diff(_positions(folder)[:, 2]) == pytest.approx([6.0] * 6 + [9.0] * 5)


def test_shear_keeps_the_orientation_and_moves_the_slices(folder):
    shear(folder, 45.0)
    steps = np.diff(_positions(folder), axis=0)
    assert steps == pytest.approx(np.tile([6.0, 0.0, 6.0], (SLICES - 1, 1)))
    assert {tuple(d.ImageOrientationPatient) for d in _series(folder)} == {(1, 0, 0, 0, 1, 0)}


def test_duplicates(folder):
    (same,) = DAMAGES["duplicate_same"](folder)
    (other,) = DAMAGES["duplicate_different"](folder)
    original, same, other = (pydicom.dcmread(path) for path in (folder / "0003.dcm", same, other))
    assert original.ImagePositionPatient == same.ImagePositionPatient == other.ImagePositionPatient
    assert original.PixelData == same.PixelData != other.PixelData
    assert len({original.SOPInstanceUID, same.SOPInstanceUID, other.SOPInstanceUID}) == 3
    assert len({original.SeriesInstanceUID, same.SeriesInstanceUID, other.SeriesInstanceUID}) == 1


def test_tilt_keeps_the_patient_in_place(folder, volume):
    tilt_gantry(folder, 12.0)
    datasets = _series(folder)
    steps = np.diff(_positions(folder), axis=0)
    assert steps == pytest.approx(np.tile([0.0, 0.0, 6.0], (SLICES - 1, 1)))
    across, down = np.array(datasets[0].ImageOrientationPatient, dtype=float).reshape(2, 3)
    normal = np.cross(across, down)
    assert np.degrees(np.arccos(normal[2])) == pytest.approx(12.0)
    assert datasets[0].GantryDetectorTilt == 12.0
    assert down == pytest.approx(
        [0.0, np.cos(np.radians(12.0)), -np.sin(np.radians(12.0))]
    )  # the sign of GE's scanners
    # A voxel of the tilted slice shows what lay at its place in the patient before.
    middle = datasets[SLICES // 2]
    rows, columns = np.mgrid[15:29, 5:35]
    place = (
        np.array(middle.ImagePositionPatient, dtype=float)
        + rows[..., None] * 7.0 * down
        + columns[..., None] * 7.0 * across
    )
    index = (place - volume.affine_lps[:3, 3]) / [7.0, 7.0, 6.0]
    wanted = map_coordinates(volume.array.astype(float), np.moveaxis(index, -1, 0), order=1)
    assert _hu(middle)[rows, columns] == pytest.approx(wanted, abs=1.0)


def test_geometry_is_gone(folder):
    DAMAGES["one_without_position"](folder)
    assert sum("ImagePositionPatient" in d for d in _series(folder)) == SLICES - 1
    DAMAGES["no_position"](folder)
    DAMAGES["no_pixel_spacing"](folder)
    for dataset in _series(folder):
        assert not {"ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"} & set(dataset.dir())


def test_mixed_orientations(folder):
    DAMAGES["mixed_orientations"](folder)
    found = [tuple(d.ImageOrientationPatient) for d in _series(folder)]
    assert found.count((1, 0, 0, 0, 1, 0)) == 8
    assert found.count((1, 0, 0, 0, 0, -1)) == 4


def test_varied_rescale_keeps_the_hu(folder, volume):
    DAMAGES["varied_rescale"](folder)
    datasets = _series(folder)
    assert np.array_equal(np.stack([_hu(d) for d in datasets]).T, volume.array)
    assert {(d.PixelRepresentation, float(d.RescaleSlope)) for d in datasets} == {(1, 1.0), (0, 1.0), (1, 0.5)}


def test_padding_lies_outside_a_circle(folder, volume):
    DAMAGES["padding"](folder)
    pixels = np.stack([d.pixel_array for d in _series(folder)]).T.astype(int)
    outside = pixels == -2000
    assert outside[0, 0].all()
    assert not outside[20, 22].any()
    assert np.array_equal(pixels[~outside] - 1024, volume.array[~outside])
    assert pydicom.dcmread(folder / "0001.dcm").PixelPaddingValue == -2000


def test_shuffled_files_still_hold_every_slice(folder, volume):
    DAMAGES["shuffled"](folder)
    datasets = _series(folder)
    heights = [float(d.ImagePositionPatient[2]) for d in datasets]
    assert heights != sorted(heights)
    assert [d.InstanceNumber for d in datasets] == list(range(1, SLICES + 1))
    ordered = sorted(datasets, key=lambda d: float(d.ImagePositionPatient[2]))
    assert np.array_equal(np.stack([_hu(d) for d in ordered]).T, volume.array)


def test_strangers_have_series_of_their_own(folder):
    own = _series(folder)[0].SeriesInstanceUID
    for name in ("second_series", "localizer", "dose_page", "secondary_capture"):
        strangers = {pydicom.dcmread(path).SeriesInstanceUID for path in DAMAGES[name](folder)}
        assert len(strangers) == 1
        assert own not in strangers
    (inside,) = DAMAGES["localizer_in_series"](folder)
    assert pydicom.dcmread(inside).SeriesInstanceUID == own
    assert "LOCALIZER" in pydicom.dcmread(inside).ImageType


def test_captures_have_pictures_and_no_place(folder):
    dose, capture = (pydicom.dcmread(DAMAGES[name](folder)[0]) for name in ("dose_page", "secondary_capture"))
    assert (dose.Modality, dose.PhotometricInterpretation, dose.pixel_array.shape) == ("CT", "RGB", (64, 96, 3))
    assert (capture.Modality, capture.pixel_array.shape, capture.pixel_array.max()) == ("OT", (64, 96), 95)
    assert "ImagePositionPatient" not in dose
    assert "ImagePositionPatient" not in capture


def test_rubbish_is_no_dicom(folder):
    files = DAMAGES["rubbish"](folder)
    assert {path.name for path in files} >= {"DICOMDIR", "notes.txt", "empty.dcm"}
    for path in files:
        if path.name != "only_preamble.dcm":
            with pytest.raises((InvalidDicomError, EOFError)):
                pydicom.dcmread(path)


def test_truncated_file_lacks_pixels(folder):
    (path,) = DAMAGES["truncated"](folder)
    with pytest.raises((ValueError, EOFError, AttributeError)):
        _ = pydicom.dcmread(path).pixel_array


def test_compressed_pixels_are_left_alone(volume, tmp_path):
    write_dicom_series(volume, tmp_path, transfer_syntax="rle")
    with pytest.raises(ValueError, match="uncompressed"):
        DAMAGES["padding"](tmp_path)


def test_big_endian_and_deflated_can_be_damaged(volume, tmp_path):
    for syntax in ("big_endian", "deflated"):
        write_dicom_series(volume, tmp_path / syntax, transfer_syntax=syntax)
        DAMAGES["varied_rescale"](tmp_path / syntax)
        assert np.array_equal(np.stack([_hu(d) for d in _series(tmp_path / syntax)]).T, volume.array)
