"""A radiograph enters a MONAI pipeline with its record, and its spacing is never made up."""

import pickle

import numpy as np
import pytest
import torch
from monai.data import MetaTensor, list_data_collate

from lungdet.phantoms import make_radiograph, write_radiograph_dicom
from lungdet.readers import RadiographError, read_radiograph
from lungdet.records import RadiographInfo
from lungdet.transforms import LoadRadiograph, LoadRadiographd


@pytest.fixture
def path(tmp_path):
    return write_radiograph_dicom(make_radiograph(0), tmp_path / "a.dcm", photometric="MONOCHROME1")


def test_the_tensor_and_its_record(path):
    image, radiograph = LoadRadiograph()(path), read_radiograph(path)
    assert isinstance(image, MetaTensor)
    assert (image.shape, image.dtype) == ((1, 256, 224), torch.float32)
    np.testing.assert_array_equal(image[0].numpy(), radiograph.pixels)
    assert image.meta["filename_or_obj"] == str(path)
    assert RadiographInfo.from_json(image.meta["radiograph"]) == radiograph.info
    np.testing.assert_array_equal(image.affine, np.eye(3))


def test_options_are_those_of_the_reader(path):
    assert LoadRadiograph(max_side=64)(path).shape == (1, 64, 56)
    with pytest.raises(TypeError, match="unknown options"):
        LoadRadiograph(size=3)
    with pytest.raises(RadiographError, match="there is no frame 1"):
        LoadRadiograph(frame=1)(path)


def test_the_dictionary_form_copies_and_collates(path):
    item = {"image": str(path), "label": 1}
    load = pickle.loads(pickle.dumps(LoadRadiographd("image", max_side=32)))  # noqa: S301
    loaded = load(item)
    assert item == {"image": str(path), "label": 1}
    assert loaded["label"] == 1
    batch = list_data_collate([loaded, load(item)])
    assert batch["image"].shape == (2, 1, 32, 28)
    assert RadiographInfo.from_json(batch["image"].meta["radiograph"][1]).modality == "DX"


def test_missing_keys(path):
    with pytest.raises(KeyError):
        LoadRadiographd("picture")({"image": path})
    assert LoadRadiographd("picture", allow_missing_keys=True)({"image": path}) == {"image": path}
