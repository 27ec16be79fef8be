"""Places of two scans are paired one to one, within a limit."""

import numpy as np
import pytest

from lungdet.lesions.match_places import match_places


def test_as_many_pairs_as_there_can_be():
    before = np.array([[0.0, 0, 0], [8, 0, 0]])
    after = np.array([[7.0, 0, 0], [16, 0, 0]])  # the nearest pair alone would leave one over: 0 and 16 are too far
    assert match_places(before, after, 10.0) == [(0, 0, 7.0), (1, 1, 8.0)]


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
