"""How scores rise along the body."""

import numpy as np
import pytest
import torch
from ignite.exceptions import NotComputableError
from scipy.stats import linregress

from lungdet.metrics import SliceOrder
from lungdet.metrics.slice_order import linearity, tau


def test_hand_worked():
    places = np.arange(4.0)
    assert tau(np.array([0.0, 1.0, 3.0, 2.0]), places) == pytest.approx(4 / 6)  # 5 pairs rise, 1 falls
    assert linearity(np.array([0.0, 0.0, 0.0, 4.0]), places) == pytest.approx(0.6)  # (6 / sqrt(5 * 12)) ** 2


def test_a_falling_line_is_minus_one():
    places = np.arange(9.0)
    assert tau(-places, places) == pytest.approx(-1)
    assert linearity(-3 * places + 2, places) == pytest.approx(-1)


def test_linearity_is_the_r2_of_a_line():
    rng = np.random.default_rng(0)
    places = np.cumsum(rng.uniform(1, 3, 30))
    scores = places + rng.normal(0, 9, 30)
    assert linearity(scores, places) == pytest.approx(linregress(places, scores).rvalue ** 2)


@pytest.mark.parametrize("measure", ["linearity", "tau"])
def test_the_mean_over_volumes(measure):
    metric = SliceOrder(measure)
    places = torch.arange(5.0)
    metric.update(([places, -places], [places, places]))
    metric.update(([places * 2], [places]))
    assert metric.compute() == pytest.approx(1 / 3)
    metric.reset()
    with pytest.raises(NotComputableError):
        metric.compute()


def test_what_is_no_number_makes_it_nan_and_one_score_for_all_is_nothing():
    places = np.arange(3.0)
    assert np.isnan(linearity(np.array([0.0, np.nan, 1.0]), places))
    assert np.isnan(tau(np.array([0.0, np.inf, 1.0]), places))
    assert linearity(np.ones(3), places) == tau(np.ones(3), places) == 0.0


def test_refusals():
    with pytest.raises(ValueError, match="measure"):
        SliceOrder("r2")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="2 scores or more"):
        tau(np.ones(1), np.ones(1))
    with pytest.raises(ValueError, match="volumes with scores"):
        SliceOrder().update(([torch.ones(3)], []))
