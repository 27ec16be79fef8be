import numpy as np
import pytest

from lungdet.metrics import match_scan

ORIGIN = [[0.0, 0.0, 0.0]]


def test_a_scan_by_hand() -> None:
    match = match_scan(
        marks_mm=[[0, 0, 2], [0, 0, -1], [30, 0, 0], [60, 0, 0], [90, 0, 0]],
        scores=[0.6, 0.8, 0.5, 0.4, 0.3],
        nodules_mm=[[0, 0, 0], [60, 0, 1], [200, 0, 0]],
        diameters_mm=[6.0, 4.0, 20.0],
        excluded_mm=[[30, 4, 0], [0, 0, 0]],
        excluded_diameters_mm=[-1.0, 30.0],
    )
    assert match.hit_scores == (0.8, 0.4)
    assert match.false_scores == (0.3,)
    assert (match.nodules, match.marks, match.double_hits, match.on_excluded) == (3, 5, 1, 1)


def test_a_mark_on_the_surface_is_no_hit() -> None:
    assert match_scan([[0, 0, 3.0]], [0.5], ORIGIN, [6.0]).false_scores == (0.5,)
    assert match_scan([[0, 0, 2.999]], [0.5], ORIGIN, [6.0]).hit_scores == (0.5,)


def test_a_negative_diameter_means_10_mm() -> None:
    assert match_scan([[0, 0, 4.9]], [0.5], ORIGIN, [-1.0]).hit_scores == (0.5,)
    assert match_scan([[0, 0, 5.0]], [0.5], ORIGIN, [-1.0]).hit_scores == ()


def test_one_mark_may_find_two_nodules() -> None:
    match = match_scan([[0, 0, 1.0]], [0.5], [[0, 0, 0], [0, 0, 2]], [6.0, 6.0])
    assert match.hit_scores == (0.5, 0.5)
    assert match.false_scores == ()


def test_only_the_best_marks_count_and_ties_go_together() -> None:
    marks = np.zeros((4, 3))
    assert match_scan(marks, [0.1, 0.2, 0.3, 0.4], [], [], max_marks=2).false_scores == (0.3, 0.4)
    assert match_scan(marks, [0.1, 0.2, 0.2, 0.4], [], [], max_marks=2).false_scores == (0.4,)
    assert match_scan(marks, [0.1, 0.2, 0.2, 0.4], [], [], max_marks=4).marks == 4


def test_every_mark_is_accounted_for_once() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        marks, nodules, excluded = (random.uniform(0, 40, (n, 3)) for n in (60, 4, 6))
        match = match_scan(marks, random.random(60), nodules, np.full(4, 9.0), excluded, np.full(6, 9.0))
        on_nodule = len(match.hit_scores) + match.double_hits
        near = np.linalg.norm(marks[:, None] - nodules, axis=2) < 4.5
        assert on_nodule == near.sum()
        assert near.any(axis=1).sum() + len(match.false_scores) + match.on_excluded == match.marks == 60


def test_nothing_at_all() -> None:
    match = match_scan([], [], [], [])
    assert match.hit_scores == match.false_scores == ()
    assert (match.nodules, match.marks) == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0, 0, 0]], [], [], []), "marks and scores"),
        (([], [], [[0, 0, 0]], [1.0, 2.0]), "nodules and diameters"),
        (([], [], [], [], [[0, 0, 0]], None), "excluded findings"),
        (([[0, 0]], [0.5], [], []), "marks and scores"),
        (([[0, 0, 0]], [float("nan")], [], []), "finite"),
    ],
)
def test_wrong_input_is_refused(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        match_scan(*arguments)
