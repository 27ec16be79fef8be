"""Rays that run on into a vessel are cut as wide as it is; lumps of a nodule and rays at the wall are not."""

import numpy as np
import pytest

from lungdet.geometry.star_surface import RAYS, ray_directions
from lungdet.geometry.vessel_rays import cut_vessels, rise_into_vessel

NONE = np.full(RAYS, np.inf)
NOWHERE, EVERYWHERE = np.zeros(RAYS, dtype=bool), np.ones(RAYS, dtype=bool)


def away_from_top() -> np.ndarray:
    """Angle between each ray and the last axis, degrees."""
    return np.degrees(np.arccos(ray_directions()[:, 2]))


def ball_and_tube(tube_radius: float) -> np.ndarray:
    """Where rays leave a ball of 5 mm that a tube along the last axis comes out of; 20 mm at most."""
    sine = np.maximum(np.sin(np.radians(away_from_top())), 1e-6)
    in_tube = (tube_radius / sine > 5.0) & (ray_directions()[:, 2] > 0)
    return np.where(in_tube, np.minimum(tube_radius / sine, 20.0), 5.0)


@pytest.mark.parametrize("tube_radius", [1.0, 2.0, 3.0])
def test_a_vessel_is_cut_as_wide_as_it_is(tube_radius: float):
    radius = ball_and_tube(tube_radius)
    cut, ends = cut_vessels(radius, EVERYWHERE, NONE, NOWHERE)
    whole = np.where(cut, ends, radius)
    assert whole == pytest.approx(5.0, abs=0.5)
    assert not cut[away_from_top() > 40].any()


def test_a_mark_off_the_middle_cuts_nothing_of_a_ball():
    shift = np.array([0.0, 0.0, 1.5])
    along = ray_directions() @ shift
    radius = -along + np.sqrt(along**2 + 25 - shift @ shift)
    assert not cut_vessels(radius, EVERYWHERE, NONE, NOWHERE)[0].any()


def test_a_lump_is_no_vessel_and_is_not_cut_beside():
    radius = 5 * (1 + 0.36 * np.exp(8 * (ray_directions()[:, 2] - 1)))
    cut, _ = cut_vessels(radius, EVERYWHERE, NONE, NOWHERE)
    assert cut.mean() < 0.02


def test_beside_the_wall_nothing_is_cut_for_its_neighbours():
    radius = ball_and_tube(3.0)
    wall = away_from_top() < 60
    cut, _ = cut_vessels(radius, EVERYWHERE, NONE, wall)
    alone, _ = cut_vessels(radius, EVERYWHERE, NONE, NOWHERE)
    assert (radius[cut] > 6.5).all()
    assert cut.sum() < alone.sum()


def test_what_is_a_vessel_by_its_hu_ends_where_it_begins():
    radius = np.where(away_from_top() < 20, 6.0, 5.0)  # too short to be cut for its length
    rise = np.where(away_from_top() < 20, 5.2, np.inf)
    assert not cut_vessels(radius, EVERYWHERE, NONE, NOWHERE)[0].any()
    cut, ends = cut_vessels(radius, EVERYWHERE, rise, NOWHERE)
    assert (cut == (away_from_top() < 20)).all()
    assert ends[cut] == pytest.approx(5.2, abs=0.1)
    assert not cut_vessels(radius, EVERYWHERE, rise, EVERYWHERE)[0].any()


def test_few_rays_that_end_in_lung_are_enough():
    free = np.arange(RAYS) < 8
    cut, ends = cut_vessels(np.full(RAYS, 4.0), free, NONE, ~free)
    assert not cut.any()
    assert np.isfinite(ends).all()


def test_a_rise_inside_the_nodule_is_its_core():
    radii = np.arange(0.0, 10.0, 0.5)
    core = np.where(radii < 3, 0.0, np.where(radii < 6, -550.0, -850.0))
    assert rise_into_vessel(core[None], radii, np.array([6.0]), -550.0) == [np.inf]
    never = np.full_like(radii, 0.0)
    assert rise_into_vessel(never[None], radii, np.array([np.inf]), -550.0) == [np.inf]
    assert rise_into_vessel(never[None], radii, np.array([6.0]), -550.0) == [0.0]
