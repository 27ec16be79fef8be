import json

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score
from sklearn.metrics import roc_curve as sklearn_roc_curve

from lungdet.metrics import auroc, binary_scores, estimate, weighted_auroc, weighted_mean
from lungdet.metrics.roc_curve import roc_curve


def told(count: int = 300, seed: int = 0, sureness: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and truths that follow them; ``sureness`` above 1 makes the probabilities too sure."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, count)
    positive = rng.random(count) < 1 / (1 + np.exp(-logits))
    return 1 / (1 + np.exp(-sureness * logits)), positive


def test_by_hand():
    scores = binary_scores([0.8, 0.5, 0.5, 0.2], [1, 1, 0, 0], resamples=20)
    assert scores.auc.value == pytest.approx(3.5 / 4)
    assert scores.log_loss.value == pytest.approx(-(2 * np.log(0.8) + 2 * np.log(0.5)) / 4)
    assert scores.brier.value == pytest.approx((2 * 0.04 + 2 * 0.25) / 4)
    assert scores.bias.value == pytest.approx(0)
    assert scores.base_log_loss == pytest.approx(np.log(2))
    assert (scores.cases, scores.positives) == (4, 2)


def test_scores_are_those_of_scikit_learn():
    said, true = told()
    said = said.round(2).clip(0.01, 0.99)  # with ties
    scores = binary_scores(said, true, resamples=20)
    assert scores.auc.value == pytest.approx(roc_auc_score(true, said))
    assert scores.log_loss.value == pytest.approx(log_loss(true, said))
    assert scores.brier.value == pytest.approx(brier_score_loss(true, said))
    was, confidence = calibration_curve(true, said, n_bins=10)
    even = binary_scores(said, true, resamples=20, spacing="even").reliability
    filled = even.counts > 0
    assert even.accuracy[filled] == pytest.approx(was)
    assert even.confidence[filled] == pytest.approx(confidence)
    logits = np.log(said / (1 - said))[:, None]
    fit = LogisticRegression(C=1e12, tol=1e-10, max_iter=1000).fit(logits, true)
    assert scores.slope == pytest.approx(fit.coef_[0, 0], rel=1e-3)


def test_a_sure_liar_has_a_low_slope_and_a_calibrated_one_has_one():
    assert binary_scores(*told(20_000), resamples=2).slope == pytest.approx(1, abs=0.05)
    sure, honest = (binary_scores(*told(20_000, sureness=sureness), resamples=2) for sureness in (2.0, 1.0))
    assert sure.slope == pytest.approx(0.5, abs=0.03)
    assert sure.reliability.expected_error > 0.05 > 0.02 > honest.reliability.expected_error


def test_chance_gives_a_half_and_the_interval_holds_it():
    rng, held = np.random.default_rng(1), 0
    for _ in range(40):
        area = binary_scores(rng.random(200), rng.random(200) < 0.3, resamples=100).auc
        held += area.low < 0.5 < area.high
        assert area.high - area.low < 0.3
    assert 34 <= held <= 40


@pytest.mark.parametrize("seed", range(3))
def test_intervals_hold_the_truth_about_as_often_as_they_say(seed: int):
    rng = np.random.default_rng(seed)
    held = 0
    for _ in range(100):
        values = rng.normal(size=40)
        found = estimate(lambda weights, values=values: weighted_mean(values, weights), 40, resamples=200)
        held += found.low <= 0 <= found.high
    assert 85 <= held <= 100


def test_patients_and_not_cases_are_drawn():
    said, true = told(50)
    single = binary_scores(said, true, resamples=300).auc
    twice = binary_scores(np.tile(said, 4), np.tile(true, 4), list(range(50)) * 4, resamples=300).auc
    apart = binary_scores(np.tile(said, 4), np.tile(true, 4), resamples=300).auc
    assert twice == single  # the same patients, four times each
    assert apart.high - apart.low < 0.7 * (single.high - single.low)


def test_the_order_of_named_patients_does_not_matter():
    said, true = told(40)
    names, order = [f"p{row // 2}" for row in range(40)], np.random.default_rng(0).permutation(40)
    first = binary_scores(said, true, names, resamples=50)
    again = binary_scores(said[order], true[order], [names[row] for row in order], resamples=50)
    assert again.auc == first.auc
    assert again.log_loss.low == pytest.approx(first.log_loss.low)


def test_one_truth_alone_or_none_has_no_area():
    for true in ([1, 1], [0, 0]):
        scores = binary_scores([0.4, 0.6], true, resamples=10)
        assert np.isnan([scores.auc.value, scores.auc.low, scores.slope]).all()
        assert np.isfinite(scores.log_loss.value)
    nothing = binary_scores([], [], resamples=10)
    assert np.isnan([nothing.auc.value, nothing.log_loss.value, nothing.base_log_loss]).all()
    json.dumps(nothing.to_json(), allow_nan=False)


def test_those_that_are_told_apart_without_mistake_have_no_slope():
    for true in ([0, 0, 1, 1], [1, 1, 0, 0]):  # told rightly, or always the wrong way
        scores = binary_scores([0.1, 0.2, 0.8, 0.9], true, resamples=10)
        assert np.isnan(scores.slope)
        assert scores.to_json()["calibration_slope"] is None
    assert np.isnan(binary_scores([0.2, 0.2, 0.8], [1, 0, 0], resamples=10).slope)  # one in common
    assert binary_scores([0.2, 0.5, 0.8], [0, 1, 0], resamples=10).slope == pytest.approx(0)  # by symmetry


def test_a_fit_without_an_end_has_no_slope(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(binary_scores.__globals__, "NEWTON_STEPS", 2)
    assert np.isnan(binary_scores([0.1, 0.2, 0.8, 0.9], [0, 1, 0, 1], resamples=10).slope)


def test_a_certain_mistake_costs_much_and_not_everything():
    said_never = binary_scores([0.0, 1.0], [1, 1], resamples=10).log_loss.value
    assert said_never == pytest.approx(-np.log(1e-12) / 2)


@pytest.mark.parametrize(
    ("said", "true", "message"),
    [([0.5], [1, 0], "one length"), ([1.5], [1], "in \\[0, 1\\]"), ([[0.5]], [[1]], "one length")],
)
def test_what_does_not_fit_is_refused(said: list[float], true: list[int], message: str):
    with pytest.raises(ValueError, match=message):
        binary_scores(said, true)


def test_bad_settings_of_the_draws_are_refused():
    with pytest.raises(ValueError, match="2 patients for 3 cases"):
        estimate(lambda weights: weights.sum(axis=1), 3, ["a", "b"])
    with pytest.raises(ValueError, match="resamples must be"):
        binary_scores([0.5, 0.4], [1, 0], resamples=0)


def test_weighted_area_is_that_of_repeated_cases():
    said, true = told(30)
    said = said.round(1)
    weights = np.random.default_rng(0).integers(0, 4, (5, 30))
    for row, area in zip(weights, weighted_auroc(said, true, weights.astype(float)), strict=True):
        assert area == pytest.approx(auroc(np.repeat(said, row), np.repeat(true, row)))


def test_roc_curve_is_that_of_scikit_learn():
    said, true = told(60)
    said = said.round(1)
    false, hits = roc_curve(said, true)
    expected_false, expected_hits, _ = sklearn_roc_curve(true, said, drop_intermediate=False)
    assert false == pytest.approx(expected_false)
    assert hits == pytest.approx(expected_hits)
    assert [len(part) for part in roc_curve([0.1, 0.2], [1, 1])] == [0, 0]
    with pytest.raises(ValueError, match="finite"):
        roc_curve([np.nan, 0.1], [1, 0])
