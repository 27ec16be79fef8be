"""Cubes of a real chest CT, against SimpleITK's linear resampling of the same places."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from lungdet.geometry.cubes import cut_cube
from lungdet.geometry.frames import voxel_to_world
from lungdet.readers import read_ct
from lungdet.records import CTVolume


@pytest.fixture(scope="module")
def chest(real_data: Path) -> CTVolume:
    return read_ct(real_data / "ct" / "acrin_nsclc_chest")


def test_simpleitk_resamples_the_same_cubes(chest: CTVolume):
    affine = chest.affine_lps
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    image = sitk.GetImageFromArray(np.ascontiguousarray(chest.array.transpose(2, 1, 0)).astype(np.float32))
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    image.SetDirection((affine[:3, :3] / spacing).ravel().tolist())
    marks = np.random.default_rng(0).uniform((40, 40, 20), np.array(chest.array.shape) - (40, 40, 20), (5, 3))
    for center in voxel_to_world(marks, affine):
        cube = cut_cube(chest.array, affine, center)
        place = sitk.Image(48, 48, 48, sitk.sitkFloat32)
        place.SetOrigin(cube.affine_lps[:3, 3].tolist())
        place.SetDirection(cube.affine_lps[:3, :3].ravel().tolist())
        wanted = sitk.GetArrayFromImage(sitk.Resample(image, place, sitk.Transform(), sitk.sitkLinear, -1000.0))
        assert cube.inside == 1
        assert np.abs(cube.hu[0] - wanted.transpose(2, 1, 0)).max() < 0.01
