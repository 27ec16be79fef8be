"""Lesions of a torso: what they paint, and what they keep from study to study."""

from dataclasses import replace

import numpy as np
import pytest

from lungdet.phantoms.torso_lesion import LesionState, TorsoLesion, draw_state
from lungdet.phantoms.torso_lesion_look import LOOKS, LesionLook, draw_look

X = np.arange(-40.0, 41.0)
Y = np.arange(-30.0, 31.0)
Z = np.arange(-24.0, 25.0, 3.0)
CENTER = np.array([4.0, -3.0, 2.0])


def lesion_of(look: LesionLook, radius_mm: float = 10.0, seed: int = 3, around_hu: float = 40.0) -> LesionState:
    unit = draw_state(np.random.default_rng(seed), "000001-01", 4, look, around_hu)
    shape = replace(unit.shape, center=CENTER, half_axes=unit.shape.half_axes * radius_mm)
    return replace(unit, shape=shape, radius_mm=radius_mm)


def ball(hu: float = 100.0, radius_mm: float = 10.0, **changes: object) -> LesionState:
    look = LesionLook("ball", 1.0, (hu, hu), grain_hu=(0, 0), edge_mm=(1, 1), lumps=(0, 0), stretch=0.0)
    return lesion_of(replace(look, **changes), radius_mm)


def test_a_ball_is_painted_as_a_ball():
    hu = np.zeros((len(Z), len(Y), len(X)), np.float32)
    ball().paint(hu, Z, X, Y)
    z, y, x = np.meshgrid(Z, Y, X, indexing="ij")
    away = np.sqrt((x - 4) ** 2 + (y + 3) ** 2 + (z - 2) ** 2)
    np.testing.assert_array_equal(hu[away < 9.5], 100)
    np.testing.assert_array_equal(hu[away > 10.5], 0)
    assert 0 < hu[(away > 9.6) & (away < 10.4)].mean() < 100


def test_density_counts_from_the_tissue_around_where_the_look_says_so():
    assert ball(-50.0, relative=True).hu == -10.0
    assert ball(-50.0).hu == -50.0


def test_slices_are_the_same_one_by_one():
    state = lesion_of(LOOKS[5][0])
    together = np.full((len(Z), len(Y), len(X)), -850, np.float32)
    state.paint(together, Z, X, Y)
    apart = np.full_like(together, -850)
    for plane in range(len(Z)):
        state.paint(apart[plane : plane + 1], Z[plane : plane + 1], X, Y)
    np.testing.assert_array_equal(together, apart)


def test_nothing_is_painted_beyond_its_reach():
    state = lesion_of(LOOKS[5][0])
    hu = np.zeros((len(Z), len(Y), len(X)), np.float32)
    state.paint(hu, Z, X, Y)
    z, y, x = np.meshgrid(Z, Y, X, indexing="ij")
    away = np.sqrt((x - 4) ** 2 + (y + 3) ** 2 + (z - 2) ** 2)
    assert not hu[away > state.reach_mm].any()
    state.paint(hu[:, :5, :5], Z, X[:5] + 500, Y[:5])  # far off: nothing to do


def test_brighter_structures_show_through_ground_glass():
    glass = next(look for look in LOOKS[5] if look.keeps_brighter)
    hu = np.full((1, len(Y), len(X)), -850, np.float32)
    hu[0, 25:30] = 40  # a vessel
    state = lesion_of(glass, radius_mm=14)
    state.paint(hu, np.array([2.0]), X, Y)
    np.testing.assert_array_equal(hu[0, 25:30], 40)
    assert -700 < hu[0, 31, 44] < -350


def test_a_core_has_its_own_density():
    state = ball(90.0, core=(0.5, 0.5), core_hu=(-900, -900))
    part, value = state.tissue(CENTER + np.array([[0.1, 0, 0], [8.0, 0, 0]]))
    np.testing.assert_allclose(part, 1)
    np.testing.assert_allclose(value, [-900, 90])


def test_the_outline_of_a_ball_is_a_circle():
    outline = ball().outline_mm(8.0)  # 6 mm above the middle: a circle of radius 8
    np.testing.assert_allclose(np.hypot(*(outline - CENTER[:2]).T), 8.0, atol=1e-3)
    assert ball().outline_mm(13.0) is None


def test_shape_and_grain_stay_while_it_grows():
    first = lesion_of(LOOKS[2][1])
    lesion = TorsoLesion("000001-01", "grows", "mass", first, (1.0, 1.5), np.array([[0, 0, 0], [3.0, 1, -2]]))
    before, after = lesion.state(0), lesion.state(1)
    rays = np.random.default_rng(0).normal(size=(50, 3)) * 5
    one, two = before.tissue(before.center_mm + rays), after.tissue(after.center_mm + 1.5 * rays)
    np.testing.assert_allclose(
        before.shape.level(before.center_mm + rays)[0], after.shape.level(after.center_mm + 1.5 * rays)[0]
    )
    deep = (one[0] == 1) & (before.shape.level(before.center_mm + rays)[0] < 0.2)
    np.testing.assert_allclose(one[1][deep], two[1][deep], atol=1.0)
    np.testing.assert_allclose(after.center_mm - before.center_mm, [3, 1, -2])
    assert after.radius_mm == 1.5 * before.radius_mm


def test_it_is_not_there_where_its_size_is_nought():
    lesion = TorsoLesion("000001-01", "vanishes", "mass", ball(), (1.0, 0.0), np.zeros((2, 3)))
    assert lesion.state(0) is not None
    assert lesion.state(1) is None


def test_every_type_has_looks_and_each_is_drawn():
    rng = np.random.default_rng(0)
    assert sorted(LOOKS) == list(range(1, 9))
    for lesion_type, looks in LOOKS.items():
        assert {draw_look(rng, lesion_type).name for _ in range(200)} == {look.name for look in looks}


@pytest.mark.parametrize("lesion_type", sorted(LOOKS))
def test_every_look_paints_finite_numbers(lesion_type: int):
    for look in LOOKS[lesion_type]:
        part, value = lesion_of(look).tissue(CENTER + np.random.default_rng(1).normal(size=(200, 3)) * 6)
        assert np.isfinite(value).all()
        assert part.min() >= 0
        assert part.max() == 1
        assert value.min() > -1100
        assert value.max() < 1800
