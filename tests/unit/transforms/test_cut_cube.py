import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from lungdet.geometry.cubes import cut_cube
from lungdet.geometry.frames import ras_to_lps
from lungdet.transforms import CutCube, CutCubed

CENTER = (-95.0, -85.0, -280.0)


def test_the_cube_is_that_of_the_function_with_its_affine_in_ras(scan):
    cube = CutCube(side=10, spacing_mm=0.9)(scan, CENTER)
    wanted = cut_cube(scan[0].numpy(), ras_to_lps(scan.affine.numpy()), CENTER, 10, 0.9)
    assert isinstance(cube, MetaTensor)
    assert (cube.shape, cube.dtype) == ((1, 10, 10, 10), torch.float32)
    assert np.array_equal(cube.numpy(), wanted.hu)
    assert np.allclose(ras_to_lps(cube.affine.numpy()), wanted.affine_lps)
    assert cube.meta["inside"] == wanted.inside
    assert cube.meta["filename_or_obj"] == "scan"


def test_the_dictionary_form_takes_the_mark_from_its_key(scan):
    item = {"image": scan, "mark": torch.tensor(CENTER), "image2": scan}
    found = CutCubed(["image", "image2"], center_key="mark", side=6)(item)
    assert torch.equal(found["image"], CutCube(side=6)(scan, CENTER))
    assert torch.equal(found["image"], found["image2"])
    assert item["image"] is scan


def test_what_has_no_place_or_channel_is_refused(scan):
    with pytest.raises(ValueError, match="without affine"):
        CutCube()(torch.zeros(1, 4, 4, 4), CENTER)
    with pytest.raises(ValueError, match=r"\(1, X, Y, Z\) is wanted"):
        CutCube()(scan[0], CENTER)
    with pytest.raises(ValueError, match="must be positive"):
        CutCube(spacing_mm=0)
