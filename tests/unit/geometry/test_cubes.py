"""Cubes of a CT: exact on linear fields, the same however the scan lies in memory, and as the peers resample."""

import itertools

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Orientation, Spacing
from scipy.ndimage import map_coordinates

from lungdet.geometry.cubes import Cube, cut_cube, nearest_to_ras
from lungdet.geometry.frames import lps_to_ras, voxel_to_world, world_to_voxel

SPACING = (0.7, 0.8, 2.5)
SHAPE = (60, 52, 40)


def affine_of(spacing=SPACING, turn=None, origin=(-20.0, -15.0, -300.0)) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = (np.eye(3) if turn is None else turn) * spacing
    affine[:3, 3] = origin
    return affine


def turned(degrees: float, axis: int = 2) -> np.ndarray:
    angle = np.deg2rad(degrees)
    one, two = [n for n in range(3) if n != axis]
    turn = np.eye(3)
    turn[one, one] = turn[two, two] = np.cos(angle)
    turn[one, two], turn[two, one] = -np.sin(angle), np.sin(angle)
    return turn


def middle_of(affine: np.ndarray, shape=SHAPE, shift=(0.3, -0.2, 0.1)) -> np.ndarray:
    return voxel_to_world(((np.array(shape) - 1) / 2 + shift)[None], affine)[0]


def linear_field(affine: np.ndarray, shape=SHAPE) -> np.ndarray:
    places = voxel_to_world(np.stack(np.indices(shape), -1).reshape(-1, 3).astype(float), affine)
    return field_at(places).reshape(shape)


def field_at(places_lps: np.ndarray) -> np.ndarray:
    return places_lps @ np.array([3.0, -2.0, 1.5]) + 100.0


def places_of(cube: Cube) -> np.ndarray:
    side = cube.hu.shape[1:]
    return voxel_to_world(np.stack(np.indices(side), -1).reshape(-1, 3).astype(float), cube.affine_lps)


def noise(shape=SHAPE, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-1000, 400, shape).astype(np.int16)


@pytest.mark.parametrize("spacing", [(0.7, 0.8, 2.5), (0.4, 0.3, 0.25), (1.0, 1.0, 1.0), (2.0, 2.0, 5.0)])
@pytest.mark.parametrize("turn", [np.eye(3), np.diag([-1.0, -1, 1]), turned(20), turned(90, 0), turned(35, 1)])
def test_a_linear_field_comes_out_as_it_is(spacing, turn):
    affine = affine_of(spacing, turn)
    cube = cut_cube(linear_field(affine), affine, middle_of(affine), side=6)
    assert cube.inside == pytest.approx(1.0)
    assert np.allclose(cube.hu.ravel(), field_at(places_of(cube)), atol=1e-3)


@pytest.mark.parametrize("side", [47, 48])
def test_the_mark_is_in_the_exact_middle(side):
    affine = affine_of(turn=turned(10))
    center = middle_of(affine)
    cube = cut_cube(noise(), affine, center, side=side)
    assert cube.hu.shape == (1, side, side, side)
    assert cube.hu.dtype == np.float32
    assert np.allclose(places_of(cube).mean(axis=0), center)


def test_axes_are_those_of_ras_where_the_scan_is_straight():
    affine = affine_of(turn=turned(90, 1) @ np.diag([1.0, -1, -1]))
    cube = cut_cube(noise(), affine, middle_of(affine), side=8)
    assert np.allclose(lps_to_ras(cube.affine_lps)[:3, :3], np.eye(3), atol=1e-12)


def test_any_order_and_direction_of_axes_gives_the_same_cube():
    """The same scan in all 48 ways to lie in memory."""
    affine, hu = affine_of(turn=turned(12)), noise()
    wanted = cut_cube(hu, affine, middle_of(affine), side=12)
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            matrix = np.zeros((4, 4))  # new voxel to old voxel
            matrix[3, 3] = 1
            for new, old in enumerate(order):
                matrix[old, new] = signs[new]
                matrix[old, 3] = 0 if signs[new] > 0 else SHAPE[old] - 1
            moved = hu.transpose(order)[tuple(slice(None, None, sign) for sign in signs)]
            cube = cut_cube(moved, affine @ matrix, middle_of(affine), side=12)
            assert np.allclose(cube.hu, wanted.hu, atol=1e-3)
            assert np.allclose(cube.affine_lps, wanted.affine_lps)


def test_a_mirrored_patient_gives_a_mirrored_cube():
    affine, hu = affine_of(), noise()
    mirror = np.diag([-1.0, 1, 1, 1])
    cube = cut_cube(hu, affine, middle_of(affine), side=10)
    other = cut_cube(hu, mirror @ affine, middle_of(affine) * (-1, 1, 1), side=10)
    assert np.allclose(other.hu, cube.hu[:, ::-1], atol=1e-3)


def test_agrees_with_scipy_where_nothing_shrinks_much():
    affine, hu = affine_of(turn=turned(25, 1)), noise()
    cube = cut_cube(hu, affine, middle_of(affine), side=16)
    voxels = world_to_voxel(places_of(cube), affine)
    assert voxels.min() > 0
    wanted = map_coordinates(hu.astype(np.float64), voxels.T, order=1)
    assert np.allclose(cube.hu.ravel(), wanted, atol=1e-2)


@pytest.mark.parametrize("turn", [np.eye(3), np.diag([-1.0, -1, 1]), turned(15), turned(90, 0)])
def test_agrees_with_monai(turn):
    """``Orientation`` and ``Spacing`` of the whole scan, and then a crop: the mark on one of MONAI's voxels."""
    affine, hu = affine_of(turn=turn), noise()
    image = MetaTensor(torch.from_numpy(hu.astype(np.float32))[None], affine=torch.from_numpy(lps_to_ras(affine)))
    whole = Spacing(pixdim=(1.0, 1.0, 1.0), mode="bilinear", padding_mode="border", dtype=torch.float64)(
        Orientation(axcodes="RAS", labels=(("L", "R"), ("P", "A"), ("I", "S")))(image)
    )
    first = np.array(whole.shape[1:]) // 2 - 4
    affine_lps = lps_to_ras(whole.affine.numpy())
    cube = cut_cube(hu, affine, voxel_to_world((first + 4.0)[None], affine_lps)[0], side=9)
    i, j, k = first
    wanted = whole[0, i : i + 9, j : j + 9, k : k + 9].numpy()
    assert np.allclose(cube.affine_lps[:3, :3], affine_lps[:3, :3], atol=1e-6)
    assert np.allclose(cube.hu[0], wanted, atol=0.05)


def test_what_shrinks_is_averaged_and_misses_no_voxel():
    """0.25 mm voxels: means of four along each axis, where the mark lies between voxels."""
    hu = noise((40, 40, 40))
    affine = np.diag([-0.25, -0.25, 0.25, 1.0])
    cube = cut_cube(hu, affine, voxel_to_world(np.full((1, 3), 19.5), affine)[0], side=8)
    wanted = hu[4:36, 4:36, 4:36].reshape(8, 4, 8, 4, 8, 4).mean(axis=(1, 3, 5))
    assert np.allclose(cube.hu[0], wanted, atol=1e-2)


def test_beyond_the_image_is_air_and_the_part_inside_is_told():
    hu = np.full((20, 20, 20), 50, np.int16)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0])  # so that voxels run as in the cube
    cube = cut_cube(hu, affine, (0.5, -9.5, 9.5), side=8)  # four voxels lie left of the first ones' outer edge
    assert cube.inside == pytest.approx(0.5)
    assert (cube.hu[0, :4] == -1000).all()
    assert (cube.hu[0, 4:] == 50).all()


def test_a_mark_on_the_very_border_has_a_cube_and_one_beyond_it_has_none():
    hu, affine = noise(), affine_of()
    border = voxel_to_world(np.array([[-0.5, 10, 10]]), affine)[0]
    assert 0 < cut_cube(hu, affine, border, side=8).inside < 0.6
    with pytest.raises(ValueError, match=r"lies outside the image: voxel \[-0.6, 10.0, 10.0\]"):
        cut_cube(hu, affine, voxel_to_world(np.array([[-0.6, 10, 10]]), affine)[0])


def test_no_numbers_matter_where_the_cube_is_and_nowhere_else():
    hu, affine = noise().astype(np.float32), affine_of()
    hu[0, 0, 0] = np.nan
    center = middle_of(affine)
    assert np.isfinite(cut_cube(hu, affine, center, side=8).hu).all()
    hu[30, 26, 20] = np.inf
    with pytest.raises(ValueError, match=r"1 of .* voxels around the mark .* no finite HU"):
        cut_cube(hu, affine, center, side=8)
    with pytest.raises(ValueError, match="no finite HU"):
        cut_cube(np.full(SHAPE, np.nan), affine, center)


def test_padding_counts_as_air():
    hu, affine = np.full(SHAPE, -3024, np.int16), affine_of()
    assert (cut_cube(hu, affine, middle_of(affine), side=4).hu == -1024).all()


@pytest.mark.parametrize("shape", [(20, 20), (20, 20, 1), (1, 20, 20, 20), (0, 4, 4)])
def test_what_is_no_3d_image_is_refused(shape):
    with pytest.raises(ValueError, match=r"needs a 3D image|has one slice"):
        cut_cube(np.zeros(shape), np.eye(4), (1, 1, 0))


@pytest.mark.parametrize("center", [(1, 2), (np.nan, 1, 1), (np.inf, 1, 1)])
def test_a_mark_is_three_finite_numbers(center):
    with pytest.raises(ValueError, match="three finite numbers"):
        cut_cube(noise(), np.eye(4), center)


def test_a_sheared_or_flat_affine_is_refused():
    tilted = affine_of()
    tilted[1, 2] = 0.8
    with pytest.raises(ValueError, match="sheared"):
        cut_cube(noise(), tilted, middle_of(tilted))
    with pytest.raises(ValueError, match="can be inverted"):
        cut_cube(noise(), np.diag([1.0, 1, 0, 1]), (1, 1, 1))
    with pytest.raises(ValueError, match="must be positive"):
        cut_cube(noise(), affine_of(), middle_of(affine_of()), side=0)


def test_the_nearest_axes_of_a_scan_on_its_side():
    assert nearest_to_ras(affine_of(turn=turned(90, 0))) == ((0, 2, 1), (-1, 1, 1))
    assert nearest_to_ras(affine_of(turn=turned(44))) == ((0, 1, 2), (-1, -1, 1))
