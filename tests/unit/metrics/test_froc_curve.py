import math

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from lungdet.metrics import LUNA16_FP_RATES, ScanMatch, froc


def scan(hits: tuple[float, ...] = (), false: tuple[float, ...] = (), nodules: int | None = None) -> ScanMatch:
    missed = 0 if nodules is None else nodules - len(hits)
    return ScanMatch(hits + (-math.inf,) * missed, false, marks=len(hits) + len(false))


def random_scans(count: int, seed: int) -> list[ScanMatch]:
    random = np.random.default_rng(seed)
    scans = []
    for _ in range(count):
        hits = tuple(np.round(random.beta(4, 2, random.integers(0, 3)), 2).tolist())
        false = tuple(np.round(random.beta(2, 4, random.integers(0, 12)), 2).tolist())
        scans.append(scan(hits, false, len(hits) + int(random.integers(0, 2))))
    return scans


def test_a_curve_by_hand() -> None:
    result = froc([scan((0.9, 0.4), (0.7,), nodules=3), scan((), (0.2,), nodules=1)], fp_rates=(0.25, 0.5, 1.0, 8.0))
    assert result.curve_thresholds.tolist() == [math.inf, 0.9, 0.7, 0.4, 0.2]
    assert result.curve_fp_rates.tolist() == [0.0, 0.0, 0.5, 0.5, 1.0]
    assert result.curve_sensitivities.tolist() == [0.0, 0.25, 0.25, 0.5, 0.5]
    assert result.sensitivities == (0.25, 0.5, 0.5, 0.5)
    assert result.cpm == 0.4375
    assert (result.true_positives, result.false_negatives, result.false_positives, result.scans) == (2, 2, 2, 2)


@pytest.mark.parametrize("seed", range(5))
def test_the_curve_equals_that_of_scikit_learn(seed: int) -> None:
    scans = random_scans(40, seed)
    hits = [score for one in scans for score in one.hit_scores]
    false = [score for one in scans for score in one.false_scores]
    fpr, tpr, _ = roc_curve([1] * len(hits) + [0] * len(false), hits + false)
    nodules = sum(one.nodules for one in scans)
    wanted = np.interp(LUNA16_FP_RATES, fpr * len(false) / len(scans), tpr * len(hits) / nodules)
    np.testing.assert_allclose(froc(scans).sensitivities, wanted, atol=1e-12)


def test_scans_without_marks_stay_in_the_denominator() -> None:
    one = [scan((0.9,), (0.8, 0.7))]
    assert froc([*one, scan()]).curve_fp_rates[-1] == froc(one).curve_fp_rates[-1] / 2


def test_the_lowest_detection_counts_when_nothing_is_missed() -> None:
    assert froc([scan((0.9, 0.1))]).sensitivities == (1.0,) * 7


def test_equal_scores_make_one_step() -> None:
    result = froc([scan((0.5,), (0.5,))], fp_rates=(0.5, 1.0))
    assert result.curve_fp_rates.tolist() == [0.0, 1.0]
    assert result.sensitivities == (0.5, 1.0)


def test_the_order_of_scans_does_not_matter() -> None:
    scans = random_scans(20, 0)
    assert froc(scans[::-1]).sensitivities == froc(scans).sensitivities


def test_no_nodule_is_not_a_number() -> None:
    result = froc([scan((), (0.5,))])
    assert math.isnan(result.cpm)
    assert result.false_positives == 1


def test_no_mark_finds_nothing() -> None:
    assert froc([scan(nodules=2)]).cpm == 0.0


def test_no_scan_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one scan"):
        froc([])
