import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from lungdet.metrics import auroc, coverage_curve


def test_hand_worked_curve():
    curve = coverage_curve([0.2, 0.9, 0.8, 0.7], [False, True, True, False])
    assert curve.coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert curve.accuracy.tolist() == pytest.approx([1, 1, 2 / 3, 0.5])
    assert curve.thresholds.tolist() == [0.9, 0.8, 0.7, 0.2]
    assert (curve.accuracy_at(0.5), curve.coverage_at(1.0), curve.coverage_at(0.6)) == (1.0, 0.5, 0.75)
    assert curve.area == pytest.approx((1 + 1 + 2 / 3 + 1 / 2) / 4)


def test_equals_are_answered_together_in_any_order():
    curve = coverage_curve([0.5, 0.5, 0.5, 0.9], [True, False, False, True])
    assert curve.coverage.tolist() == [0.25, 1.0]
    turned = coverage_curve([0.9, 0.5, 0.5, 0.5], [True, False, True, False])
    assert turned.to_json() == curve.to_json()


def test_the_whole_is_the_accuracy():
    rng = np.random.default_rng(0)
    right = rng.random(100) < 0.7
    curve = coverage_curve(rng.random(100), right)
    assert curve.accuracy_at(1.0) == pytest.approx(right.mean())
    assert curve.coverage_at(0.0) == 1.0


def test_never_right_covers_nothing_and_no_picture_tells_nothing():
    assert coverage_curve([0.9], [False]).coverage_at(0.9) == 0.0
    content = json.loads(json.dumps(coverage_curve([], []).to_json(), allow_nan=False))
    assert content["area"] is content["accuracy_at_coverage"]["1"] is content["coverage_at_accuracy"]["0.9"] is None


@pytest.mark.parametrize("ties", [False, True])
def test_scikit_learn_agrees_on_the_area(ties: bool):
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 6, 90) if ties else rng.normal(size=90)
    positive = rng.random(90) < 0.3
    assert auroc(scores, positive) == pytest.approx(roc_auc_score(positive, scores))
    assert auroc(-scores, positive) == pytest.approx(1 - auroc(scores, positive))


def test_without_both_kinds_there_is_no_area():
    assert np.isnan(auroc([0.1, 0.2], [1, 1]))
    assert np.isnan(auroc([], []))


@pytest.mark.parametrize("function", [auroc, coverage_curve])
def test_what_does_not_fit_is_refused(function: object):
    with pytest.raises(ValueError, match="one length"):
        function([0.1], [1, 0])
    with pytest.raises(ValueError, match="finite"):
        function([float("nan")], [1])
