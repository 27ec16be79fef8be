"""Places of two scans are paired one to one, within a limit."""

import numpy as np
import pytest

from lungdet.lesions.match_places import match_places


def test_an_exact_pair_comes_before_two_far_ones():
    before = np.array([[0.0, 0, 0], [-15, 0, 0]])
    after = np.array([[0.0, 0, 0], [15, 0, 0]])  # one stayed, one went, one is new
    assert match_places(before, after, 20.0) == [(0, 0, 0.0)]


def test_two_near_pairs_come_before_one_nearer():
    before = np.array([[0.0, 0, 0], [8, 0, 0]])
    after = np.array([[4.0, 0, 0], [12, 0, 0]])  # 8 to 4 alone would be as near, and leave two over
    assert match_places(before, after, 10.0) == [(0, 0, 4.0), (1, 1, 4.0)]


def test_a_place_alone_is_paired_up_to_the_limit():
    assert match_places(np.zeros((1, 3)), np.array([[19.0, 0, 0], [60, 0, 0]]), 20.0) == [(0, 0, 19.0)]


def test_the_order_of_places_does_not_matter():
    rng = np.random.default_rng(0)
    before = rng.uniform(0, 200, (12, 3))
    after = before[::-1] + rng.normal(0, 0.5, (12, 3))
    assert [(row, column) for row, column, _ in match_places(before, after, 10.0)] == [(11 - n, n) for n in range(12)]


@pytest.mark.parametrize("counts", [(0, 3), (3, 0), (0, 0)])
def test_nothing_to_pair(counts: tuple[int, int]):
    assert match_places(np.zeros((counts[0], 3)), np.zeros((counts[1], 3)), 5.0) == []


def test_too_far_is_no_pair_and_wrong_shapes_are_refused():
    assert match_places(np.zeros((1, 3)), np.full((1, 3), 9.0), 15.0) == []
    with pytest.raises(ValueError, match="after_mm"):
        match_places(np.zeros((1, 3)), np.zeros(3), 5.0)
