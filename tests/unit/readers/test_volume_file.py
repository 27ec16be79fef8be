from pathlib import Path

import nibabel
import numpy as np
import pytest

from lungdet.readers import SeriesError, list_series, read_ct

SimpleITK = pytest.importorskip("SimpleITK")

RAS = np.array([[0.6, 0, 0, -10], [0, -0.7, 0, 20], [0, 0, 2, 5], [0, 0, 0, 1.0]])
LPS = np.diag([-1, -1, 1, 1]) @ RAS


def oblique_affine() -> np.ndarray:
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    affine = np.eye(4)
    affine[:3, :3] = turn * [0.6, 0.7, 2.0]
    affine[:3, 3] = [-10, 20, 5]
    return affine


@pytest.fixture
def hu() -> np.ndarray:
    """HU ``(5, 4, 6)``, int16, -1024 to 2000."""
    values = np.random.default_rng(7).integers(-1024, 2000, (5, 4, 6)).astype(np.int16)
    values[0, 0, 0] = -1024
    return values


def write_nifti(
    path: Path, values: np.ndarray, affine: np.ndarray | None = RAS, scale=None, units="mm", code=1
) -> Path:
    image = nibabel.Nifti1Image(values, affine)
    image.header.set_xyzt_units(units)
    image.set_qform(None, 0)
    image.set_sform(affine, code)
    if scale:
        image.header.set_slope_inter(*scale)
    image.to_filename(path)
    return path


def write_itk(path: Path, values: np.ndarray, affine_lps: np.ndarray = LPS) -> Path:
    image = SimpleITK.GetImageFromArray(values.transpose(2, 1, 0))
    spacing = np.linalg.norm(affine_lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((affine_lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(affine_lps[:3, 3].tolist())
    SimpleITK.WriteImage(image, str(path))
    return path


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz"])
@pytest.mark.parametrize("affine", [RAS, oblique_affine()])
def test_nifti_agrees_with_nibabel(tmp_path: Path, hu, name: str, affine: np.ndarray):
    path = write_nifti(tmp_path / name, hu, affine)
    volume = read_ct(path)
    reference = nibabel.load(path)
    np.testing.assert_array_equal(volume.array, reference.get_fdata())
    np.testing.assert_allclose(volume.affine_lps, np.diag([-1, -1, 1, 1]) @ reference.affine, atol=1e-12)
    assert volume.array.dtype == np.int16
    assert volume.array.transpose(2, 1, 0).flags.c_contiguous
    assert volume.info.source == str(path)
    assert (volume.info.series_uid, volume.info.slice_uids) == ("", ())


@pytest.mark.parametrize("name", ["scan.mha", "scan.mhd", "scan.nrrd", "scan.nhdr"])
@pytest.mark.parametrize("affine", [LPS, np.diag([-1, -1, 1, 1]) @ oblique_affine()])
def test_metaimage_and_nrrd_agree_with_simpleitk(tmp_path: Path, hu, name: str, affine: np.ndarray):
    path = write_itk(tmp_path / name, hu, affine)
    volume = read_ct([path])
    np.testing.assert_array_equal(volume.array, SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path))).T)
    np.testing.assert_allclose(volume.affine_lps, affine, atol=1e-9)
    assert volume.array.dtype == np.int16


def test_a_volume_is_listed_as_one_candidate(tmp_path: Path, hu):
    path = write_nifti(tmp_path / "scan.nii", hu)
    (candidate,) = list_series(path)
    assert str(candidate) == "scan.nii: (no description), 6 axial slices every 2 mm, 5 x 4 pixels of 0.6 x 0.7 mm"


def test_the_scale_of_nifti_is_applied(tmp_path: Path, hu):
    whole = read_ct(write_nifti(tmp_path / "whole.nii", (hu + 1024).astype(np.int16), scale=(1, -1024)))
    assert whole.array.dtype == np.int16
    np.testing.assert_array_equal(whole.array, hu)
    half = read_ct(write_nifti(tmp_path / "half.nii", hu, scale=(0.5, -3)))
    assert half.array.dtype == np.float32
    np.testing.assert_allclose(half.array, hu * 0.5 - 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32, np.float64, ">i2"])
def test_types_become_int16_only_if_whole(tmp_path: Path, hu, dtype):
    values = (hu % 200 - (0 if np.dtype(dtype).kind == "u" else 100)).astype(dtype)
    volume = read_ct(write_nifti(tmp_path / "scan.nii", values))
    assert volume.array.dtype == (np.float32 if np.dtype(dtype).kind == "f" else np.int16)
    np.testing.assert_array_equal(volume.array, values)


def test_float32_on_demand_holds_the_same_hu(tmp_path: Path, hu):
    path = write_nifti(tmp_path / "scan.nii", hu)
    volume = read_ct(path, dtype="float32")
    assert volume.array.dtype == np.float32
    np.testing.assert_array_equal(volume.array, hu)
    with pytest.raises(SeriesError, match="need 720 bytes"):  # what is stored, and the result
        read_ct(path, dtype="float32", max_bytes=480)


def test_large_values_stay_exact(tmp_path: Path, hu):
    values = hu.astype(np.int32)
    values[1, 1, 1] = 40_000
    volume = read_ct(write_nifti(tmp_path / "scan.nii", values))
    assert volume.array.dtype == np.float32
    np.testing.assert_array_equal(volume.array, values)


def test_padding_becomes_air(tmp_path: Path, hu):
    hu[0, 0, :2] = [-3024, -2048]
    path = write_itk(tmp_path / "scan.mhd", hu)
    volume = read_ct(path)
    assert volume.array[0, 0, :2].tolist() == [-1000, -1000]
    assert volume.array[0, 0, 2] == hu[0, 0, 2]
    assert volume.info.steps == ("set 2 voxels of padding to -1000 HU",)
    np.testing.assert_array_equal(read_ct(path, padding_hu=None).array, hu)


def test_nan_is_padding_and_infinity_is_refused(tmp_path: Path, hu):
    values = hu.astype(np.float32)
    values[0, 0, 0] = np.nan
    path = write_nifti(tmp_path / "scan.nii", values)
    assert read_ct(path).array[0, 0, 0] == -1000
    with pytest.raises(SeriesError, match="1 values are not finite"):
        read_ct(path, padding_hu=None)
    values[0, 0, 0] = np.inf
    with pytest.raises(SeriesError, match="1 values are not finite"):
        read_ct(write_nifti(tmp_path / "scan.nii", values))


def test_values_that_are_hardly_hu_are_told(tmp_path: Path, hu, caplog):
    volume = read_ct(write_nifti(tmp_path / "scan.nii", (hu % 255).astype(np.uint8)))
    assert "are they HU?" in volume.info.steps[0]
    assert "are they HU?" in caplog.text


def sheared(affine: np.ndarray) -> np.ndarray:
    affine = affine.copy()
    affine[:3, 2] += 0.4 * affine[:3, 1]
    return affine


def test_a_sheared_volume_is_refused_or_straightened(tmp_path: Path):
    """A field that is linear in the patient's coordinates stays where it is."""
    affine = sheared(RAS)
    index = np.stack(np.meshgrid(np.arange(8), np.arange(9), np.arange(10), indexing="ij"), axis=-1)
    gradient = np.array([20.0, 30.0, 10.0])
    values = ((index @ affine[:3, :3].T + affine[:3, 3]) @ gradient).astype(np.float32)
    path = write_nifti(tmp_path / "scan.nii", values, affine)
    with pytest.raises(SeriesError, match=r"the third axis leans by 7.97 degrees; pass on_tilt='resample'"):
        read_ct(path)
    volume = read_ct(path, on_tilt="resample")
    ras = np.diag([-1, -1, 1, 1]) @ volume.affine_lps
    index = np.stack(np.meshgrid(*map(np.arange, volume.array.shape), indexing="ij"), axis=-1)
    truth = (index @ ras[:3, :3].T + ras[:3, 3]) @ gradient
    assert volume.array.shape == (8, 13, 10)
    inside = np.abs(volume.array - truth) < 1e-2
    assert inside.sum() >= 8 * 8 * 10  # all but the border row of each slice
    assert (volume.array[~inside] == -1000).sum() == 8 * 10 * 4 - 8 * (10 - 2)
    with pytest.raises(SeriesError, match="max_bytes"):
        read_ct(path, on_tilt="resample", max_bytes=8 * 9 * 10 * 4)
    assert (read_ct(path, on_tilt="resample", padding_hu=None).array == -1000).any()


def test_rows_and_columns_must_be_at_a_right_angle(tmp_path: Path, hu):
    affine = RAS.copy()
    affine[0, 1] = 0.1
    with pytest.raises(SeriesError, match="rows and columns of its affine meet at"):
        read_ct(write_nifti(tmp_path / "scan.nii", hu, affine), on_tilt="resample")


def test_a_singular_affine_is_refused(tmp_path: Path, hu):
    affine = RAS.copy()
    affine[:3, 2] = affine[:3, 1]
    with pytest.raises(SeriesError, match="its affine is not finite or singular"):
        read_ct(write_nifti(tmp_path / "scan.nii", hu, affine))


def test_only_one_volume_is_read(tmp_path: Path, hu):
    assert read_ct(write_nifti(tmp_path / "one.nii", hu[..., None])).array.shape == (5, 4, 6)
    with pytest.raises(SeriesError, match="its shape is 5 x 4 x 6 x 2, not one 3D volume"):
        read_ct(write_nifti(tmp_path / "two.nii", np.stack([hu, hu], axis=-1)))
    with pytest.raises(SeriesError, match="its shape is 5 x 4, not one 3D volume"):
        read_ct(write_nifti(tmp_path / "flat.nii", hu[..., 0]))
    colour = SimpleITK.GetImageFromArray(np.zeros((3, 4, 5, 3), np.uint8), isVector=True)
    SimpleITK.WriteImage(colour, str(tmp_path / "colour.mha"))
    with pytest.raises(SeriesError, match="each voxel has 3 values"):
        read_ct(tmp_path / "colour.mha")


def test_nifti_without_a_place_is_refused(tmp_path: Path, hu):
    with pytest.raises(SeriesError, match="neither sform nor qform is set"):
        read_ct(write_nifti(tmp_path / "scan.nii", hu, code=0))
    with pytest.raises(SeriesError, match="its lengths are in micron"):
        read_ct(write_nifti(tmp_path / "scan.nii", hu, units="micron"))


def test_two_places_must_agree(tmp_path: Path, hu):
    path = tmp_path / "scan.nii"
    image = nibabel.Nifti1Image(hu, RAS)
    image.set_sform(RAS, 1)
    image.set_qform(RAS + [[0, 0, 0, 0.02], [0] * 4, [0] * 4, [0] * 4], 1)
    image.to_filename(path)
    np.testing.assert_allclose(read_ct(path).affine_lps, LPS, atol=1e-6)
    image.set_qform(RAS + [[0, 0, 0, 9.0], [0] * 4, [0] * 4, [0] * 4], 1)
    image.to_filename(path)
    with pytest.raises(SeriesError, match=r"sform and qform differ by 9.00 mm"):
        read_ct(path)


def test_complex_values_are_refused(tmp_path: Path, hu):
    with pytest.raises(SeriesError, match="complex64, not plain numbers"):
        read_ct(write_nifti(tmp_path / "scan.nii", hu.astype(np.complex64)))


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz", "scan.mha", "scan.nrrd"])
def test_damaged_files_are_refused(tmp_path: Path, hu, name: str):
    path = tmp_path / name
    write = write_nifti if ".nii" in name else write_itk
    write(path, hu)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - 60])
    with pytest.raises(SeriesError, match=f"{name}"):
        read_ct(path)
    path.write_bytes(b"rubbish")
    with pytest.raises(SeriesError, match=f"{name}"):
        read_ct(path)
    path.unlink()
    with pytest.raises(SeriesError, match="no such file"):
        read_ct(path)


@pytest.mark.parametrize(
    ("name", "dtype", "scale", "wanted"),
    [
        ("scan.nii", np.int16, None, 2),
        ("scan.nii.gz", np.int16, (0.5, 0), 2 + 4),  # what is stored, and float32
        ("scan.nii", np.float64, None, 8 + 4),
        ("scan.nrrd", np.int16, None, 2 + 2),  # ITK's block, and a copy
        ("scan.mha", np.int32, None, 4 + 4),
    ],
)
def test_a_large_volume_is_refused_before_it_is_read(tmp_path: Path, hu, name: str, dtype, scale, wanted: int):
    path = tmp_path / name
    if ".nii" in name:
        write_nifti(path, hu.astype(dtype), scale=scale)
    else:
        write_itk(path, hu.astype(dtype))
    with pytest.raises(SeriesError, match=f"6 x 4 x 5 voxels need {120 * wanted} bytes, more than max_bytes=200"):
        read_ct(path, max_bytes=200)
    assert read_ct(path, max_bytes=120 * wanted).array.shape == hu.shape


def test_a_volume_outlives_its_file(tmp_path: Path, hu):
    path = write_nifti(tmp_path / "scan.nii", hu)
    volume = read_ct(path)
    path.write_bytes(bytes(path.stat().st_size))
    np.testing.assert_array_equal(volume.array, hu)
    volume.array[0, 0, 0] = 1
