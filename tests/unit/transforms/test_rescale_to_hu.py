import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose

from lungdet.transforms import RescaleToHU, RescaleToHUd
from lungdet.transforms.dicom_meta import find_number


@pytest.mark.parametrize("make", [np.asarray, torch.as_tensor])
def test_unsigned_values_do_not_wrap_around(make):
    stored = make(np.full((1, 2, 2, 2), 24, dtype=np.uint16))
    hu = RescaleToHU(1, -1024)(stored)
    assert isinstance(hu, MetaTensor)
    assert hu.dtype == torch.float32
    assert (hu == -1000).all()


@pytest.mark.parametrize(
    "meta",
    [
        {"RescaleSlope": 2, "RescaleIntercept": -1024.0},
        {"0028|1053": "2 ", "0028|1052": " -1024"},
        {"00281053": {"vr": "DS", "Value": [2]}, "00281052": {"vr": "DS", "Value": [-1024]}},
        {"RescaleSlope": [2, 2, 2], "RescaleIntercept": np.array([-1024, -1024, -1024])},
    ],
    ids=["pydicom", "itk", "json", "per slice"],
)
def test_slope_and_intercept_of_the_metadata(meta):
    stored = MetaTensor(torch.full((1, 2, 2, 3), 10, dtype=torch.int16), meta=meta)
    hu = RescaleToHU()(stored)
    assert (hu == -1004).all()
    assert hu.meta["affine"].equal(stored.affine)


def test_what_is_given_wins_over_the_metadata():
    stored = MetaTensor(torch.ones(1, 2, 2, 2), meta={"RescaleSlope": 2, "RescaleIntercept": 0})
    assert (RescaleToHU(slope=5)(stored) == 5).all()
    assert RescaleToHU([1, 2], [0, 10])(stored)[0, 0, 0].tolist() == [1, 12]


@pytest.mark.parametrize("image", [torch.ones(1, 2, 2, 2), MetaTensor(torch.ones(1, 2, 2, 2))])
def test_nothing_is_guessed(image):
    with pytest.raises(ValueError, match="RescaleSlope is neither given nor"):
        RescaleToHU()(image)
    with pytest.raises(ValueError, match="RescaleIntercept is neither given nor"):
        RescaleToHU(slope=1)(image)


def test_dictionary(item):
    out = Compose([RescaleToHUd(["image", "prior"], 2, -10, allow_missing_keys=True)])(item)
    assert torch.equal(out["image"].as_tensor(), item["image"].as_tensor() * 2.0 - 10)
    assert out["image"].stride() == item["image"].stride()
    assert item["image"].dtype == torch.int16
    with pytest.raises(KeyError, match="prior"):
        RescaleToHUd(["image", "prior"], 2, -10)(item)


def test_empty_elements_count_as_none():
    for meta in ({}, {"RescaleSlope": ""}, {"RescaleSlope": []}, {"00281053": {"vr": "DS"}}):
        assert find_number(meta, "RescaleSlope") is None
