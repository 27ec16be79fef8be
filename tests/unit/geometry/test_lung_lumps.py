"""Lumps in the corners of a lung."""

import numpy as np
import pytest

from lungdet.geometry.lung_grid import LungGrid
from lungdet.geometry.lung_lumps import find_lumps

STEP = (2.0, 2.0, 2.0)


def corner() -> tuple[LungGrid, np.ndarray]:
    """A lung that ends in a corner between two walls."""
    lung = np.zeros((40, 40, 40), dtype=bool)
    lung[:, :30, :30] = True
    return LungGrid(np.zeros(lung.shape, dtype=np.float32), (1, 1, 1), STEP, lung.shape), lung


@pytest.mark.parametrize("diameter_mm", [8.0, 12.0, 16.0])
def test_a_ball_in_a_corner_is_a_lump(diameter_mm: float):
    grid, lung = corner()
    middle = 29.5 - diameter_mm / 4  # it touches both walls
    z, y, x = np.indices(lung.shape)
    ball = np.sqrt((z - 20) ** 2 + (y - middle) ** 2 + (x - middle) ** 2) * 2 < diameter_mm / 2
    whole = lung.copy()
    lung &= ~ball
    lumps = find_lumps(grid, lung)
    assert (lumps & ball & whole).sum() >= 0.5 * (ball & whole).sum()


@pytest.mark.parametrize("z_mm", [2.0, 5.0])
def test_a_lump_keeps_its_foot_on_the_heart(z_mm: float):
    """A nodule of 12 mm in front of the heart, a column of 60 mm."""
    z, y, x = np.indices((int(80 / z_mm), 40, 60)) * np.array([z_mm, 2.0, 2.0])[:, None, None, None]
    whole = np.hypot(y - 70, x - 60) >= 30
    nodule = whole & (np.sqrt((z - 40) ** 2 + (y - 40) ** 2 + (x - 60) ** 2) < 6)
    grid = LungGrid(np.zeros(whole.shape, dtype=np.float32), (1, 1, 1), (z_mm, 2.0, 2.0), whole.shape)
    lumps = find_lumps(grid, whole & ~nodule)
    assert (lumps & nodule).sum() >= 0.9 * nodule.sum()  # 58 % of it is left by the ball alone


def test_a_vessel_along_a_corner_is_none():
    grid, lung = corner()
    lung[:, 25:30, 25:30] = False
    assert not find_lumps(grid, lung).any()


def test_a_smooth_lung_and_none_have_no_lumps():
    grid, lung = corner()
    assert not find_lumps(grid, lung).any()
    assert not find_lumps(grid, np.zeros_like(lung)).any()
