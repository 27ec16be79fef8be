import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from lungdet.lesions import find_histories, fit_distance_weights, fit_threshold, score_histories
from lungdet.lesions.fit_distance import _fit_logistic, _pairs
from lungdet.records import MeasuredLesion


def cohort(patients: int, seed: int) -> tuple[list[MeasuredLesion], list[str]]:
    """Lesions that move by 0.05 in x and y and by 0.01 in z; a fifth of the types is unknown, some are wrong."""
    random = np.random.default_rng(seed)
    marks, identities = [], []
    for patient in range(patients):
        count = int(random.integers(2, 7))
        places, types = random.uniform(0.2, 0.6, (count, 3)), random.choice(["lung", "liver", "bone"], count)
        for study in (1, 2, 3):
            for lesion in np.flatnonzero(random.random(count) < 0.8):
                place = places[lesion] + random.normal(0, [0.05, 0.05, 0.01])
                name = str(random.choice([types[lesion], "unknown", "kidney"], p=[0.75, 0.2, 0.05]))
                key = f"{patient}_{study}_{lesion}"
                marks.append(MeasuredLesion(key, f"p{patient}", study, study, name, 10.0, 8.0, tuple(place)))
                identities.append(f"{patient} {lesion}")
    return marks, identities


def test_scikit_learn_finds_the_same_weights():
    features, same = _pairs(*cohort(60, 0), None)
    used = np.nan_to_num(features)[:, [0, 1, 2, 5]]
    theirs = LogisticRegression(C=np.inf, tol=1e-8, max_iter=10_000).fit(used * [100, 100, 1000, 1], same)
    ours, constant = _fit_logistic(np.nan_to_num(features), same)
    np.testing.assert_allclose(ours[[0, 1, 2, 5]], -theirs.coef_[0] * [100, 100, 1000, 1], rtol=0.15)
    assert constant == pytest.approx(theirs.intercept_[0], rel=0.15)
    assert (ours[[3, 4, 6]] == 0).all()  # nothing differs there


def test_fitted_weights_find_the_lesions_of_others():
    weights = fit_distance_weights(*cohort(60, 0))
    weights = fit_threshold(*cohort(40, 1), weights)
    marks, identities = cohort(60, 2)
    scores = score_histories(find_histories(marks, weights), marks, identities)
    assert scores.pairs.precision > 0.95
    assert scores.pairs.recall > 0.9
    assert weights.z > 5 * weights.x > 0  # z is five times as sure


def test_of_equal_thresholds_the_middle_one_is_taken():
    marks = [MeasuredLesion(f"{s}", "p", s, 1, "lung", 9.0, location=(0.5, 0.5, 0.5)) for s in (1, 2)]
    weights = fit_distance_weights(*cohort(20, 0))
    assert fit_threshold(marks, ["a", "a"], weights, thresholds=(0.5, 1.0, 1.5)).threshold == 1.0


def test_thresholds_need_lesions_that_are_marked_twice():
    weights = fit_distance_weights(*cohort(20, 0))
    with pytest.raises(ValueError, match="no lesion is marked in two studies"):
        fit_threshold([], [], weights)
    marks, identities = cohort(20, 1)
    assert fit_threshold(marks, identities, weights).repeat_threshold == weights.repeat_threshold  # none repeated
    with pytest.raises(ValueError, match="no lesion is marked in two studies"):
        fit_threshold(marks, [str(n) for n in range(len(marks))], weights)


def test_terms_may_be_left_out():
    weights = fit_distance_weights(*cohort(20, 0), terms=("z",))
    assert (weights.x, weights.y, weights.type) == (0.0, 0.0, 0.0)
    assert weights.z > 0


def test_what_cannot_be_learnt_from_is_refused():
    marks, _ = cohort(5, 0)
    with pytest.raises(ValueError, match="pairs of the same lesion and of others"):
        fit_distance_weights(marks, [str(n) for n in range(len(marks))])
    with pytest.raises(ValueError, match="pairs of the same lesion and of others"):
        fit_distance_weights([], [])
    places = [(1, 0.0, "a"), (1, 0.5, "b"), (2, 0.0, "b"), (2, 0.5, "a")]  # the near ones are never the same
    wrong = [MeasuredLesion(f"{s}{x}", "p", s, 1, "lung", 9.0, location=(x, 0, 0)) for s, x, _ in places]
    with pytest.raises(ValueError, match="are the identities right"):
        fit_distance_weights(wrong, [name for _, _, name in places])
