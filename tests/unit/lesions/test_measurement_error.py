"""The error of diameters: by hand, by drawing it, and against its source."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungdet.lesions import MeasurementError
from lungdet.lesions.measurement_error import BETWEEN_OBSERVERS, WITHIN_OBSERVER

SIZES = st.lists(st.floats(1.0, 200.0), min_size=1, max_size=6)


def test_one_diameter_by_hand():
    error = MeasurementError(relative=0.1, absolute_mm=0.75)
    assert error.sd_mm(10.0) == pytest.approx(1.25)  # 1.0 and 0.75
    assert error.limit_mm([10.0], [10.0]) == pytest.approx(1.96 * math.sqrt(2) * 1.25)


@pytest.mark.parametrize(
    ("limits_percent", "relative"), [((-22.1, 25.4), BETWEEN_OBSERVERS), ((-17.8, 16.1), WITHIN_OBSERVER)]
)
def test_the_relative_error_is_the_sources(limits_percent: tuple[float, float], relative: float):
    half = (limits_percent[1] - limits_percent[0]) / 2
    assert half / 100 / (1.96 * math.sqrt(2)) == pytest.approx(relative, abs=0.0005)


def test_sums_of_three_are_as_the_source_has_them():
    error = MeasurementError(absolute_mm=0.0)
    limit = 100 * error.limit_mm([30.0] * 3, [30.0] * 3) / 90.0
    assert limit == pytest.approx((19.5 + 19.2) / 2, abs=0.5)


def test_19_of_20_unchanged_sums_are_within_error():
    rng = np.random.default_rng(0)
    sizes = np.array([12.0, 25.0, 40.0])
    error = MeasurementError()
    alone = np.sqrt(1 - error.shared) * rng.standard_normal((4000, 2, 3))
    read = sizes + np.hypot(error.relative * sizes, error.absolute_mm) * (
        alone + np.sqrt(error.shared) * rng.standard_normal((4000, 2, 1))
    )
    within = [error.growth(before, after) == "within error" for before, after in read.tolist()]
    assert np.mean(within) == pytest.approx(0.95, abs=0.012)


@given(SIZES)
def test_the_same_sizes_are_within_error_and_time_turned_back_turns_growth(sizes: list[float]):
    error = MeasurementError()
    assert error.growth(sizes, sizes) == "within error"
    doubled = [2 * size for size in sizes]
    assert (error.growth(sizes, doubled), error.growth(doubled, sizes)) == ("grows", "shrinks")


@given(SIZES)
def test_errors_of_a_sum_lie_between_independent_and_equal(sizes: list[float]):
    own = [MeasurementError().sd_mm(size) for size in sizes]
    found = MeasurementError().sd_of_sum_mm(sizes)
    assert math.sqrt(sum(error**2 for error in own)) - 1e-9 <= found <= sum(own) + 1e-9


def test_no_error_finds_every_change():
    exact = MeasurementError(0.0, 0.0, 0.0)
    assert exact.growth([10.0], [10.001]) == "grows"
    assert exact.growth([10.0], [10.0]) == "within error"


@pytest.mark.parametrize("numbers", [(-0.1, 0.0, 0.0), (0.1, math.nan, 0.0), (0.1, 0.0, 1.5)])
def test_odd_numbers_are_refused(numbers: tuple[float, float, float]):
    with pytest.raises(ValueError, match="errors must be"):
        MeasurementError(*numbers)


def test_other_lesions_are_refused():
    with pytest.raises(ValueError, match="not of the same lesions"):
        MeasurementError().growth([10.0], [10.0, 5.0])
