"""A part of a resampled grid has the voxels of the whole one, of whatever scan."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Orientation, Spacing

from lungdet.transforms.part_of_grid import Grid, resample_part, resampled_grid, span_of

FLIPPED = np.array([[-0.9, 0, 0, 40], [0, -0.9, 0, 30], [0, 0, 3.3, -100], [0, 0, 0, 1]])
CORONAL = np.array([[0, 1.1, 0, -7], [0, 0, 2.0, 3], [-0.8, 0, 0, 55.5], [0, 0, 0, 1]])
TURN = np.array([[0.98, -0.17, 0.1, 0], [0.17, 0.985, 0, 0], [-0.1, 0.02, 0.995, 0], [0, 0, 0, 1]])
AFFINES = {"flipped": FLIPPED, "coronal": CORONAL, "fine": np.diag([0.5, 0.6, 0.7, 1.0]), "oblique": TURN @ FLIPPED}
AFFINES |= {"on the grid": np.diag([1.4, 1.4, 1.4, 1.0])}
SPACING_MM = (1.4, 1.4, 1.4)


def image_of(name: str, shape: tuple[int, int, int] = (40, 44, 36)) -> MetaTensor:
    affine = torch.from_numpy(AFFINES[name])
    values = torch.from_numpy(np.random.default_rng(1).uniform(-1000, 1000, (1, *shape)).astype(np.float32))
    return MetaTensor(values, affine=affine, meta={"original_affine": affine})


def whole_of(image: MetaTensor) -> MetaTensor:
    return Compose([Orientation("RAS", labels=None), Spacing(SPACING_MM)])(image)


@pytest.mark.parametrize("name", AFFINES)
def test_the_grid_is_that_of_the_whole(name: str):
    image = image_of(name)
    grid, whole = resampled_grid(image, SPACING_MM), whole_of(image)
    assert grid.shape == tuple(whole.shape[1:])
    assert torch.allclose(grid.affine_ras, whole.affine, atol=1e-12)
    assert not image.has_pending_operations


@pytest.mark.parametrize("name", AFFINES)
@pytest.mark.parametrize("part", ["middle", "begin", "end", "all", "one voxel"])
def test_a_part_is_cut_out_of_the_whole(name: str, part: str):
    image = image_of(name)
    grid, whole = resampled_grid(image, SPACING_MM), whole_of(image)
    cuts = {"middle": (0.25, 0.75), "begin": (0, 0.5), "end": (0.5, 1), "all": (0, 1), "one voxel": (0.5, 0)}
    low, high = cuts[part]
    x, y, z = (slice(int(low * n), max(int(low * n) + 1, int(high * n))) for n in grid.shape)
    cut = resample_part(image, grid, (x, y, z))
    assert cut.dtype == torch.float32
    assert (cut.as_tensor() - whole.as_tensor()[:, x, y, z]).abs().max() < 1e-4
    first = torch.tensor([x.start, y.start, z.start, 1], dtype=torch.float64)
    assert torch.allclose(cut.affine[:, 3], whole.affine @ first, atol=1e-9)
    assert torch.allclose(cut.affine[:3, :3], whole.affine[:3, :3], atol=1e-12)
    again = whole_of(cut)  # what is on the grid stays as it is
    assert torch.equal(again.as_tensor(), cut.as_tensor())
    assert torch.allclose(again.affine, cut.affine, atol=1e-12)


def test_a_span_by_hand():
    image = MetaTensor(torch.zeros(1, 50, 50, 50), affine=torch.diag(torch.tensor([2.0, 2, 4, 1]).double()))
    grid = Grid(torch.eye(4, dtype=torch.float64), (100, 60, 197))
    # Voxels 10 to 19 of 2 mm: edges at 19 and 39 mm, which are 19.5 and 39.5 in the edge frame of the 1 mm grid
    box = (slice(10, 20), slice(10, 20), slice(10, 20))
    assert span_of(box, image, grid, 0.0, (1, 1, 1)) == (slice(19, 40), slice(19, 40), slice(38, 79))
    assert span_of(box, image, grid, 5.0, (16, 1, 2)) == (slice(0, 48), slice(14, 45), slice(32, 84))
    assert span_of(box, image, grid, 500.0, (16, 16, 2)) == (slice(0, 100), slice(0, 60), slice(0, 197))


def test_edges_that_meet_take_no_voxel_more():
    image = image_of("on the grid")
    box = (slice(3, 8), slice(0, 44), slice(10, 11))
    assert span_of(box, image, resampled_grid(image, SPACING_MM), 0.0, (1, 1, 1)) == box


def test_a_flipped_axis_runs_the_other_way():
    image = image_of("flipped")
    grid = resampled_grid(image, (0.9, 0.9, 3.3))
    assert span_of((slice(0, 5), slice(34, 44), slice(2, 36)), image, grid, 0.0, (1, 1, 1)) == (
        slice(35, 40), slice(0, 10), slice(2, 36)
    )  # fmt: skip
