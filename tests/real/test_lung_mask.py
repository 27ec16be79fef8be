"""Lungs of real scans: volumes and densities of an adult, sides, and what is left out."""

from pathlib import Path

import numpy as np
import pytest

from lungdet.geometry.frames import spacing_of
from lungdet.geometry.lung_facts import lung_facts
from lungdet.geometry.lung_mask import LungMask, lung_mask
from lungdet.readers import read_ct
from lungdet.records import CTVolume


@pytest.fixture(scope="module")
def chest(real_data: Path) -> CTVolume:
    return read_ct(real_data / "ct" / "acrin_nsclc_chest")


@pytest.fixture(scope="module")
def found(chest: CTVolume) -> LungMask:
    return lung_mask(chest.array, chest.affine_lps)


def test_volumes_and_density_are_those_of_an_adult(chest: CTVolume, found: LungMask):
    assert not found.notes
    x, y, z = (float(step) for step in spacing_of(chest.affine_lps))
    facts = lung_facts(chest.array, found.labels, (x, y, z))
    assert 3000 < facts["both"].volume_ml < 8000
    assert 1.0 < facts["right"].volume_ml / facts["left"].volume_ml < 1.4  # the heart takes from the left one
    assert -900 < facts["both"].mean_hu < -700
    assert facts["both"].emphysema_percent < 5


def test_the_right_lung_lies_at_the_patients_right(chest: CTVolume, found: LungMask):
    voxels = [np.argwhere(found.labels[::8, ::8, ::4] == side).mean(axis=0) * (8, 8, 4) for side in (1, 2)]
    right, left = (chest.affine_lps[:3, :3] @ voxel + chest.affine_lps[:3, 3] for voxel in voxels)
    assert 80 < left[0] - right[0] < 250  # LPS: x rises to the patient's left


def test_the_mask_ends_where_the_lungs_end(chest: CTVolume, found: LungMask):
    held = found.labels.any(axis=(0, 1))
    assert not held[0]
    assert not held[-1]
    assert (np.diff(held.astype(int)) != 0).sum() == 2  # one run of slices: no gas in the belly, no gap
    assert (chest.array[found.labels > 0] < -400).mean() > 0.9


def test_three_thin_slices_have_two_lungs(real_data: Path):
    volume = read_ct(real_data / "ct" / "dcmqi_3slice_and_seg", choose="thinnest")
    labels = lung_mask(volume.array, volume.affine_lps).labels
    sizes = np.bincount(labels.ravel(), minlength=3)[1:]
    assert 0.7 < sizes[0] / sizes[1] < 1.4
