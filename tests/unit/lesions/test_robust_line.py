"""A line through scores of which some are wrong."""

import numpy as np
import pytest
from scipy.stats import linregress

from lungdet.lesions.robust_line import (
    MOST_POINTS,
    explained_variance,
    median_spread,
    rank_correlation,
    robust_line,
)


def test_a_quarter_of_the_points_may_be_anywhere():
    x = np.arange(80.0)
    y = 3 * x - 7
    y[::4] = 1e6
    assert robust_line(x, y) == pytest.approx((3.0, -7.0))
    assert linregress(x, y).slope != pytest.approx(3.0, abs=1.0)


def test_many_points_are_thinned_without_harm():
    x = np.arange(10.0 * MOST_POINTS)
    assert robust_line(x, 0.5 * x + 1) == pytest.approx((0.5, 1.0))


def test_the_line_turns_with_its_points():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=30), rng.normal(size=30)
    slope, level = robust_line(x, y)
    assert robust_line(-x, y) == pytest.approx((-slope, level))
    assert robust_line(x, 2 * y + 1) == pytest.approx((2 * slope, 2 * level + 1))


def test_tau_by_hand():
    assert rank_correlation([1, 2, 3], [1, 2, 3]) == 1.0
    assert rank_correlation([1, 2, 3], [3, 2, 1]) == -1.0
    assert rank_correlation([1, 2, 3], [5, 5, 5]) == 0.0  # no order at all


def test_variance_by_hand():
    assert explained_variance([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) == 1.0
    assert explained_variance([1.0, 2.0, 3.0], [2.0, 2.0, 2.0]) == 0.0
    assert explained_variance([4.0, 4.0], [4.0, 4.0]) == 0.0
    assert median_spread([]) == 0.0


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [([1, 2], [1], "one length"), ([1, 1], [1, 2], "two different"), ([], [], "two different"),
     ([1, 2], [1, np.nan], "finite"), ([1, np.inf], [1, 2], "finite")],
)  # fmt: skip
def test_bad_points_are_refused(x: list, y: list, words: str):
    for fit in (robust_line, rank_correlation):
        with pytest.raises(ValueError, match=words):
            fit(x, y)
