import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from monai.apps.detection.transforms.dictionary import AffineBoxToImageCoordinated, AffineBoxToWorldCoordinated
from monai.data import MetaTensor
from scipy.spatial.transform import Rotation

from lungdet.geometry import frames

CHEST = np.array([[-0.7, 0, 0, 170], [0, -0.7, 0, 150], [0, 0, 2.5, -300], [0, 0, 0, 1.0]])
coordinates = st.floats(-500, 500, width=32)


def oblique(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    affine = np.eye(4)
    affine[:3, :3] = Rotation.random(random_state=seed).as_matrix() * rng.uniform(0.4, 5, 3)
    affine[:3, 3] = rng.uniform(-300, 300, 3)
    return affine


def ordered(corners: np.ndarray) -> np.ndarray:
    pair = corners.reshape(-1, 2, 3)
    return np.concatenate([pair.min(axis=1), pair.max(axis=1)], axis=1)


boxes_strategy = arrays(np.float64, st.tuples(st.integers(0, 5), st.just(6)), elements=coordinates).map(ordered)


def test_ras_to_lps_by_hand():
    assert frames.ras_to_lps(np.array([[1.0, 2, 3]])).tolist() == [[-1, -2, 3]]
    turned = frames.ras_to_lps(CHEST)
    assert turned.tolist() == [[0.7, 0, 0, -170], [0, 0.7, 0, -150], [0, 0, 2.5, -300], [0, 0, 0, 1]]


def test_ras_to_lps_leaves_its_argument_alone():
    affine, points = CHEST.copy(), torch.ones(2, 3)
    frames.ras_to_lps(affine)
    frames.ras_to_lps(points)
    assert np.array_equal(affine, CHEST)
    assert torch.equal(points, torch.ones(2, 3))


@given(arrays(np.float64, st.tuples(st.integers(0, 4), st.just(3)), elements=coordinates))
def test_ras_to_lps_is_its_own_inverse(points):
    assert np.array_equal(frames.lps_to_ras(frames.ras_to_lps(points)), points)


def test_point_in_ras_and_lps_is_one_point():
    voxel = np.array([[3.0, 5, 7]])
    in_ras = frames.voxel_to_world(voxel, CHEST)
    in_lps = frames.voxel_to_world(voxel, frames.ras_to_lps(CHEST))
    assert np.allclose(frames.ras_to_lps(in_ras), in_lps)


@pytest.mark.parametrize("shape", [(3,), (2, 4), (3, 3, 3), (3, 4)])
def test_ras_to_lps_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match="affine or"):
        frames.ras_to_lps(np.zeros(shape))


def test_voxel_three_spans_three_to_four_in_the_edge_frame():
    assert frames.voxel_to_edge(np.array([[3.0, 0, 0]])).tolist() == [[3.5, 0.5, 0.5]]
    assert frames.edge_to_voxel(np.array([[3.5, 0.5, 0.5]])).tolist() == [[3, 0, 0]]


def test_voxel_to_world_by_hand():
    assert np.allclose(frames.voxel_to_world(np.array([[10.0, 20, 4]]), CHEST), [[163, 136, -290]])


@settings(deadline=None)
@given(arrays(np.float64, st.tuples(st.integers(0, 4), st.just(3)), elements=coordinates), st.integers(0, 1000))
def test_voxel_to_world_and_back(points, seed):
    affine = oblique(seed)
    back = frames.world_to_voxel(frames.voxel_to_world(points, affine), affine)
    assert np.allclose(back, points, atol=1e-6)


def test_voxel_to_world_agrees_with_nibabel():
    nibabel = pytest.importorskip("nibabel")
    points = np.random.default_rng(0).uniform(-50, 50, (20, 3))
    affine = oblique(3)
    assert np.allclose(frames.voxel_to_world(points, affine), nibabel.affines.apply_affine(affine, points))


def test_box_of_one_voxel_is_as_large_as_a_voxel():
    box = np.array([[10.0, 20, 4, 11, 21, 5]])
    in_mm = frames.boxes_to_world(box, CHEST)
    assert np.allclose(in_mm, [[162.65, 135.65, -291.25, 163.35, 136.35, -288.75]])
    assert np.allclose((in_mm[:, :3] + in_mm[:, 3:]) / 2, frames.voxel_to_world(np.array([[10.0, 20, 4]]), CHEST))


@settings(deadline=None)
@given(boxes_strategy, st.sampled_from(["edge", "voxel"]), st.permutations([0, 1, 2]), st.integers(0, 7))
def test_boxes_to_world_and_back_for_parallel_axes(boxes, origin, order, flips):
    affine = np.eye(4)
    affine[:3, :3] = np.diag([0.7, 0.8, 2.5])[:, list(order)] * [1 if flips >> axis & 1 else -1 for axis in range(3)]
    affine[:3, 3] = [12, -34, 56]
    there = frames.boxes_to_world(boxes, affine, origin=origin)
    assert (there[:, :3] <= there[:, 3:]).all()
    assert np.allclose(frames.boxes_to_voxel(there, affine, origin=origin), boxes, atol=1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_oblique_box_is_the_smallest_around_the_eight_corners(seed):
    rng = np.random.default_rng(seed)
    boxes = ordered(rng.uniform(-50, 50, (7, 6)))
    affine = oblique(seed)
    choose = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1]), -1).reshape(8, 3)
    corners = np.where(choose[None], boxes[:, None, 3:], boxes[:, None, :3]) - 0.5
    mapped = frames.voxel_to_world(corners.reshape(-1, 3), affine).reshape(7, 8, 3)
    expected = np.concatenate([mapped.min(axis=1), mapped.max(axis=1)], axis=1)
    assert np.allclose(frames.boxes_to_world(boxes, affine), expected)


def test_oblique_round_trip_only_grows():
    boxes = ordered(np.random.default_rng(0).uniform(-50, 50, (9, 6)))
    back = frames.boxes_to_voxel(frames.boxes_to_world(boxes, oblique(1)), oblique(1))
    assert (back[:, :3] <= boxes[:, :3] + 1e-9).all()
    assert (back[:, 3:] >= boxes[:, 3:] - 1e-9).all()


def test_voxel_origin_agrees_with_monai():
    boxes = torch.tensor([[1.0, 2, 3, 4, 6, 8], [0, 0, 0, 100, 100, 40]], dtype=torch.float64)
    affine = torch.as_tensor(CHEST)
    data = {"image": MetaTensor(torch.zeros(1, 4, 4, 4), affine=affine), "box": boxes}
    world = AffineBoxToWorldCoordinated("box", "image")(data)["box"]
    assert torch.allclose(frames.boxes_to_world(boxes, affine, origin="voxel"), world, atol=1e-4)
    back = AffineBoxToImageCoordinated("box", "image")({**data, "box": world})["box"]
    assert torch.allclose(frames.boxes_to_voxel(world, affine, origin="voxel"), back, atol=1e-4)
    assert not torch.allclose(frames.boxes_to_world(boxes, affine), world, atol=0.1)


@pytest.mark.parametrize("name", ["boxes_to_world", "boxes_to_voxel"])
@pytest.mark.parametrize("origin", ["edge", "voxel"])
def test_torch_and_numpy_agree_on_boxes(name, origin):
    boxes = ordered(np.random.default_rng(0).uniform(-50, 50, (9, 6)))
    function = getattr(frames, name)
    result = function(torch.as_tensor(boxes), torch.as_tensor(oblique(2)), origin=origin)
    assert isinstance(result, torch.Tensor)
    assert np.allclose(result.numpy(), function(boxes, oblique(2), origin=origin))


def test_torch_and_numpy_agree_on_points():
    points = np.random.default_rng(0).uniform(-50, 50, (9, 3))
    for function in (frames.voxel_to_world, frames.world_to_voxel):
        result = function(torch.as_tensor(points), torch.as_tensor(oblique(2)))
        assert np.allclose(result.numpy(), function(points, oblique(2)))
    assert torch.equal(frames.ras_to_lps(torch.as_tensor(points)), torch.as_tensor(frames.ras_to_lps(points)))


def test_single_and_double_precision_may_meet():
    boxes = torch.tensor([[1.0, 2, 3, 4, 6, 8]])
    affine = torch.as_tensor(CHEST)
    assert frames.boxes_to_world(boxes, affine).dtype == torch.float64
    assert frames.boxes_to_world(boxes, affine.float()).dtype == torch.float32
    assert frames.voxel_to_world(boxes[:, :3], affine).dtype == torch.float64
    assert frames.world_to_voxel(boxes[:, :3], affine).dtype == torch.float64


@pytest.mark.parametrize("make", [np.zeros, torch.zeros])
def test_no_boxes_stay_no_boxes(make):
    affine = CHEST if make is np.zeros else torch.as_tensor(CHEST, dtype=torch.float32)
    assert tuple(frames.boxes_to_world(make((0, 6)), affine).shape) == (0, 6)
    assert tuple(frames.boxes_to_voxel(make((0, 6)), affine).shape) == (0, 6)
    assert tuple(frames.voxel_to_world(make((0, 3)), affine).shape) == (0, 3)


@pytest.mark.parametrize("shape", [(6,), (2, 4), (1, 2, 6)])
def test_boxes_of_another_shape_are_refused(shape):
    for function in (frames.boxes_to_world, frames.boxes_to_voxel):
        with pytest.raises(ValueError, match=r"\(N, 6\)"):
            function(np.zeros(shape), CHEST)


def test_unknown_origin_is_refused():
    for function in (frames.boxes_to_world, frames.boxes_to_voxel):
        with pytest.raises(ValueError, match="origin"):
            function(np.zeros((1, 6)), CHEST, origin="center")


def test_spacing_is_the_length_of_the_columns():
    assert np.allclose(frames.spacing_of(CHEST), [0.7, 0.7, 2.5])
    turned = np.eye(4)
    turned[:3, :3] = Rotation.from_euler("xyz", [10, 20, 30], degrees=True).as_matrix() @ np.diag([0.5, 0.6, 3])
    assert np.allclose(frames.spacing_of(turned), [0.5, 0.6, 3])


def test_where_axes_stay_parallel_ellipsoids_agree_with_mapped_corners():
    affine = np.array([[0.7, 0, 0, -100.0], [0, 0.7, 0, -90.0], [0, 0, 2.0, -300.0], [0, 0, 0, 1]])
    boxes = np.random.default_rng(0).uniform(0, 20, (30, 3))
    boxes = np.concatenate([boxes, boxes + np.random.default_rng(1).uniform(1, 30, (30, 3))], axis=1)
    order = np.eye(4)[[2, 0, 1, 3]]
    turned = np.diag([-1.0, 1, -1, 1]) @ affine @ order
    np.testing.assert_allclose(
        frames.boxes_to_world(boxes, turned, fit="ellipsoid"), frames.boxes_to_world(boxes, turned)
    )
    back = frames.map_boxes(frames.map_boxes(boxes, order, "ellipsoid"), np.linalg.inv(order), "ellipsoid")
    np.testing.assert_allclose(back, boxes, atol=1e-9)


def test_an_unknown_fit_is_refused():
    with pytest.raises(ValueError, match="fit"):
        frames.map_boxes(np.zeros((1, 6)), np.eye(4), "sphere")
