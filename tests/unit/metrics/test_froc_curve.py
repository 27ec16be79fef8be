import dataclasses
import json
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


def plain_reading(one: list[ScanMatch], rate: float) -> float:
    """Lower the threshold from score to score."""
    scores = sorted({score for each in one for score in each.hit_scores + each.false_scores}, reverse=True)
    points = [(0.0, 0.0)]
    for threshold in scores:
        false = sum(score >= threshold for each in one for score in each.false_scores)
        found = sum(score >= threshold for each in one for score in each.hit_scores)
        points.append((false / len(one), found / sum(each.nodules for each in one)))
    low = [point for point in points if point[0] <= rate][-1]
    high = next((point for point in points if point[0] > rate), low)
    return low[1] + (high[1] - low[1]) * ((rate - low[0]) / (high[0] - low[0]) if high is not low else 0.0)


@pytest.mark.parametrize("seed", range(6))
def test_interpolation_agrees_with_a_plain_walk(seed: int) -> None:
    scans = random_scans(8 + 5 * seed, seed)
    rates = (0.05, 0.1, 0.29, 0.7, 1.0, 2.3, 3.0, 50.0)
    wanted = [plain_reading(scans, rate) for rate in rates]
    np.testing.assert_allclose(froc(scans, rates).sensitivities, wanted, atol=1e-12)


def published_reading(one: list[ScanMatch], rate: float) -> float:
    """The rule of the simplified CPM, on scikit-learn's thinned curve."""
    hits = [score for each in one for score in each.hit_scores]
    false = [score for each in one for score in each.false_scores]
    fpr, tpr, _ = roc_curve([1] * len(hits) + [0] * len(false), hits + false)
    found, distance = 0.0, len(false) / len(one)
    for x, y in zip(fpr * len(false) / len(one), tpr * len(hits), strict=True):
        if abs(x - rate) < distance:
            found, distance = y / sum(each.nodules for each in one), abs(x - rate)
    return found


@pytest.mark.parametrize("seed", range(20))
def test_the_nearest_corner_agrees_with_the_published_rule(seed: int) -> None:
    scans = random_scans(8 + 2 * seed, seed)
    rates = np.random.default_rng(seed).uniform(0.01, 9, 40).tolist()  # never half-way between two points
    wanted = [published_reading(scans, rate) for rate in rates]
    result = froc(scans, rates, "simplified")
    np.testing.assert_allclose(result.sensitivities, wanted, atol=1e-12)
    assert result.protocol.name.startswith("simplified")


def test_quirks_of_the_nearest_corner() -> None:
    scans = [scan((0.9, 0.6), (0.7, 0.5))]  # (0, 1/2), (1, 1/2), (1, 1), (2, 1)
    rates = (0.4, 0.5, 0.6, 1.5, 1.6, 3.9, 4.0)
    assert froc(scans, rates, "simplified").sensitivities == (0.0, 0.0, 0.5, 0.5, 1.0, 1.0, 0.0)
    assert froc([scan((0.9, 0.6))], protocol="simplified").cpm == 0.0  # nothing wrong, and no credit for it
    assert froc([scan((0.9,), (0.5,))], (0.5, 1.0), "simplified").sensitivities == (0.0, 1.0)


def test_a_rate_that_rounding_puts_below_a_step_is_on_it() -> None:
    scans = [scan(nodules=0)] * 99 + [scan((0.1,), tuple(np.linspace(0.2, 0.9, 29)))]
    assert 0.29 * 100 < 29
    assert froc(scans, fp_rates=(0.29,)).sensitivities == (1.0,)


def test_strata_share_the_false_positives() -> None:
    scans = [
        ScanMatch((0.9, 0.4), (0.5,), 3, strata={"size": ("< 6 mm", ">= 6 mm")}),
        ScanMatch((-math.inf, 0.6), (), 1, strata={"size": (">= 6 mm", ">= 6 mm"), "type": ("solid", "")}),
    ]
    result = froc(scans, fp_rates=(0.25, 0.5))
    small, large, solid = result.strata
    assert (small.kind, small.label, small.nodules, small.true_positives, small.cpm) == ("size", "< 6 mm", 1, 1, 1.0)
    assert (large.label, large.nodules, large.sensitivities) == (">= 6 mm", 3, (1 / 3, 2 / 3))
    assert (solid.kind, solid.label, solid.nodules, solid.cpm) == ("type", "solid", 1, 0.0)
    assert result.cpm == pytest.approx((2 / 4 + 3 / 4) / 2)


def test_strata_of_one_kind_add_up_to_the_whole() -> None:
    random = np.random.default_rng(3)
    scans = [
        dataclasses.replace(one, strata={"kind": tuple(random.choice(list("abc"), one.nodules).tolist())})
        for one in random_scans(30, 3)
    ]
    result = froc(scans)
    parts = sum(np.array(part.sensitivities) * part.nodules for part in result.strata)
    np.testing.assert_allclose(parts / result.nodules, result.sensitivities)
    assert [part.label for part in result.strata] == ["a", "b", "c"]


def test_sizes_are_listed_by_size() -> None:
    labels = (">= 10 mm", "6-10 mm", "< 6 mm", "unknown")
    one = ScanMatch((0.1,) * 4, (), 4, strata={"size": labels})
    assert [part.label for part in froc([one]).strata] == ["< 6 mm", "6-10 mm", ">= 10 mm", "unknown"]


def test_json_has_plain_numbers_and_no_nan() -> None:
    content = json.loads(json.dumps(froc([scan((), (0.5,))], (1.0,)).to_json(), allow_nan=False))
    assert (content["cpm"], content["sensitivities"], content["false_positives"]) == (None, [None], 1)
    assert content["protocol"] == "luna16 (fp_rates=(1.0,))"
    one = ScanMatch((0.1,), (), 1, strata={"type": ("solid",)})
    assert froc([one]).to_json()["strata"][0]["cpm"] == 1.0


def test_monotone_changes_of_the_scores_change_nothing() -> None:
    scans = random_scans(30, 1)
    moved = [
        ScanMatch(tuple(7 * s - 3 for s in one.nodule_scores), tuple(7 * s - 3 for s in one.false_scores), one.marks)
        for one in scans
    ]
    for protocol in ("luna16", "simplified"):
        assert froc(moved, protocol=protocol).sensitivities == froc(scans, protocol=protocol).sensitivities


def test_scans_taken_twice_change_nothing() -> None:
    scans = random_scans(20, 2)
    np.testing.assert_allclose(froc(scans * 2).sensitivities, froc(scans).sensitivities)
