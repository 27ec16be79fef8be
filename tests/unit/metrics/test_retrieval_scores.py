from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from lungdet.metrics import retrieval_scores


def looks(types: list[str], location=None, size_mm=None) -> SimpleNamespace:
    count = len(types)
    return SimpleNamespace(
        lesion_type=np.array(types, dtype=np.str_),
        location=np.zeros((count, 3), np.float32) if location is None else np.array(location, np.float32),
        size_mm=np.zeros((count, 2), np.float32) if size_mm is None else np.array(size_mm, np.float32),
    )


def test_hand_worked():
    queries = looks(["lung", "liver"], [[0, 0, 0], [0.5, 0.5, 0.5]], [[10, 5], [20, 20]])
    known = looks(["lung", "liver", "lung"], [[0.3, 0.4, 0], [0.5, 0.5, 0.5], [0, 0, 1]], [[13, 9], [20, 20], [10, 5]])
    scores = retrieval_scores(queries, known, [[0, 2], [1, 0]])
    assert scores.queries == 2
    assert scores.type_accuracy == 0.75  # both lung for lung; one liver of two
    assert scores.accuracy_by_type == {"liver": 0.5, "lung": 1.0}
    assert scores.balanced_accuracy == 0.75
    apart = np.sqrt(0.04 + 0.01 + 0.25)
    assert scores.location_error == pytest.approx(((0.5 + 1.0) / 2 + (0 + apart) / 2) / 2)
    assert scores.size_error_mm == pytest.approx(((5 + 0) / 2 + (0 + np.hypot(7, 11)) / 2) / 2)


def test_scikit_learn_agrees_on_the_nearest():
    rng = np.random.default_rng(0)
    types = np.array(["bone", "lung", "liver"])
    asked, told = types[rng.choice(3, 200, p=[0.7, 0.2, 0.1])], types[rng.integers(0, 3, 50)]
    answers = rng.integers(0, 50, (200, 1))
    scores = retrieval_scores(looks(asked.tolist()), looks(told.tolist()), answers)
    assert scores.type_accuracy == pytest.approx(accuracy_score(asked, told[answers[:, 0]]))
    assert scores.balanced_accuracy == pytest.approx(balanced_accuracy_score(asked, told[answers[:, 0]]))


def test_chance_gives_the_share_of_the_type():
    rng = np.random.default_rng(1)
    known = looks(["lung"] * 30 + ["bone"] * 70)
    scores = retrieval_scores(looks(["lung"] * 500), known, rng.integers(0, 100, (500, 10)))
    assert scores.type_accuracy == pytest.approx(0.3, abs=0.02)


def test_a_lesion_is_like_itself():
    same = looks(["lung", "bone"], [[0.1, 0.2, 0.3]] * 2, [[3, 2]] * 2)
    scores = retrieval_scores(same, same, [[0], [1]])
    assert (scores.type_accuracy, scores.location_error, scores.size_error_mm) == (1, 0, 0)


def test_what_is_not_known_counts_neither_way():
    known = looks(["lung", "unknown", "bone"], [[np.nan] * 3, [0, 0, 0.5], [0, 0, 0]], [[np.nan, 5], [1, 1], [4, 4]])
    scores = retrieval_scores(looks(["lung", "unknown"], None, [[1, 1]] * 2), known, [[0, 1, -1], [2, 1, 0]])
    assert scores.type_accuracy == 1.0
    assert scores.accuracy_by_type == {"lung": 1.0}
    assert scores.location_error == pytest.approx((0.5 + 0.25) / 2)
    assert scores.size_error_mm == pytest.approx((0 + np.hypot(3, 3) / 2) / 2)


def test_queries_without_answers_are_not_counted():
    scores = retrieval_scores(looks(["lung", "lung"]), looks(["lung"]), [[0], [-1]])
    assert scores.queries == 1
    assert scores.type_accuracy == 1.0


def test_nothing_gives_nothing():
    for scores in (
        retrieval_scores(looks([]), looks(["lung"]), np.empty((0, 3), int)),
        retrieval_scores(looks(["lung"]), looks([]), [[-1]]),
    ):
        assert scores.queries == 0
        assert np.isnan([scores.type_accuracy, scores.location_error, scores.size_error_mm]).all()


@pytest.mark.parametrize(("answers", "message"), [([[1]], "of 1"), ([0], "one row a query"), ([[0], [0]], "one row")])
def test_answers_that_do_not_fit_are_refused(answers, message):
    with pytest.raises(ValueError, match=message):
        retrieval_scores(looks(["lung"]), looks(["lung"]), answers)
