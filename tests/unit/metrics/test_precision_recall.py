import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve

from lungdet.metrics import ScanMatch, precision_recall, precision_recall_of_scans


def test_a_curve_by_hand() -> None:
    curve = precision_recall([0.9, 0.7, 0.7, 0.2], [True, False, True, False], truths=4)
    assert curve.thresholds.tolist() == [0.9, 0.7, 0.2]
    assert curve.counts.tolist() == [1, 3, 4]
    assert curve.precisions.tolist() == [1.0, 2 / 3, 0.5]
    assert curve.recalls.tolist() == [0.25, 0.5, 0.5]


@pytest.mark.parametrize("seed", range(5))
def test_scikit_learn_agrees(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores, hit = np.round(random.random(60), 2), random.random(60) < 0.4
    curve = precision_recall(scores, hit, truths=int(hit.sum()))
    precisions, recalls, thresholds = precision_recall_curve(hit, scores)
    np.testing.assert_allclose(curve.precisions, precisions[:-1][::-1])
    np.testing.assert_allclose(curve.recalls, recalls[:-1][::-1])
    np.testing.assert_allclose(curve.thresholds, thresholds[::-1])
    assert curve.average_precision("steps") == pytest.approx(average_precision_score(hit, scores))
    missed = precision_recall(scores, hit, truths=2 * int(hit.sum()))
    assert missed.average_precision("steps") == pytest.approx(average_precision_score(hit, scores) / 2)


def test_average_precisions_by_hand() -> None:
    """Precision 1, 1/2, 2/3, 2/4, 3/5 at recall 1/4, 1/4, 1/2, 1/2, 3/4."""
    curve = precision_recall([5, 4, 3, 2, 1], [True, False, True, False, True], truths=4)
    assert curve.average_precision("steps") == pytest.approx((1 + 2 / 3 + 3 / 5) / 4)
    assert curve.average_precision("area") == pytest.approx((1 + 2 / 3 + 3 / 5) / 4)
    assert curve.average_precision("coco") == pytest.approx((26 * 1 + 25 * 2 / 3 + 25 * 3 / 5) / 101)
    dipping = precision_recall([5, 4, 3, 2, 1], [False, True, True, True, False], truths=3)
    assert dipping.average_precision("steps") == pytest.approx((1 / 2 + 2 / 3 + 3 / 4) / 3)
    assert dipping.average_precision("area") == pytest.approx(3 / 4)
    assert dipping.average_precision() == dipping.average_precision("coco")
    with pytest.raises(ValueError, match="interpolation must be"):
        curve.average_precision("voc07")


def test_where_precision_equals_recall() -> None:
    assert precision_recall([4, 3, 2, 1], [True, False, True, True], truths=2 + 1).equal_error_rate == 2 / 3
    tied = precision_recall([4, 2, 2, 2], [True, False, True, False], truths=3)  # one detection, then four
    assert tied.equal_error_rate == pytest.approx((1 / 3 + 2 / 3) / 2)
    assert precision_recall([2, 2, 2], [True, False, False], truths=2).equal_error_rate == 0.5
    assert math.isnan(precision_recall([1], [True], truths=2).equal_error_rate)
    assert math.isnan(precision_recall([], [], truths=0).equal_error_rate)


def test_nothing_found_and_nothing_to_find() -> None:
    nothing = precision_recall([], [], truths=3)
    assert nothing.average_precision() == 0.0
    assert nothing.recalls.shape == (0,)
    no_truth = precision_recall([0.5], [False], truths=0)
    assert math.isnan(no_truth.average_precision())
    assert np.isnan(no_truth.recalls).all()


def test_scans_leave_out_what_the_froc_ignores() -> None:
    curve = precision_recall_of_scans([ScanMatch((0.9, -math.inf), (0.95,), 9, double_hits=5, on_excluded=2)])
    assert (curve.truths, curve.counts.tolist()) == (2, [1, 2])
    assert curve.precisions.tolist() == [0.0, 0.5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.5], [True, False], 2), r"must be \(N,\)"),
        (([np.nan], [True], 2), "finite"),
        (([0.5, 0.4], [True, True], 1), "2 hits of 1 objects"),
    ],
)
def test_wrong_input_is_refused(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        precision_recall(*arguments)
