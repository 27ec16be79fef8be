"""How fast a nodule grows."""

import math

import pytest

from lungdet.lesions import volume_growth
from lungdet.lesions.volume_doubling import VOLUME_SD, volume_sd


def test_doubling_by_hand():
    found = volume_growth(100.0, 400.0, 60.0, before_sd=0.0, after_sd=0.0)
    assert found.doubling_days == pytest.approx(30.0)  # twice in 60 days
    assert found.shortest_days == pytest.approx(30.0)
    assert found.longest_days == pytest.approx(30.0)
    assert found.change == pytest.approx(3.0)
    assert found.growth == "grows"


def test_the_limits_are_those_of_the_logarithm():
    found = volume_growth(100.0, 200.0, 90.0, before_sd=0.1, after_sd=0.1)
    limit = 1.96 * math.hypot(0.1, 0.1)
    assert found.shortest_days == pytest.approx(90 * math.log(2) / (math.log(2) + limit))
    assert found.longest_days == pytest.approx(90 * math.log(2) / (math.log(2) - limit))
    assert found.shortest_days < found.doubling_days < found.longest_days


def test_usual_error_makes_a_change_of_a_quarter_no_growth():
    assert volume_growth(100.0, 125.0, 90.0).growth == "within error"
    assert volume_growth(100.0, 135.0, 90.0).growth == "grows"
    assert volume_growth(100.0, 125.0, 90.0).longest_days is None  # it may not grow at all


def test_shrinking_and_standing_still():
    halved = volume_growth(200.0, 100.0, 50.0)
    assert halved.doubling_days == pytest.approx(-50.0)
    assert halved.growth == "shrinks"
    assert halved.shortest_days is None
    still = volume_growth(100.0, 100.0, 50.0)
    assert still.doubling_days == math.inf
    assert still.growth == "within error"


@pytest.mark.parametrize("wrong", [(0.0, 1.0, 1.0), (1.0, -1.0, 1.0), (1.0, 1.0, 0.0), (1.0, math.nan, 1.0)])
def test_what_is_no_volume_or_time(wrong):
    with pytest.raises(ValueError, match="must be positive"):
        volume_growth(*wrong)


def test_errors_are_not_negative():
    with pytest.raises(ValueError, match="errors must be"):
        volume_growth(1.0, 2.0, 3.0, before_sd=-0.1)


def test_thick_slices_err_more():
    assert volume_sd(200.0, 0.6) == volume_sd(200.0, 1.0) == VOLUME_SD
    ball = math.pi / 6 * 5.0**3  # 5 mm across
    assert volume_sd(ball, 5.0) == pytest.approx(math.hypot(VOLUME_SD, math.sqrt(24 / 12) / 5))
    assert volume_sd(8 * ball, 5.0) < volume_sd(ball, 5.0)
    for wrong in ((0.0, 1.0), (1.0, 0.0), (math.nan, 1.0)):
        with pytest.raises(ValueError, match="positive"):
            volume_sd(*wrong)
