"""RECIST axes of an outline, and a reader's error."""

import itertools

import numpy as np
import pytest

from lungdet.phantoms.torso_lesion_recist import RecistAxes, draw_reader, measure_outline

TURN = np.arange(180) * np.pi / 90


def ellipse(a: float, b: float, degrees: float = 0.0) -> np.ndarray:
    angle = np.radians(degrees)
    points = np.column_stack([a * np.cos(TURN), b * np.sin(TURN)])
    return points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) + [20, -7]


@pytest.mark.parametrize("degrees", [0, 30, 77, 140])
def test_axes_of_an_ellipse(degrees: float):
    axes = measure_outline(ellipse(9, 5, degrees))
    np.testing.assert_allclose(axes.lengths_mm, [18, 10], rtol=2e-3)
    along, across = axes.ends_mm[1] - axes.ends_mm[0], axes.ends_mm[3] - axes.ends_mm[2]
    np.testing.assert_allclose(along @ across, 0, atol=1e-6)
    np.testing.assert_allclose(axes.ends_mm.mean(axis=0), [20, -7], atol=0.1)


def test_axes_of_a_rectangle():
    side = np.linspace(0, 1, 50, endpoint=False)
    corners = np.array([[0, 0], [4, 0], [4, 3], [0, 3], [0, 0]], dtype=float)
    outline = np.concatenate([a + side[:, None] * (b - a) for a, b in itertools.pairwise(corners)])
    long, short = measure_outline(outline).lengths_mm
    assert long == pytest.approx(5.0)  # the diagonal
    assert short == pytest.approx(3.75, abs=0.05)  # across it: 3 / cos of its angle, (3/4 of 5)


def test_too_few_points_are_refused():
    with pytest.raises(ValueError, match="N >= 3"):
        measure_outline(np.zeros((2, 2)))


def test_a_reader_errs_a_little_and_without_bias():
    true = measure_outline(ellipse(10, 6, 20))
    rng = np.random.default_rng(4)
    drawn = np.array([draw_reader(rng, true).lengths_mm for _ in range(2000)])
    np.testing.assert_allclose(drawn.mean(axis=0), true.lengths_mm, atol=0.1)
    # each end of the long axis errs by 0.45 mm + 1.2 % of 20 mm, so its length by sqrt(2) of that
    assert drawn[:, 0].std() == pytest.approx(np.sqrt(2) * 0.69, rel=0.1)


def test_the_longer_axis_is_the_long_one():
    square = RecistAxes(np.array([[-5.0, 0], [5, 0], [0, -5], [0, 5]]))
    rng = np.random.default_rng(0)
    for _ in range(50):
        long, short = draw_reader(rng, square).lengths_mm
        assert long >= short
