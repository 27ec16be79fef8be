"""The lungs of a study are found once, by whoever asks first."""

from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from lungdet.geometry import frames
from lungdet.geometry.lung_mask import LungMask
from lungdet.records import SeriesInfo
from lungdet.transforms import CropToLungsd
from lungdet.workflows import study_lungs
from lungdet.workflows.study_lungs import lungs_of


@pytest.fixture
def item() -> dict[str, Any]:
    """Two lungs in a block of tissue, 4 x 4 x 8 mm."""
    hu = torch.full((1, 30, 60, 80), -1000.0).permute(0, 3, 2, 1)  # as readers give it
    hu[:, 5:75, 5:55] = 40.0
    hu[:, 10:35, 10:50, 3:27] = -850.0
    hu[:, 45:70, 10:50, 3:27] = -850.0
    affine = torch.from_numpy(frames.ras_to_lps(np.diag([4.0, 4.0, 8.0, 1.0])))
    ct = MetaTensor(hu, affine=affine, meta={"series": SeriesInfo(source="made").to_json()})
    return {"ct": ct, "image": ct}


def test_the_mask_of_the_crop_is_taken(item: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    plain = lungs_of(dict(item))
    cropped = CropToLungsd("image")(item)
    monkeypatch.setattr(study_lungs, "lung_mask", None)  # not to be called
    found = lungs_of(cropped)
    assert found.found
    assert np.shares_memory(found.labels, cropped["lungs"].numpy())
    assert np.array_equal(found.labels, plain.labels)
    assert found.notes == plain.notes == ()


def test_what_is_missing_is_told_either_way(item: dict[str, Any]):
    item["ct"][:, 40:] = 40.0
    plain = lungs_of(dict(item))
    found = lungs_of(CropToLungsd("image")(item))
    assert found.notes == plain.notes
    assert "only one lung is seen" in found.notes[0]
    item["ct"].fill_(-1000.0)
    assert lungs_of(CropToLungsd("image")(item)).reason == "no body is seen"


def test_it_is_looked_for_once(item: dict[str, Any]):
    first = lungs_of(item)
    assert lungs_of(item) is first
    assert isinstance(item["lungs"], LungMask)
    assert np.array_equal(lungs_of(MappingProxyType({"ct": item["ct"]})).labels, first.labels)


def test_another_grids_mask_is_not_taken(item: dict[str, Any]):
    item["lungs"] = MetaTensor(torch.ones(1, 4, 4, 4, dtype=torch.uint8))
    assert lungs_of(item).labels.shape == (80, 60, 30)
