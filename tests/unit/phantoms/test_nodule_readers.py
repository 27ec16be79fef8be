"""Simulated readers: their ratings follow the truth, and their shares are the targets."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from lungdet.phantoms import PhantomNodule, malignancy_level, rating_shares, read_nodule
from lungdet.phantoms.nodule_readers import rating_levels
from lungdet.phantoms.patient import draw_patient
from lungdet.phantoms.wanted_nodule import place_wanted
from lungdet.records import ORDINAL_RATINGS, Rating, nodule_type
from lungdet.records.mark import RATING_RANGES

NODULE = PhantomNodule((0, 0, 0), (-5, -5, -5, 5, 5, 5), 10.0, "solid", "isolated", 850.0, 1.0)


def _values(readings, name):
    return [rating.value for reading in readings for rating in reading if rating.name == name]


def test_malignancy_of_nine_plain_millimetres_is_three():
    assert malignancy_level(replace(NODULE, diameter_mm=9.0)) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("changed", "rises"),
    [
        ({"diameter_mm": 14.0}, True),
        ({"spiculation": 0.5}, True),
        ({"lobulation": 0.8}, True),
        ({"kind": "part_solid"}, True),
        ({"calcified": True}, False),
    ],
)
def test_malignancy_follows_the_signs(changed, rises):
    assert (malignancy_level(replace(NODULE, **changed)) > malignancy_level(NODULE)) == rises


def test_levels_lie_on_the_scale_in_the_order_of_the_ratings():
    extreme = replace(NODULE, spiculation=1.0, lobulation=1.0, sphericity=0.0, margin=0.0, contrast_hu=2000.0)
    for nodule in (NODULE, extreme, replace(NODULE, diameter_mm=1.0, kind="ground_glass")):
        levels = rating_levels(nodule)
        assert tuple(levels) == ORDINAL_RATINGS
        assert all(1 <= level <= 5 for level in levels.values())


def test_readers_are_three_or_four_and_give_all_nine_ratings():
    counts = [len(read_nodule(NODULE, seed)) for seed in range(60)]
    assert set(counts) == {3, 4}
    assert counts.count(4) > 40
    for reading in read_nodule(NODULE, 0):
        assert {rating.name for rating in reading} == set(RATING_RANGES)


def test_the_same_seed_gives_the_same_readings():
    assert read_nodule(NODULE, 3) == read_nodule(NODULE, 3)
    assert len({read_nodule(NODULE, seed) for seed in range(8)}) > 1


@pytest.fixture(scope="module")
def patient():
    return draw_patient(9100)


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [("solid", 0.95, 1.0), ("part_solid", 0.9, 1.0), ("ground_glass", 0.95, 1.0), ("calcified", 0.9, 1.0)],
)
def test_the_rule_of_types_finds_the_type_in_the_readings(patient, kind, low, high):
    drawn = [place_wanted(patient, np.random.default_rng([9100, n]), kind, (4.0, 30.0)) for n in range(15)]
    found = [
        nodule_type(_values(readings, "texture"), _values(readings, "calcification")) == placed.truth.type
        for placed in drawn
        if placed
        for readings in (read_nodule(placed.truth, seed) for seed in range(10))
    ]
    assert len(found) >= 100
    assert low <= np.mean(found) <= high


def test_mean_ratings_follow_the_truth():
    rng = np.random.default_rng(0)
    nodules = [replace(NODULE, diameter_mm=float(d)) for d in rng.uniform(4, 25, 80)]
    means = [np.mean(_values(read_nodule(nodule, n), "malignancy")) for n, nodule in enumerate(nodules)]
    assert spearmanr(means, [malignancy_level(nodule) for nodule in nodules]).statistic > 0.9


def test_shares_by_hand():
    readers = [tuple(Rating(name, value) for name in ORDINAL_RATINGS) for value in (1, 3, 3, 5)]
    shares = rating_shares(readers)
    assert shares.shape == (7, 4)
    assert shares.dtype == np.float32
    np.testing.assert_allclose(shares, np.tile([0.75, 0.75, 0.25, 0.25], (7, 1)))


def test_shares_fall_and_nobody_gives_nan():
    assert (np.diff(rating_shares(read_nodule(NODULE, 1)), axis=1) <= 0).all()
    assert np.isnan(rating_shares([])).all()
