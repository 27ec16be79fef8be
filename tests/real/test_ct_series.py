"""Real CT series, voxel for voxel and affine against readers that share no code with lungdet."""

from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from scipy import ndimage

from lungdet.readers import SeriesError, list_series, read_ct

SimpleITK = pytest.importorskip("SimpleITK")

GOOD = ["acrin_nsclc_chest", "dcmqi_3slice_and_seg/ct-3slice"]
HALVES = {"ADD": slice(0, 14), "later": slice(14, 28)}  # of the tilted head, each with one step


def read_by_simpleitk(folder: Path):
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def affine_of(image) -> np.ndarray:
    """Affine in LPS of a SimpleITK image."""
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return affine


@pytest.fixture
def ct(real_data: Path) -> Path:
    return real_data / "ct"


@pytest.mark.parametrize("name", GOOD)
def test_good_series_agree_with_simpleitk(ct: Path, name: str):
    reference = read_by_simpleitk(ct / name)
    volume = read_ct(ct / name, padding_hu=None)
    np.testing.assert_array_equal(volume.array, SimpleITK.GetArrayViewFromImage(reference).T)
    np.testing.assert_allclose(volume.affine_lps, affine_of(reference), atol=1e-5)
    assert volume.array.dtype == np.int16


@pytest.mark.parametrize("name", GOOD)
def test_good_series_agree_with_itk(ct: Path, name: str):
    itk = pytest.importorskip("itk")
    names = itk.GDCMSeriesFileNames.New(Directory=str(ct / name))
    reference = itk.imread(list(names.GetFileNames(names.GetSeriesUIDs()[0])), itk.SS)
    volume = read_ct(ct / name, padding_hu=None)
    np.testing.assert_array_equal(volume.array, itk.array_view_from_image(reference).T)
    affine = itk.array_from_matrix(reference.GetDirection()) * np.asarray(reference.GetSpacing())
    np.testing.assert_allclose(volume.affine_lps[:3, :3], affine, atol=1e-5)
    np.testing.assert_allclose(volume.affine_lps[:3, 3], np.asarray(reference.GetOrigin()), atol=1e-5)


@pytest.mark.parametrize("half", HALVES)
def test_even_parts_of_the_tilted_head_are_straightened_as_scipy_would(ct: Path, half: str):
    """Each voxel is looked up, by its place in the patient, in the tilted slices as pydicom reads them."""
    files = sorted((ct / "ge_head_tilted").iterdir())[HALVES[half]]
    with pytest.raises(SeriesError, match=r"gantry is tilted by \+18.5 degrees"):
        read_ct(files)
    volume = read_ct(files, on_tilt="resample", padding_hu=None)
    slices = [pydicom.dcmread(file) for file in files]  # named in their order
    first, last = (np.array(one.ImagePositionPatient, float) for one in (slices[0], slices[-1]))
    tilted = np.eye(4)
    tilted[:3, 0] = np.array(slices[0].ImageOrientationPatient[:3], float) * float(slices[0].PixelSpacing[1])
    tilted[:3, 1] = np.array(slices[0].ImageOrientationPatient[3:], float) * float(slices[0].PixelSpacing[0])
    tilted[:3, 2], tilted[:3, 3] = (last - first) / (len(files) - 1), first
    to_tilted = np.linalg.inv(tilted) @ volume.affine_lps
    rows = np.arange(volume.array.shape[1])
    for plane in range(0, len(files), 4):
        within = to_tilted @ np.stack([np.full_like(rows, 250), rows, np.full_like(rows, plane), np.ones_like(rows)])
        assert within[0] == pytest.approx(250, abs=1e-3)  # the tilt is about the rows
        assert within[2] == pytest.approx(plane, abs=1e-3)
        expected = ndimage.map_coordinates(slices[plane].pixel_array[:, 250].astype(float), within[1:2], order=1)
        inside = (within[1] >= 0) & (within[1] <= 511)
        assert np.abs(volume.array[250, :, plane] - expected)[inside].max() <= 1.5
        assert (volume.array[250, :, plane][within[1] < -1] == -1000).all()


def test_padding_becomes_air(ct: Path):
    kept, filled = (read_ct(ct / "acrin_nsclc_chest", padding_hu=hu).array for hu in (None, -1000))
    assert kept.min() == -3024
    assert (filled[kept <= -1500] == -1000).all()
    np.testing.assert_array_equal(filled[kept > -1500], kept[kept > -1500])


def test_the_segmentation_is_left_out(ct: Path):
    volume = read_ct(ct / "dcmqi_3slice_and_seg")
    assert volume.array.shape == (512, 512, 3)
    assert "left out 1 file: modality SEG" in volume.info.steps


def test_the_tilted_head_is_refused_with_its_numbers(ct: Path):
    with pytest.raises(SeriesError, match=r"tilted by \+18.5 degrees: .*48.21 mm.*steps of 4.22, 1.14, 7.38 mm"):
        read_ct(ct / "ge_head_tilted")
    with pytest.raises(SeriesError, match=r"step changes: .* between 14.dcm and 15.dcm \(1.08 mm, typical 4.00 mm\)"):
        read_ct(ct / "ge_head_tilted", on_tilt="resample")


def test_the_tilted_head_is_read_where_it_is_allowed(ct: Path):
    volume = read_ct(ct / "ge_head_tilted", on_tilt="resample", on_spacing="resample")
    columns = volume.affine_lps[:3, :3]
    spacing = np.linalg.norm(columns, axis=0)
    np.testing.assert_allclose((columns / spacing).T @ (columns / spacing), np.eye(3), atol=1e-6)
    np.testing.assert_allclose(spacing, [0.4882812, 0.4882812, 4.22 * 0.9483237], atol=1e-5)


def test_mixed_planes_are_listed(ct: Path):
    candidates = list_series(ct / "ny_sbu_mixed_planes")
    assert sorted(candidate.plane for candidate in candidates) == ["axial"] * 2 + ["coronal"] * 2 + ["sagittal"] * 2
    with pytest.raises(SeriesError, match="6 series could be read") as caught:
        read_ct(ct / "ny_sbu_mixed_planes")
    assert all(str(candidate) in str(caught.value) for candidate in candidates)
    assert (
        "RescaleType 'Houndsfield Unit' taken as HU"
        in read_ct(ct / "ny_sbu_mixed_planes/coronal/19001231-076.dcm", on_single="thickness").info.steps
    )


def test_one_slice_in_many_syntaxes_is_one_place_with_different_pixels(ct: Path):
    """Some of the 16 files are lossy."""
    with pytest.raises(SeriesError, match=r"lie at one height .* with different pixels"):
        read_ct(ct / "transfer_syntaxes")
    lossless = [file for file in (ct / "transfer_syntaxes").iterdir() if file.name.endswith(("1.2.1.dcm", "1.2.2.dcm"))]
    assert read_ct(lossless, on_single="thickness").info.steps[0].startswith("dropped 1 slice")


def test_broken_files_are_sorted_without_harm(real_data: Path):
    with pytest.raises(SeriesError) as caught:
        read_ct(real_data / "broken")
    assert "2 series could be read" in str(caught.value)


@pytest.mark.parametrize("suffix", [".nii.gz", ".mha"])
def test_the_chest_survives_other_formats(ct: Path, tmp_path: Path, suffix: str):
    volume = read_ct(ct / "dcmqi_3slice_and_seg/ct-3slice", padding_hu=None)
    path = tmp_path / f"scan{suffix}"
    SimpleITK.WriteImage(read_by_simpleitk(ct / "dcmqi_3slice_and_seg/ct-3slice"), str(path))
    again = read_ct(path, padding_hu=None)
    np.testing.assert_array_equal(again.array, volume.array)
    np.testing.assert_allclose(again.affine_lps, volume.affine_lps, atol=1e-4)
    if suffix == ".nii.gz":
        reference = nibabel.load(path)
        np.testing.assert_array_equal(again.array, reference.get_fdata())
        np.testing.assert_allclose(again.affine_lps, np.diag([-1, -1, 1, 1]) @ reference.affine, atol=1e-9)
