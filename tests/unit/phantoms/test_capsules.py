"""Tapered capsules: volumes by hand, distances by hand, fading of thin tubes."""

import numpy as np
import pytest

from lungdet.phantoms.capsules import Capsules, coverage, join, tube


def _one(start, end, r0, r1):
    return Capsules(np.array([start], float), np.array([end], float), np.array([r0], float), np.array([r1], float))


def _axis(count, step):
    return (np.arange(count) - (count - 1) / 2) * step


def test_volume_of_a_capsule():
    axis = _axis(60, 1.0)
    filled = coverage(_one((-10, 0, 0), (10, 0, 0), 5, 5), axis, axis, axis).sum()
    assert filled == pytest.approx(np.pi * 25 * 20 + 4 / 3 * np.pi * 125, rel=0.02)


@pytest.mark.parametrize("radius", [0.3, 0.5, 0.8, 1.5])
def test_thin_tubes_keep_their_cross_section(radius):
    axis, long = _axis(24, 1.0), _axis(40, 1.0)
    shift = 0.3  # not on a voxel's centre
    filled = coverage(_one((shift, shift, -40), (shift, shift, 40), radius, radius), axis, axis, long)
    assert filled.sum() / 40 == pytest.approx(np.pi * radius**2, rel=0.2)


def test_capsules_outside_or_none_draw_nothing():
    axis = _axis(8, 1.0)
    assert coverage(join([]), axis, axis, axis).sum() == 0
    assert coverage(_one((50, 50, 50), (60, 50, 50), 3, 3), axis, axis, axis).sum() == 0


def test_drawing_is_where_the_capsule_is():
    x, y, z = _axis(20, 1.0), _axis(24, 1.5), _axis(28, 2.0)
    filled = coverage(_one((4, -6, 8), (4, -6, 8), 3, 3), x, y, z)
    places = np.argwhere(filled > 0.5)
    center = [axis[places[:, n]].mean() for axis, n in ((x, 2), (y, 1), (z, 0))]
    assert center == pytest.approx([4, -6, 8], abs=0.6)


def test_distance_by_hand():
    capsules = _one((0, 0, 0), (10, 0, 0), 2, 1)
    points = np.array([[0.0, 5, 0], [10, 0, 4], [5, 3, 0], [-4, 0, 0], [5, 0, 0]])
    assert capsules.distance_mm(points) == pytest.approx([3, 3, 1.5, 2, -1.5])
    assert np.isinf(join([]).distance_mm(points)).all()


def test_distance_to_many_is_the_smallest():
    rng = np.random.default_rng(0)
    many = Capsules(
        rng.uniform(-9, 9, (50, 3)), rng.uniform(-9, 9, (50, 3)), rng.uniform(0, 1, 50), rng.uniform(0, 1, 50)
    )
    points = rng.uniform(-9, 9, (40, 3))
    each = np.min([many.select([n]).distance_mm(points) for n in range(50)], axis=0)
    assert many.distance_mm(points) == pytest.approx(each)
    assert (many.distance_mm(points, 0.0)[each < 0] == pytest.approx(each[each < 0])) or not (each < 0).any()


def test_a_tube_passes_through_its_knots():
    knots = [[0.0, 0, 0], [5, 5, 0], [10, 0, 3]]
    capsules = tube(knots, [1.0, 2.0, 3.0])
    assert capsules.start[0] == pytest.approx(knots[0])
    assert capsules.end[3] == pytest.approx(knots[1])
    assert capsules.end[-1] == pytest.approx(knots[2])
    assert capsules.end_radius[[3, -1]] == pytest.approx([2.0, 3.0])


def test_spheres_lie_on_the_capsule():
    centers, radii = _one((0, 0, 0), (10, 0, 0), 2, 1).spheres(2.0)
    assert len(centers) == 6
    assert centers[:, 0] == pytest.approx([0, 2, 4, 6, 8, 10])
    assert radii[0] == 2
    assert radii[-1] == 1
