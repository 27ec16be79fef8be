import numpy as np
import pytest
import torch
from monai.data import box_utils

from lungdet.geometry import boxes as geometry
from lungdet.geometry.frames import boxes_to_voxel, boxes_to_world


def random_boxes(count: int, seed: int = 0, size: float = 100.0, dimensions: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(count, 2, dimensions, generator=generator) * size
    return torch.cat([corners.amin(dim=1), corners.amax(dim=1)], dim=1)


BOX = torch.tensor([[0.0, 2, 4, 10, 6, 5]])


def test_by_hand():
    assert geometry.box_centers(BOX).tolist() == [[5, 4, 4.5]]
    assert geometry.box_volumes(BOX).tolist() == [40]
    assert geometry.shift_boxes(BOX, (1, -2, 0.5)).tolist() == [[1, 0, 4.5, 11, 4, 5.5]]
    assert geometry.clip_boxes(BOX, (2, 0, 0), (8, 5, 9)).tolist() == [[2, 2, 4, 8, 5, 5]]
    assert geometry.fractions_inside(BOX, (0, 0, 0), (5, 3, 9)).tolist() == [0.125]


def test_centres_and_volumes_agree_with_monai():
    for dimensions in (2, 3):
        boxes = random_boxes(50, dimensions=dimensions)
        assert torch.allclose(geometry.box_centers(boxes), box_utils.box_centers(boxes))
        assert torch.allclose(geometry.box_volumes(boxes), box_utils.box_area(boxes))


def test_clipping_agrees_with_monai():
    boxes = random_boxes(50)
    theirs, _ = box_utils.spatial_crop_boxes(boxes, (20, 30, 0), (60, 70, 50), remove_empty=False)
    ours = geometry.shift_boxes(geometry.clip_boxes(boxes, (20, 30, 0), (60, 70, 50)), (-20, -30, 0))
    assert torch.allclose(ours, theirs)


def test_a_box_outside_becomes_empty_but_stays():
    clipped = geometry.clip_boxes(BOX, (50, 50, 50), (60, 60, 60))
    assert clipped.shape == (1, 6)
    assert geometry.box_volumes(clipped).item() == 0


def test_each_centre_is_in_exactly_one_cell():
    boxes = random_boxes(200)
    boxes = torch.cat([boxes, torch.tensor([[40.0, 40, 40, 60, 60, 60]])])  # its centre on the shared face
    cells = [((x, 0, 0), (x + 25, 100, 100)) for x in range(0, 100, 25)]
    inside = torch.stack([geometry.centers_inside(boxes, low, high) for low, high in cells])
    assert (inside.sum(dim=0) == 1).all()


def test_fractions_of_cells_add_up_to_one():
    boxes = random_boxes(100)
    cells = [((0, 0, z), (100, 100, z + 20)) for z in range(0, 100, 20)]
    total = sum(geometry.fractions_inside(boxes, low, high) for low, high in cells)
    assert torch.allclose(total, torch.ones(100), atol=1e-5)


def test_empty_box_has_no_fraction():
    assert geometry.fractions_inside(torch.tensor([[1.0, 1, 1, 1, 2, 2]]), (0, 0, 0), (9, 9, 9)).tolist() == [0]


def test_moving_agrees_with_the_way_through_the_world():
    boxes = random_boxes(20).double()
    before = torch.tensor([[-0.7, 0, 0, 170], [0, -0.7, 0, 150], [0, 0, 2.5, -300], [0, 0, 0, 1]], dtype=torch.float64)
    after = torch.tensor([[0, 0, 1.0, 3], [0, 1.0, 0, 7], [1.0, 0, 0, -30], [0, 0, 0, 1]], dtype=torch.float64)
    moved = geometry.move_boxes(boxes, torch.linalg.solve(after, before))
    assert torch.allclose(moved, boxes_to_voxel(boxes_to_world(boxes, before), after))


@pytest.mark.parametrize("fit", ["box", "ellipsoid"])
def test_zoom_scales_corners(fit):
    zoom = torch.diag(torch.tensor([2.0, 2, 0.5, 1]))
    zoom[:3, 3] = torch.tensor([0.5, 0.5, -0.25])  # edges stay edges: voxel centre 0 goes to 0.5
    assert torch.allclose(geometry.move_boxes(BOX, zoom, fit), BOX * torch.tensor([2, 2, 0.5, 2, 2, 0.5]))


def test_a_ball_does_not_grow_when_turned_but_its_box_does():
    turn = torch.eye(4, dtype=torch.float64)
    angle = np.deg2rad(45)
    turn[:2, :2] = torch.tensor([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    ball = torch.tensor([[-5.0, -5, -5, 5, 5, 5]]) + 0.5
    sides = lambda moved: (moved[:, 3:] - moved[:, :3]).flatten()  # noqa: E731
    assert torch.allclose(sides(geometry.move_boxes(ball, turn, "ellipsoid")), torch.tensor([10.0, 10, 10]))
    grown = torch.tensor([200**0.5, 200**0.5, 10])
    assert torch.allclose(sides(geometry.move_boxes(ball, turn)), grown)


def test_ellipsoid_touches_its_box():
    generator = np.random.default_rng(0)
    matrix = torch.eye(4, dtype=torch.float64)
    matrix[:3, :3] = torch.from_numpy(generator.normal(size=(3, 3)))
    box = torch.tensor([[-3.0, -4, -5, 3, 4, 5]], dtype=torch.float64) + 0.5
    surface = generator.normal(size=(200000, 3))
    surface = surface / np.linalg.norm(surface, axis=1, keepdims=True) * [3, 4, 5]
    mapped = surface @ matrix[:3, :3].numpy().T
    expected = np.concatenate([mapped.min(axis=0), mapped.max(axis=0)]) + 0.5
    assert np.allclose(geometry.move_boxes(box, matrix, "ellipsoid").numpy()[0], expected, rtol=1e-3)


def test_moving_keeps_the_type():
    assert geometry.move_boxes(BOX.half(), torch.eye(4)).dtype == torch.float16


def test_no_boxes():
    empty = torch.empty(0, 6)
    assert geometry.box_centers(empty).shape == (0, 3)
    assert geometry.box_volumes(empty).shape == (0,)
    assert geometry.shift_boxes(empty, (1, 2, 3)).shape == (0, 6)
    assert geometry.clip_boxes(empty, (0, 0, 0), (1, 1, 1)).shape == (0, 6)
    assert geometry.centers_inside(empty, (0, 0, 0), (1, 1, 1)).shape == (0,)
    assert geometry.fractions_inside(empty, (0, 0, 0), (1, 1, 1)).shape == (0,)
    assert geometry.move_boxes(empty, torch.eye(4)).shape == (0, 6)


@pytest.mark.parametrize("shape", [(6,), (2, 5), (1, 2, 6)])
def test_other_shapes_are_refused(shape):
    for function in (geometry.box_centers, geometry.box_volumes):
        with pytest.raises(ValueError, match=r"\(N, 6\)"):
            function(torch.zeros(shape))
    with pytest.raises(ValueError, match=r"\(N, 6\)"):
        geometry.move_boxes(torch.zeros(shape), torch.eye(4))


def test_unknown_fit_is_refused():
    with pytest.raises(ValueError, match="fit"):
        geometry.move_boxes(BOX, torch.eye(4), fit="sphere")
