from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungdet.lesions.links import Link, assigned_links, greedy_links, optimal_links


def line(places: list[float], studies: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Lesions on a line; distances are those between places."""
    at = np.array(places, dtype=np.float64)
    return np.abs(at[:, None] - at[None]), np.array(studies, dtype=np.int64)


def brute_force(distances: np.ndarray, studies: np.ndarray, threshold: float) -> float:
    """Most that links are worth in which no lesion has two successors or two predecessors."""
    edges = [
        (a, b)
        for a, b in combinations(range(len(studies)), 2)
        if studies[a] < studies[b] and distances[a, b] <= threshold
    ]
    best = 0.0
    for size in range(len(studies)):
        for chosen in combinations(edges, size):
            if len({a for a, _ in chosen}) == len({b for _, b in chosen}) == size:
                best = max(best, sum(threshold**2 - distances[edge] ** 2 for edge in chosen))
    return best


def chains(links: list[Link], count: int) -> list[set[int]]:
    groups = [{row} for row in range(count)]
    for a, b in links:
        one, other = (next(group for group in groups if row in group) for row in (a, b))
        if one is not other:
            one |= other
            groups.remove(other)
    return groups


@settings(max_examples=60, deadline=None)
@given(
    lesions=st.lists(st.tuples(st.integers(0, 20), st.integers(1, 4)), min_size=1, max_size=6),
    threshold=st.sampled_from([0.5, 3.0, 30.0]),
)
def test_no_other_links_are_worth_more(lesions: list[tuple[int, int]], threshold: float):
    lesions.sort(key=lambda one: one[1])
    distances, studies = line([place for place, _ in lesions], [study for _, study in lesions])
    links = assigned_links(distances, studies, threshold)
    worth = sum(threshold**2 - distances[link] ** 2 for link in links)
    assert worth == pytest.approx(brute_force(distances, studies, threshold))


def test_chains_that_interleave_are_joined():
    """Studies 2 and 3 are shifted, to 0.8 and 1.6: 1 and 4 fit, 2 and 3 do, and 1 and 2 are just near enough."""
    distances, studies = line([0.0, 0.9, 0.8, 0.0], [1, 2, 3, 4])
    assert assigned_links(distances, studies, 0.85) == [(0, 3), (1, 2)]
    assert optimal_links(distances, studies, 0.85) == [(0, 2), (0, 3), (1, 2)]
    distances, studies = line([0.0, 0.9, 0.8, 0.0], [1, 2, 3, 2])
    assert optimal_links(distances, studies, 0.85) == [(0, 3), (1, 2)]  # both hold study 2


@pytest.mark.parametrize("find", [optimal_links, assigned_links, greedy_links])
@settings(max_examples=60, deadline=None)
@given(lesions=st.lists(st.tuples(st.floats(0, 5), st.integers(1, 5)), max_size=25))
def test_no_chain_holds_two_lesions_of_a_study(find, lesions: list[tuple[float, int]]):
    lesions.sort(key=lambda one: one[1])
    distances, studies = line([place for place, _ in lesions], [study for _, study in lesions])
    links = find(distances, studies, 1.0)
    assert all(studies[a] < studies[b] and distances[a, b] <= 1.0 for a, b in links)
    for chain in chains(links, len(lesions)):
        assert len({studies[row] for row in chain}) == len(chain)


@pytest.mark.parametrize("find", [optimal_links, greedy_links])
def test_a_study_may_be_skipped(find):
    distances, studies = line([0.0, 5.0, 0.1], [1, 2, 3])
    assert find(distances, studies, 1.0) == [(0, 2)]


@pytest.mark.parametrize("find", [optimal_links, greedy_links])
def test_far_lesions_and_infinite_distances_are_never_linked(find):
    distances, studies = line([0.0, 5.0], [1, 2])
    assert find(distances, studies, 4.9) == []
    assert find(np.full((2, 2), np.inf), studies, 4.9) == []
    assert find(np.zeros((0, 0)), np.zeros(0, dtype=np.int64), 1.0) == []


def test_assignment_gives_up_the_nearest_for_the_sake_of_all():
    """Two neighbours, both shifted by 0.6 of a step: the nearest pair is the wrong one."""
    distances, studies = line([0.0, 1.0, 0.6, 1.6], [1, 1, 2, 2])
    assert optimal_links(distances, studies, 1.0) == [(0, 2), (1, 3)]
    assert greedy_links(distances, studies, 1.0) == [(1, 2)]  # 0.4 apart; 0 and 3 are left over


def test_greedy_joins_what_hangs_together_but_not_two_of_a_study():
    """0 - 1 - 2 hang together over three studies; 2's neighbour 3, of the study of 0, may not follow."""
    distances, studies = line([0.0, 2.0, 0.9, 1.6], [1, 1, 2, 3])
    assert greedy_links(distances, studies, 1.0) == [(1, 3), (2, 3)]  # 0.4 and 0.7; 0 - 2, 0.9, would join 0 and 1
