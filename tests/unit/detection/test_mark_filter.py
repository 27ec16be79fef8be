"""The filter of false marks, against hand-worked numbers, scikit-learn and the laws of a ranking."""

import json

import numpy as np
import pytest
from scipy.special import expit

from lungdet.detection import MarkFilter, fit_mark_filter


def drawn(count: int = 4000, seed: int = 0):
    """Marks whose chance of a hit is known."""
    rng = np.random.default_rng(seed)
    first, second = rng.normal(0, 2, count), rng.normal(0, 2, count)
    hits = rng.random(count) < expit(-1 + 0.5 * first + 1.5 * second)
    return expit(first), expit(second), hits


def test_scores_by_hand():
    combined = MarkFilter(intercept=-1.0, detector=2.0, classifier=0.5).scores([0.75], [0.9])
    # logit(3/4) = ln 3, logit(9/10) = ln 9: exp(-1 + 2 ln 3 + 0.5 ln 9) = 27 / e
    assert combined[0] == pytest.approx(27 / (27 + np.e))


def test_sure_answers_stay_finite():
    combined = MarkFilter(0.0, 1.0, 1.0).scores([0.0, 1.0, 1.0], [1.0, 0.0, 1.0])
    assert combined.tolist() == pytest.approx([0.5, 0.5, 1.0])
    assert np.isfinite(combined).all()


def test_no_marks_have_no_scores():
    assert MarkFilter(0.0, 1.0, 1.0).scores([], []).shape == (0,)


def test_without_the_classifier_the_order_is_the_detectors():
    scores = np.random.default_rng(1).random(50)
    combined = MarkFilter(-2.0, 0.7, 0.0).scores(scores, np.full(50, 0.3))
    assert np.array_equal(np.argsort(combined), np.argsort(scores))


def test_a_better_score_never_makes_a_mark_worse():
    scores, probabilities, hits = drawn()
    found = fit_mark_filter(1 - scores, probabilities, hits)  # the detector is upside down
    assert found.detector == 0
    assert found.classifier > 1


def test_fit_agrees_with_scikit_learn():
    linear = pytest.importorskip("sklearn.linear_model")
    scores, probabilities, hits = drawn()
    rows = np.stack([np.log(scores / (1 - scores)), np.log(probabilities / (1 - probabilities))], axis=1)
    other = linear.LogisticRegression(C=1 / (1e-3 * len(hits)), tol=1e-8).fit(rows, hits)
    found = fit_mark_filter(scores, probabilities, hits)
    assert [found.intercept, found.detector, found.classifier] == pytest.approx(
        [other.intercept_[0], *other.coef_[0]], abs=2e-3
    )
    assert found.scores(scores, probabilities).mean() == pytest.approx(hits.mean(), abs=1e-3)  # calibrated


def test_marks_that_can_be_told_apart_have_finite_weights():
    found = fit_mark_filter([0.1, 0.9], [0.2, 0.8], [False, True])
    assert 0 < found.classifier < 100


def test_json_and_back():
    found = MarkFilter(-1.5, 0.25, 2.0)
    stored = json.loads(json.dumps({**found.to_dict(), "fitted_on": "phantoms"}))
    assert MarkFilter.from_dict(stored) == found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"intercept": 0.0, "detector": 1.0}, "a filter is intercept, detector, classifier"),
        ({"intercept": 0.0, "detector": 1.0, "classifier": None}, "a filter is"),
        ({"intercept": 0.0, "detector": -1.0, "classifier": 1.0}, "not negative"),
        ({"intercept": float("nan"), "detector": 1.0, "classifier": 1.0}, "finite"),
    ],
)
def test_what_is_no_filter_is_refused(content, message):
    with pytest.raises(ValueError, match=message):
        MarkFilter.from_dict(content)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.5], [0.5, 0.6], [True]), "every mark has two scores: got 1 and 2"),
        (([1.5], [0.5], [True]), r"detector_scores must be in \[0, 1\], got \[1.5\]"),
        (([0.5], [float("nan")], [True]), "nodule_probabilities must be"),
        (([0.5, 0.5], [0.5, 0.5], [True]), "got 1 for 2 marks"),
        (([0.5, 0.5], [0.5, 0.5], [True, True]), "right and wrong marks, got 2 right of 2"),
        (([], [], []), "got 0 right of 0"),
    ],
)
def test_marks_that_fit_nothing_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        fit_mark_filter(*arguments)
