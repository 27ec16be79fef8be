"""Parts of the lung mask by themselves: dents, cuts, facts."""

import numpy as np
import pytest
from scipy import ndimage

from lungdet.geometry.axial import axial_view
from lungdet.geometry.lung_cut import right_of_cut
from lungdet.geometry.lung_dents import RAISE_MM, find_dents
from lungdet.geometry.lung_facts import lung_facts
from lungdet.geometry.lung_grid import LungGrid, lung_grid
from lungdet.geometry.lung_sides import RIGHT
from lungdet.geometry.lung_surface import smooth_surfaces

STEP = (2.0, 2.0, 1.0)


def sphere_wall(radius_mm: float = 90.0, size: int = 60) -> np.ndarray:
    """The inside of a chest: a bowl."""
    y, x = (np.indices((size, size)) - size / 2) * 2.0
    return np.rint(np.sqrt(np.maximum(radius_mm**2 - x**2 - y**2, 0))).astype(np.float32)


@pytest.mark.parametrize("diameter_mm", [6.0, 14.0, 30.0])
def test_a_ball_on_the_wall_is_a_dent(diameter_mm: float):
    wall = sphere_wall()
    y, x = (np.indices(wall.shape) - 30) * 2.0
    inside = np.hypot(x, y) < diameter_mm / 2
    ball = np.sqrt(np.maximum((diameter_mm / 2) ** 2 - x**2 - y**2, 0)).astype(np.float32)
    dents = find_dents(wall - np.rint(ball), STEP)
    assert dents[inside].sum() >= 0.9 * np.rint(ball)[inside].sum()
    assert not dents[ndimage.binary_dilation(inside, iterations=6) == 0].any()


@pytest.mark.parametrize("angle_deg", [0.0, 30.0, 90.0])
def test_a_vessel_along_the_wall_is_none(angle_deg: float):
    wall = np.full((80, 80), 50.0, dtype=np.float32)
    y, x = (np.indices(wall.shape) - 40) * 2.0
    across = -np.sin(np.deg2rad(angle_deg)) * x + np.cos(np.deg2rad(angle_deg)) * y
    wall[np.abs(across) < 12] = 49
    furrow = wall < 50
    wall[furrow] = 38
    assert find_dents(wall, STEP)[20:60, 20:60].sum() <= 0.1 * 12 * furrow[20:60, 20:60].sum()


@pytest.mark.parametrize(("rows", "columns", "kept"), [(14, 10, True), (14, 4, False), (4, 14, False), (6, 3, True)])
def test_a_wide_dent_that_is_long_is_a_rim(rows: int, columns: int, kept: bool):
    """In steps of 2 mm; by hand, 28 x 8 mm have a breadth of .29 of the length and a width of 16.9 mm."""
    wall = np.full((60, 60), 40.0, dtype=np.float32)
    wall[20 : 20 + rows, 20 : 20 + columns] = 32.0
    assert bool(find_dents(wall, STEP)[21, 21] > 0) == kept


@pytest.mark.parametrize("cliff_mm", [10.0, 20.0])
def test_the_tip_of_a_dome_with_steep_sides_is_none(cliff_mm: float):
    y, x = (np.indices((70, 70)) - 35) * 2.0
    low = (np.abs(x) < 28) & (y > 0) | (np.hypot(x, y) < 28)
    assert not find_dents(np.where(low, 60 - cliff_mm, 60).astype(np.float32), STEP).any()


def test_a_crescent_is_a_rim_though_it_is_as_broad_as_a_ball():
    y, x = (np.indices((60, 60)) - 30) * 2.0
    far = np.hypot(x, y)
    wall = np.full(far.shape, 40.0, dtype=np.float32)
    ball, crescent = far < 10, (far >= 9) & (far < 15) & (y > 0)
    assert (find_dents(np.where(ball, 32, wall), STEP)[ball] > 0).all()
    assert not find_dents(np.where(crescent, 32, wall), STEP).any()


@pytest.mark.parametrize("diameter_mm", [12.0, 24.0, 30.0])
def test_a_ball_on_a_slope_of_45_degrees_is_a_dent(diameter_mm: float):
    y, x = (np.indices((80, 80)) - 40) * 2.0
    above = (diameter_mm / 2) ** 2 - x**2 - y**2
    ball = np.where(above > 0, 100 - np.sqrt(np.maximum(above, 0)), np.inf)
    slope, seen = np.rint(100 - x), np.rint(np.minimum(100 - x, ball)).astype(np.float32)
    missing = slope - seen
    assert np.minimum(find_dents(seen, STEP), missing).sum() >= 0.65 * missing.sum()


def test_a_smooth_dome_and_an_empty_map_have_no_dents():
    assert not find_dents(100 - sphere_wall(60.0, 50), STEP).any()
    assert not find_dents(np.zeros((10, 12), dtype=np.float32), STEP).any()


def test_a_dent_across_the_seam_of_a_round_surface():
    ring = np.full((40, 90), 60.0, dtype=np.float32)
    ring[18:22, :3], ring[18:22, -3:] = 54.0, 54.0
    assert (find_dents(ring, STEP, wrap=True)[18:22, [0, 1, -1]] == 6.0 + RAISE_MM / STEP[2]).all()


def test_the_cut_follows_the_bright_line_between_two_lungs():
    lungs = np.ones((2, 30, 40), dtype=bool)
    hu = np.full(lungs.shape, -850.0, dtype=np.float32)
    line = 18 + (np.arange(30) // 5)
    hu[:, np.arange(30), line] = -600
    grid = LungGrid(hu, (1, 1, 1), (2.0, 2.0, 2.0), lungs.shape)
    right = right_of_cut(grid, lungs, 20.0)
    np.testing.assert_array_equal(right.sum(axis=2), np.broadcast_to(line, (2, 30)))


def test_blocks_are_means_and_the_last_ones_are_filled_up():
    hu = np.arange(5 * 4 * 2, dtype=np.int16).reshape(5, 4, 2)
    grid = lung_grid(axial_view(hu, np.diag([1.2, 1.2, 1.2, 1.0])))
    assert grid.factors == (2, 2, 2)
    assert grid.hu.shape == (1, 2, 3)
    assert grid.hu[0, 0, 0] == hu[:2, :2].mean()
    assert grid.hu[0, 1, 2] == hu[4, 2:].mean()


def test_facts_of_each_lung_by_hand():
    hu = np.array([-1000.0, -900.0, -960.0, 100.0, np.nan, 0.0]).reshape(6, 1, 1)
    labels = np.array([1, 1, 2, 2, 2, 0]).reshape(6, 1, 1)
    facts = lung_facts(hu, labels, (1.0, 2.0, 500.0))
    assert facts["right"] == type(facts["right"])(2.0, -950.0, 50.0)
    assert (facts["left"].volume_ml, facts["left"].mean_hu, facts["left"].emphysema_percent) == (3.0, -430.0, 50.0)
    assert facts["both"].volume_ml == 5.0
    assert facts["both"].mean_hu == pytest.approx(-690.0)


def test_facts_do_not_depend_on_the_layout_and_int16_does_not_overflow():
    rng = np.random.default_rng(3)
    hu = rng.integers(-1000, -800, (30, 40, 50)).astype(np.int16)
    labels = rng.integers(0, 4, hu.shape)
    facts = lung_facts(hu, labels, (1.0, 1.0, 1.0))
    assert facts == lung_facts(np.asfortranarray(hu), labels, (1.0, 1.0, 1.0))
    assert facts["left"].mean_hu == pytest.approx(float(hu[labels == 2].astype(float).mean()))
    assert facts["both"].volume_ml == pytest.approx((labels > 0).sum() / 1000)


def test_no_lungs_have_no_density():
    facts = lung_facts(np.zeros((2, 2, 2)), np.zeros((2, 2, 2)), (1.0, 1.0, 1.0))
    assert facts["both"].volume_ml == 0
    assert np.isnan(facts["both"].mean_hu)


def test_facts_refuse_what_does_not_fit():
    with pytest.raises(ValueError, match="image and labels"):
        lung_facts(np.zeros((2, 2, 2)), np.zeros((2, 2, 3)), (1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="positive"):
        lung_facts(np.zeros((2, 2, 2)), np.zeros((2, 2, 2)), (1.0, 0.0, 1.0))


@pytest.mark.parametrize(("depth", "wrap", "kept"), [(1.5, True, True), (1.5, False, False), (0.8, True, False)])
def test_a_tiny_nodule_at_the_ribs_is_a_dent(depth: float, wrap: bool, kept: bool):
    wall = np.full((40, 60), 30.0, dtype=np.float32)
    wall[20:23, 30:33] -= depth  # 4 mm wide
    assert bool((find_dents(wall, (1.4, 1.4, 1.4), wrap=wrap)[20:23, 30:33] > 0).all()) == kept


def test_a_shallow_step_at_the_ribs_is_none():
    wall = np.full((40, 60), 30.0, dtype=np.float32)
    wall[15:21, 30:36] -= 1.5  # 8 mm wide
    assert not find_dents(wall, (1.4, 1.4, 1.4), wrap=True).any()


def test_a_row_that_misses_lung_is_not_filled_through_the_depth_of_the_lung():
    labels = np.zeros((40, 60, 60), dtype=np.uint8)
    labels[5:35, 5:55, 4:50] = RIGHT
    labels[15:25, 26:37, 44:50] = 0  # a nodule on the inner side
    labels[:, 30, 8:50] = 0  # between two lines of sight; the outer edge of lung is seen there, 46 mm away
    smooth_surfaces(labels, np.full(labels.shape, 40, dtype=np.int16), (1.0, 1.0, 1.0), -400.0)
    assert (labels[20, 28, 44:50] == RIGHT).all()
    assert not labels[:, 30, 8:40].any()
