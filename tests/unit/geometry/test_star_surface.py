"""Surfaces that every ray meets once."""

import numpy as np
import pytest

from lungdet.geometry.star_surface import (
    RAYS,
    StarSurface,
    at_directions,
    first_below,
    median_of_neighbours,
    neighbours,
    ray_directions,
    sample_rays,
)


def test_a_ball_has_its_volume_area_and_middle():
    ball = StarSurface(np.array([1.0, 2.0, 3.0]), np.full(RAYS, 5.0))
    assert ball.volume_mm3 == pytest.approx(4 / 3 * np.pi * 125)
    assert ball.triangle_areas_mm2()[1].sum() == pytest.approx(4 * np.pi * 25, rel=0.02)
    assert np.allclose(ball.centroid_mm, [1, 2, 3], atol=0.02)


def test_the_centroid_is_the_balls_wherever_the_rays_begin():
    shift = np.array([2.0, -1.0, 0.5])  # of a ball of 6 mm about the origin
    along = ray_directions() @ shift
    radius = -along + np.sqrt(along**2 - shift @ shift + 36)
    assert np.allclose(StarSurface(shift, radius).centroid_mm, 0, atol=0.05)


def test_rays_spread_evenly():
    apart = np.sort(np.arccos(np.clip(ray_directions() @ ray_directions().T, -1, 1)), axis=1)[:, 1]
    assert apart.min() > 0.5 * apart.max()


def test_values_between_rays_are_interpolated():
    values = ray_directions() @ [1.0, 2.0, 3.0]
    offsets = np.random.default_rng(0).normal(size=(50, 3))
    wanted = offsets @ [1.0, 2.0, 3.0] / np.linalg.norm(offsets, axis=1)
    assert np.abs(at_directions(values, offsets) - wanted).max() < 0.4
    assert at_directions(np.stack([values, values], axis=1), offsets).shape == (50, 2)


def test_rays_read_the_image_and_end_at_its_border():
    image = np.arange(11, dtype=np.float32)[:, None, None] * np.ones((1, 11, 11), np.float32)
    profiles = sample_rays(image, np.ones(3), np.full(3, 5.0), np.array([0.0, 2.0, 50.0]))
    assert np.allclose(profiles[:, 0], 5)
    assert np.allclose(profiles[:, 1], 5 + 2 * ray_directions()[:, 0], atol=1e-5)
    assert np.isnan(profiles[:, 2]).all()


def test_first_below_by_hand():
    radii = np.array([0.0, 1.0, 2.0])
    profiles = np.array([[10.0, 10, 0], [0, 10, 10], [10, 10, 10], [10, np.nan, np.nan]])
    assert first_below(profiles, radii, 5.0).tolist() == [1.5, 0.0, np.inf, np.inf]


def test_a_lone_ray_does_not_move_its_neighbours_median():
    values = np.full(RAYS, 4.0)
    values[7] = 40.0
    assert np.allclose(median_of_neighbours(values, np.ones(RAYS, bool), 40.0), 4.0)
    only = np.zeros(RAYS, bool)
    only[0] = True
    assert np.allclose(median_of_neighbours(values, only, 20.0), 4.0)
    with pytest.raises(ValueError, match="no ray"):
        median_of_neighbours(values, np.zeros(RAYS, bool), 20.0)


def test_the_median_is_that_of_numpy():
    rng = np.random.default_rng(0)
    values, known = rng.gamma(5.0, size=RAYS), rng.random(RAYS) < 0.4  # even and odd counts of neighbours
    wanted = [np.median(values[near & known]) for near in neighbours(40.0)]
    assert np.array_equal(median_of_neighbours(values, known, 40.0), wanted)
