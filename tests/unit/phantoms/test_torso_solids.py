import numpy as np
import pytest

from lungdet.phantoms.torso_grain import draw_grain
from lungdet.phantoms.torso_solids import Solid, paint_solid

AXIS = np.arange(-40.0, 41.0, 0.5).astype(np.float32)


def painted(solid, z=0.0, base=0.0):
    image = np.full((len(AXIS), len(AXIS)), base, dtype=np.float32)
    paint_solid(image, solid, z, AXIS, AXIS, 0.5, np.zeros_like(image))
    return image


def area(image, value):
    return float(image.sum()) / value * 0.25


@pytest.mark.parametrize("turn", [0.0, 37.0])
@pytest.mark.parametrize("z", [0.0, 6.0])
def test_an_ellipsoid_has_the_area_of_its_section(turn, z):
    solid = Solid("ball", (2.0, -3.0, 0.0), (20.0, 12.0, 10.0), 100.0, angle_deg=turn)
    wanted = np.pi * 20 * 12 * (1 - (z / 10) ** 2)
    assert area(painted(solid, z), 100.0) == pytest.approx(wanted, rel=0.01)


def test_a_box_fills_more_than_an_ellipsoid_of_the_same_radii():
    ball = Solid("", (0, 0, 0), (20, 20, 20), 1.0, grain_hu=0)
    box = Solid("", (0, 0, 0), (20, 20, 20), 1.0, power=4, grain_hu=0)
    # the superellipse |x|^4 + |y|^4 = 1 has area 4 * gamma(5/4)^2 / gamma(3/2) = 3.7081
    assert area(painted(ball), 1.0) == pytest.approx(np.pi * 400, rel=0.01)
    assert area(painted(box), 1.0) == pytest.approx(3.7081 * 400, rel=0.01)


def test_nothing_is_painted_above_below_and_beside():
    solid = Solid("", (0, 0, 0), (9, 9, 5), 50.0)
    assert not painted(solid, 5.1).any()
    assert not painted(Solid("", (500, 0, 0), (9, 9, 5), 50.0)).any()


def test_gas_lies_in_front_and_a_wall_goes_around():
    image = painted(Solid("", (0, 0, 0), (30, 30, 30), 20.0, gas=0.0, rim_mm=5.0, rim_hu=70.0))
    middle = len(AXIS) // 2
    assert image[middle - 30, middle] == pytest.approx(-930)  # rows rise to the back
    assert image[middle + 30, middle] == pytest.approx(20)
    assert image[middle, middle - 56] == pytest.approx(70)


def test_texture_is_of_unit_spread_and_continues_from_slice_to_slice():
    axis = np.arange(-150.0, 150.0, 2.0)
    grains = [draw_grain(np.random.default_rng(seed)) for seed in range(6)]
    spread = [grain.slice(z, axis, axis).std() for grain in grains for z in (0.0, 70.0, 140.0)]
    assert 0.7 < np.mean(spread) < 1.3
    near, next_to, far = (grains[0].slice(z, axis, axis).ravel() for z in (0.0, 1.0, 90.0))
    assert np.corrcoef(near, next_to)[0, 1] > 0.85 > abs(np.corrcoef(near, far)[0, 1])
