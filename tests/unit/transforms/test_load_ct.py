import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor, decollate_batch
from monai.transforms import Compose, Orientationd, Spacingd

from lungdet.geometry.frames import ras_to_lps
from lungdet.phantoms import write_dicom_series
from lungdet.readers import SeriesError, read_ct
from lungdet.records import CTVolume, SeriesInfo
from lungdet.transforms.load_ct import LoadCT, LoadCTd, to_meta_tensor

AFFINE_LPS = np.array([[0.7, 0, 0, -11.3], [0, 0.6, 0, -7.1], [0, 0, 1.25, 100.9], [0, 0, 0, 1]])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a series of 6 slices of 8 rows and 10 columns."""
    array = np.random.default_rng(5).integers(-1000, 1500, (10, 8, 6)).astype(np.int16)
    write_dicom_series(CTVolume(array, AFFINE_LPS, SeriesInfo(source="made up")), tmp_path / "ct")
    return tmp_path / "ct"


def test_it_loads_what_read_ct_reads(folder: Path):
    image, volume = LoadCT()(folder), read_ct(folder)
    assert isinstance(image, MetaTensor)
    assert image.shape == (1, 10, 8, 6)
    assert image.dtype == torch.float32
    np.testing.assert_array_equal(image[0].numpy(), volume.array)
    assert SeriesInfo.from_json(image.meta["series"]) == volume.info
    assert image.meta["filename_or_obj"] == str(folder)
    assert image.meta["space"] == "RAS"
    assert image.meta["original_channel_dim"] == 0
    assert image.meta["spatial_shape"].tolist() == [10, 8, 6]


def test_the_affine_comes_back_exactly(folder: Path):
    image, volume = LoadCT()(folder), read_ct(folder)
    assert image.affine.dtype == torch.float64
    np.testing.assert_array_equal(ras_to_lps(image.affine.numpy()), volume.affine_lps)
    np.testing.assert_array_equal(image.meta["original_affine"], image.affine)
    # Orthonormal axes that point to right and anterior have negative steps in RAS.
    assert image.affine[0, 0] < 0
    assert image.affine[1, 1] < 0


def test_the_type_can_be_kept_or_named(folder: Path):
    assert LoadCT(dtype=None)(folder).dtype == torch.int16
    assert LoadCT(dtype="float16")(folder).dtype == torch.float16
    with pytest.raises(ValueError, match="dtype must be"):
        LoadCT(dtype=7)


def test_nothing_is_copied_when_the_type_stays(folder: Path):
    volume = read_ct(folder)
    image = to_meta_tensor(volume, None)
    assert image.data_ptr() == torch.from_numpy(volume.array).data_ptr()
    assert to_meta_tensor(volume).as_tensor()[0].permute(2, 1, 0).is_contiguous()


def test_options_go_to_the_reader(folder: Path):
    next(folder.glob("*3.dcm")).unlink()
    with pytest.raises(SeriesError, match="missing"):
        LoadCT()(folder)
    assert LoadCT(on_gap="interpolate")(folder).shape == (1, 10, 8, 6)
    assert LoadCTd("image", on_gap="interpolate")({"image": folder})["image"].shape == (1, 10, 8, 6)


def test_wrong_options_are_refused_at_construction():
    with pytest.raises(ValueError, match="on_gap must be one of"):
        LoadCT(on_gap="ignore")
    with pytest.raises(TypeError, match="on_holes"):
        LoadCTd("image", on_holes="interpolate")
    assert LoadCT(series="1.2", choose="thinnest").options == {"series": "1.2", "choose": "thinnest"}


def test_dictionaries_are_copied_and_keys_may_be_missing(folder: Path):
    data = {"image": str(folder), "label": 3}
    item = LoadCTd(["image", "prior"], allow_missing_keys=True)(data)
    assert data == {"image": str(folder), "label": 3}
    assert item["label"] == 3
    assert item["image"].shape == (1, 10, 8, 6)
    with pytest.raises(KeyError, match="prior"):
        LoadCTd(["image", "prior"])(data)


def test_a_pipeline_goes_there_and_back(folder: Path):
    pipeline = Compose(
        [
            LoadCTd("image"),
            Orientationd("image", axcodes="RAS", labels=None),
            Spacingd("image", pixdim=(1.4, 1.2, 1.25)),
        ]
    )
    item = pipeline({"image": folder})
    np.testing.assert_allclose(np.diag(item["image"].affine), [1.4, 1.2, 1.25, 1.0])
    back = pipeline.inverse(item)["image"]
    image = LoadCT()(folder)
    assert back.shape == image.shape
    np.testing.assert_allclose(back.affine, image.affine, atol=1e-9)


def test_oriented_voxels_stay_at_their_place(folder: Path):
    """A voxel is found at the same point of the patient before and after Orientationd."""
    image = LoadCT()(folder)
    oriented = Orientationd("image", axcodes="RAS", labels=None)({"image": image})["image"]
    point = image.affine @ torch.tensor([2.0, 3.0, 4.0, 1.0], dtype=torch.float64)
    i, j, k = (torch.linalg.inv(oriented.affine) @ point)[:3].round().int().tolist()
    assert oriented[0, i, j, k] == image[0, 2, 3, 4]


@pytest.mark.parametrize("workers", [0, 1])
def test_it_collates(folder: Path, workers: int):
    loader = DataLoader(Dataset([{"image": folder}] * 2, LoadCTd("image")), batch_size=2, num_workers=workers)
    batch = next(iter(loader))
    assert batch["image"].shape == (2, 1, 10, 8, 6)
    one = decollate_batch(batch)[1]["image"]
    np.testing.assert_array_equal(one, LoadCT()(folder))
    assert SeriesInfo.from_json(one.meta["series"]).series_uid


def test_transforms_can_be_pickled(folder: Path):
    again = pickle.loads(pickle.dumps(LoadCTd("image", choose="thinnest", dtype=None)))  # noqa: S301
    assert again({"image": folder})["image"].dtype == torch.int16


@pytest.mark.parametrize("dtype", ["int8", "uint8", "uint16"])
def test_a_type_that_cannot_hold_the_volume_is_refused(folder: Path, dtype: str):
    with pytest.raises(ValueError, match=rf"torch.{dtype} cannot hold HU from -\d+ to \d+; leave dtype float32"):
        LoadCT(dtype=dtype)(folder)


def test_fractions_of_hu_are_not_cut_off():
    volume = CTVolume(np.full((3, 4, 5), 0.5, np.float32), AFFINE_LPS, SeriesInfo(source="made up"))
    with pytest.raises(ValueError, match=r"made up: its HU have fractions, which torch.int16 would cut off"):
        to_meta_tensor(volume, torch.int16)
    assert to_meta_tensor(volume, torch.float16).dtype == torch.float16
    whole = CTVolume(np.full((3, 4, 5), -3.0, np.float32), AFFINE_LPS, SeriesInfo(source="made up"))
    assert to_meta_tensor(whole, torch.int8).unique().tolist() == [-3]


@pytest.mark.parametrize("dtype", [torch.bool, torch.complex64])
def test_types_that_are_no_ct_are_refused(dtype):
    with pytest.raises(ValueError, match="dtype must be a torch dtype of real numbers"):
        LoadCT(dtype=dtype)
