import itertools
import json
import statistics

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, mean_absolute_error, roc_auc_score

from lungdet.metrics import ordinal_scores, quadratic_kappa
from lungdet.metrics.rating_levels import (
    levels_from_shares,
    mean_from_shares,
    median_from_shares,
    shares_from_levels,
    spread_from_shares,
    whole_level,
)
from lungdet.records import RatingTarget

STEPS = np.arange(1, 5)


def shares_of(values: tuple[int, ...]) -> np.ndarray:
    return np.array([np.mean(np.array(values) > step) for step in STEPS])


def told(count: int = 150, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """What is said of nodules, and what four readers rated."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(0.5, 5.5, count)
    readers = np.clip(np.round(level[:, None] + rng.normal(0, 0.7, (count, 4))), 1, 5)
    said = 1 / (1 + np.exp(-2 * (level[:, None] + rng.normal(0, 0.8, (count, 1)) - STEPS - 0.5)))
    return said, np.stack([shares_of(tuple(row)) for row in readers])


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_shares_tell_mean_median_and_spread_of_any_readers(count: int):
    for values in itertools.combinations_with_replacement(range(1, 6), count):
        shares = shares_of(values)
        assert shares.tolist() == list(RatingTarget.of_values("malignancy", values).above)
        assert mean_from_shares(shares) == pytest.approx(statistics.mean(values))
        assert median_from_shares(shares) == pytest.approx(statistics.median(values))
        assert median_from_shares(shares.astype(np.float32)) == pytest.approx(statistics.median(values))
        assert spread_from_shares(shares) == pytest.approx(statistics.pstdev(values), abs=1e-9)
        assert shares_from_levels(levels_from_shares(shares)) == pytest.approx(shares)


def test_a_half_is_the_higher_level():
    assert whole_level([1.0, 1.5, 2.5, 4.5, 5.0]).tolist() == [1, 2, 3, 5, 5]


def test_by_hand():
    # Readers 1 1 and 4 5; said: surely 2, and 3 or 5 with equal chance.
    scores = ordinal_scores(
        "malignancy", [[1, 0, 0, 0], [1, 1, 0.5, 0.5]], [[0, 0, 0, 0], [1, 1, 1, 0.5]], resamples=10
    )
    assert scores.mean_error.value == pytest.approx((1 + 0.5) / 2)
    assert scores.base_mean_error == pytest.approx(1.75)
    assert scores.exact.value == 0  # 2 for 1; 4 for 5, a half rounded up
    assert scores.within_one.value == 1
    assert scores.spread_error.value == pytest.approx((0 + 0.5) / 2)
    assert scores.ranked_score.value == pytest.approx((1 + 0.25) / 2)
    assert scores.auc.value == 1
    assert (scores.confusion[0][1], scores.confusion[4][3]) == (1, 1)


def test_scores_are_those_of_scikit_learn():
    said, shares = told()
    scores = ordinal_scores("malignancy", said, shares, resamples=20)
    means = 1 + said.sum(axis=1), 1 + shares.sum(axis=1)
    true = whole_level(median_from_shares(shares))
    level = 1 + (said >= 0.5).sum(axis=1)
    assert scores.mean_error.value == pytest.approx(mean_absolute_error(*means))
    kappa = cohen_kappa_score(true, level, labels=[1, 2, 3, 4, 5], weights="quadratic")
    assert scores.kappa.value == pytest.approx(kappa)
    assert scores.kappa.low < kappa < scores.kappa.high
    assert scores.exact.value == pytest.approx(np.mean(true == level))
    median = median_from_shares(shares)
    sided = median != 3  # those at the middle are on neither side
    assert scores.auc.value == pytest.approx(roc_auc_score(median[sided] > 3, means[0][sided]))
    assert scores.mean_error.value < scores.base_mean_error


def test_kappa_of_draws_is_that_of_repeated_cases():
    rng = np.random.default_rng(0)
    true, said = rng.integers(1, 6, (2, 40))
    weights = rng.integers(0, 4, (5, 40))
    for row, kappa in zip(weights, quadratic_kappa(true, said, 5, weights.astype(float)), strict=True):
        pair = np.repeat(true, row), np.repeat(said, row)
        assert kappa == pytest.approx(cohen_kappa_score(*pair, labels=[1, 2, 3, 4, 5], weights="quadratic"))


def test_saying_the_readers_own_shares_is_best():
    _, shares = told()
    best = ordinal_scores("malignancy", shares, shares, resamples=10)
    values = [best.mean_error, best.spread_error, best.ranked_score, best.kappa, best.exact]
    assert [part.value for part in values] == [0, 0, 0, 1, 1]
    sure = ordinal_scores("malignancy", np.round(shares), shares, resamples=10)
    assert sure.ranked_score.value > 0 < sure.spread_error.value  # to hide the readers' spread costs


def test_a_constant_answer_has_no_skill():
    _, shares = told(400)
    constant = np.tile(shares.mean(axis=0), (400, 1))
    scores = ordinal_scores("malignancy", constant, shares, resamples=50)
    assert scores.mean_error.value == pytest.approx(scores.base_mean_error)
    assert (scores.auc.value, scores.kappa.value) == (0.5, pytest.approx(0))


def test_nodules_without_a_rating_are_left_out():
    said, shares = told(30)
    shares[10:] = np.nan
    names = [f"p{row}" for row in range(30)]
    scores = ordinal_scores("malignancy", said, shares, names, resamples=20)
    assert scores == ordinal_scores("malignancy", said[:10], shares[:10], names[:10], resamples=20)
    assert scores.cases == 10
    nothing = ordinal_scores("malignancy", said[:0], shares[:0], resamples=10)
    assert np.isnan([nothing.mean_error.value, nothing.kappa.value, nothing.auc.value]).all()
    json.dumps(nothing.to_json(), allow_nan=False)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="malignancy: wanted two matrices"):
        ordinal_scores("malignancy", [[1, 1, 0, 0]], [[1, 1, 0]])
    with pytest.raises(ValueError, match="said must fall"):
        ordinal_scores("malignancy", [[0, 1, 0, 0]], [[1, 1, 0, 0]])
    with pytest.raises(ValueError, match="shares must fall"):
        ordinal_scores("malignancy", [[1, 1, 0, 0]], [[1.5, 1, 0, 0]])
    with pytest.raises(ValueError, match="2 patients for 1 nodules"):
        ordinal_scores("malignancy", [[1, 1, 0, 0]], [[1, 1, 0, 0]], ["a", "b"])
