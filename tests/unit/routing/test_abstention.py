"""What is answered is right often enough, with the confidence that was asked for."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from lungdet.routing import Abstention, choose_threshold
from lungdet.routing.abstention import COVERAGES


def test_observed_accuracy_by_hand():
    sure, right = [0.6, 0.9, 0.8, 0.7, 0.95], [0, 1, 1, 0, 1]
    chosen = choose_threshold(sure, right, target_accuracy=0.75, confidence=None)
    assert (chosen.threshold, chosen.coverage, chosen.accuracy) == (0.7, 0.8, 0.75)
    assert choose_threshold(sure, right, target_accuracy=0.6, confidence=None).coverage == 1.0


def test_equal_probabilities_are_answered_together():
    chosen = choose_threshold([0.9, 0.9, 0.8], [1, 0, 1], target_accuracy=0.9, confidence=None)
    assert not chosen.reached  # the first of the two 0.9 alone would have been right


@pytest.mark.parametrize(("target", "least"), [(0.99, 408), (0.95, 80), (0.9, 39)])
def test_pictures_that_a_proof_needs(target: float, least: int):
    for count, enough in [(least - 1, False), (least, True)]:
        assert choose_threshold(np.ones(count), np.ones(count), target_accuracy=target).reached == enough


def test_the_bound_is_that_of_clopper_and_pearson():
    sure, right = np.linspace(1, 0.5, 1000), np.ones(1000)
    right[900:] = 0
    chosen = choose_threshold(sure, right, target_accuracy=0.98, confidence=0.9)
    assert chosen.coverage == 0.9
    assert chosen.accuracy == 1.0
    referee = binomtest(900, 900, alternative="greater").proportion_ci(1 - 0.1 / len(COVERAGES), "exact")
    assert chosen.accuracy_low == pytest.approx(referee.low)
    assert (sure >= chosen.threshold).sum() == 900


def test_the_promise_holds_in_nine_of_ten_draws():
    rng = np.random.default_rng(0)
    kept, reached = [], []
    for _ in range(300):
        sure = rng.random(400)
        chosen = choose_threshold(sure, rng.random(400) < 0.8 + 0.2 * sure, target_accuracy=0.9, confidence=0.9)
        reached.append(chosen.reached)
        # Given the threshold t, the true accuracy among answers is the mean of .8 + .2 p over p in [t, 1].
        kept.append(not chosen.reached or 0.8 + 0.1 * (1 + chosen.threshold) >= 0.9)
    assert np.mean(kept) >= 0.9
    assert np.mean(reached) > 0.5


def test_pictures_of_one_patient_prove_no_more_than_one():
    hundred = np.ones(100)
    assert choose_threshold(hundred, hundred, target_accuracy=0.95).reached
    forty = [f"patient {number % 40}" for number in range(100)]
    assert not choose_threshold(hundred, hundred, target_accuracy=0.95, patients=forty).reached
    alone = choose_threshold(hundred, hundred, target_accuracy=0.95, patients=[("a", number) for number in range(100)])
    assert alone == choose_threshold(hundred, hundred, target_accuracy=0.95)
    assert choose_threshold(hundred, hundred, target_accuracy=0.9, patients=forty).accuracy_low == pytest.approx(
        binomtest(40, 40, alternative="greater").proportion_ci(1 - 0.1 / len(COVERAGES), "exact").low
    )


def test_a_patient_is_right_if_all_its_answered_pictures_are():
    # 500 patients with a surer and a less sure picture; of patient 0 both are wrong, of patient 1 the less sure one.
    sure, right = np.r_[np.full(500, 0.9), np.full(500, 0.6)], np.ones(1000)
    right[[0, 500, 501]] = 0
    patients = list(range(500)) * 2
    both = choose_threshold(sure, right, target_accuracy=0.9, patients=patients)
    one = choose_threshold(sure, right, target_accuracy=0.987, patients=patients)
    for chosen, good, coverage in ((both, 498, 1.0), (one, 499, 0.5)):
        referee = binomtest(good, 500, alternative="greater").proportion_ci(1 - 0.1 / len(COVERAGES), "exact")
        assert (chosen.accuracy_low, chosen.coverage) == (pytest.approx(referee.low), coverage)
    assert one.threshold == 0.9


def test_a_patient_with_many_wrong_pictures_does_not_pass_as_one():
    right = np.r_[np.zeros(100), np.ones(99)]
    patients = [0] * 100 + list(range(1, 100))
    assert not choose_threshold(np.ones(199), right, target_accuracy=0.9, patients=patients).reached


def test_out_of_reach_nothing_is_answered():
    chosen = choose_threshold([1.0] * 500, [0] * 500)
    assert not chosen.reached
    assert chosen.threshold > 1.0
    assert chosen.coverage == 0
    assert math.isnan(chosen.accuracy)
    assert not choose_threshold([], []).reached
    assert Abstention().reached


@pytest.mark.parametrize(
    ("sure", "right", "options"),
    [
        ([0.5], [1, 0], {}),
        ([math.nan], [1], {}),
        ([0.5], [1], {"target_accuracy": 1.0}),
        ([0.5], [1], {"confidence": 1.0}),
        ([0.5], [1], {"patients": ["a", "b"]}),
    ],
)
def test_what_does_not_fit_is_refused(sure: list, right: list, options: dict):
    with pytest.raises(ValueError, match="wanted"):
        choose_threshold(sure, right, **options)
