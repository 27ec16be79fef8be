import json
import math

import numpy as np
import pytest

from lungdet.metrics import ScanMatch, bootstrap_froc, froc
from lungdet.metrics.froc_bootstrap import band_rates
from lungdet.metrics.mark_table import MarkTable


def random_scans(count: int, seed: int) -> list[ScanMatch]:
    random = np.random.default_rng(seed)
    scans = []
    for _ in range(count):
        nodules = [round(s, 2) if s > 0.3 else -math.inf for s in random.beta(4, 2, random.integers(0, 3))]
        false = tuple(np.round(random.beta(2, 4, random.integers(0, 12)), 2).tolist())
        strata = {"size": tuple(random.choice(["small", "large"], len(nodules)).tolist())}
        scans.append(ScanMatch(tuple(nodules), false, len(nodules) + len(false), strata=strata))
    return scans


@pytest.mark.parametrize("protocol", ["luna16", "simplified"])
def test_it_equals_scoring_every_resampling_anew(protocol: str) -> None:
    scans, rates = random_scans(25, 0), (0.25, 1.0, 3.0)
    bounds = bootstrap_froc(scans, rates, protocol, resamples=60, confidence=0.8, seed=5)
    draws = np.random.default_rng(5).multinomial(25, [1 / 25] * 25, size=60)
    results = [froc(np.repeat(np.array(scans, dtype=object), draw).tolist(), rates, protocol) for draw in draws]
    read = np.array([result.sensitivities for result in results])
    np.testing.assert_allclose(bounds.sensitivities, np.quantile(read, [0.1, 0.9], axis=0).T, atol=1e-12)
    np.testing.assert_allclose(bounds.cpm, np.quantile([result.cpm for result in results], [0.1, 0.9]), atol=1e-12)
    small = [part.cpm for result in results for part in result.strata if part.label == "small"]
    np.testing.assert_allclose(bounds.strata_cpm[1], np.quantile(small, [0.1, 0.9]), atol=1e-12)


def test_the_band_passes_through_the_rates() -> None:
    bounds = bootstrap_froc(random_scans(25, 1), (0.25, 1.0, 4.0), resamples=50)
    at = [int(np.argmin(np.abs(bounds.band_fp_rates - rate))) for rate in (0.25, 1.0, 4.0)]
    np.testing.assert_allclose(bounds.band_sensitivities[at], bounds.sensitivities)
    assert (np.diff(bounds.band_sensitivities, axis=0) >= 0).all()
    assert len(bounds.band_fp_rates) == 33
    assert band_rates((2.0,)).tolist() == [2.0]


def test_precisions_by_hand() -> None:
    table = MarkTable([ScanMatch((0.9, 0.5, -math.inf), (0.7, 0.1), 4)])
    recalls = np.array([0.0, 1 / 3, 0.5, 2 / 3, 0.7, 1.0])
    assert table.precisions(table.count(), recalls).tolist() == [1.0, 1.0, 2 / 3, 2 / 3, 0.0, 0.0]


def test_a_seed_settles_the_result() -> None:
    scans = random_scans(25, 2)
    first, again, other = (bootstrap_froc(scans, resamples=40, seed=seed) for seed in (3, 3, 4))
    assert first.cpm == again.cpm != other.cpm
    assert first.sensitivities == again.sensitivities


def test_more_confidence_makes_wider_intervals() -> None:
    scans = random_scans(25, 2)
    narrow, wide = (bootstrap_froc(scans, confidence=confidence, resamples=200).cpm for confidence in (0.5, 0.99))
    assert wide[0] < narrow[0] < froc(scans).cpm < narrow[1] < wide[1]


def test_the_interval_covers_as_often_as_it_says() -> None:
    """Scans with one nodule that is found half the time: the CPM is a mean of coin throws."""
    random, covered = np.random.default_rng(0), 0
    for trial in range(200):
        scans = [ScanMatch((0.9 if heads else -math.inf,), (), 1) for heads in random.random(80) < 0.5]
        low, high = bootstrap_froc(scans, (1.0,), resamples=200, confidence=0.9, seed=trial).cpm
        covered += low <= 0.5 <= high
    assert 0.84 <= covered / 200 <= 0.96


def test_identical_scans_leave_no_doubt() -> None:
    bounds = bootstrap_froc([ScanMatch((0.9,), (0.95,), 2)] * 10, resamples=20)
    assert bounds.sensitivities == ((0.0, 0.0),) * 3 + ((1.0, 1.0),) * 4


def test_no_nodule_is_not_a_number() -> None:
    bounds = bootstrap_froc([ScanMatch((), (0.5,), 1)], (1.0,), resamples=10)
    assert np.isnan(bounds.cpm).all()
    assert json.loads(json.dumps(bounds.to_json(), allow_nan=False))["sensitivities"] == [[None, None]]


def test_a_rare_stratum_is_left_out_of_draws_without_it() -> None:
    scans = [ScanMatch((0.9,), (), 1, strata={"type": ("rare",)}), *[ScanMatch((-math.inf,), (), 0)] * 9]
    bounds = bootstrap_froc(scans, resamples=100)
    assert bounds.strata_cpm.tolist() == [[1.0, 1.0]]
    assert bounds.strata.shape == (1, 7, 2)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one scan"):
        bootstrap_froc([])
    for options in ({"resamples": 0}, {"confidence": 1.0}, {"confidence": 0.0}):
        with pytest.raises(ValueError, match="resamples must be positive"):
            bootstrap_froc([ScanMatch((), (), 0)], **options)
