"""What a list of lesions amounts to, by hand."""

from collections import Counter

import numpy as np
import pytest

from lungdet.lesions import MeasurementError
from lungdet.lesions.description import describe_measured, spread
from lungdet.records import MeasuredLesion
from lungdet.records.lesion_description import Spread


def mark(study: int, long_mm: float, place: float = 0.3, kind: str = "liver", **facts: object) -> MeasuredLesion:
    """A lesion at x = y = z = place; short axis 0.8 of the long one."""
    patient = facts.pop("patient", "p")
    key = f"{patient}-{study}-{place}-{facts.get('series', 1)}#0"
    known = {"series": 1, "location": (place, place, place), "short_mm": 0.8 * long_mm, **facts}
    return MeasuredLesion(key=key, patient=patient, study=study, lesion_type=kind, long_mm=long_mm, **known)


def test_a_patient_by_hand():
    lesions = [
        mark(1, 30.0), mark(1, 12.0, 0.6, "lung"), mark(1, 8.0, 0.9, "pelvis"),
        mark(2, 45.0), mark(2, 12.5, 0.6, "lung"),
        mark(4, 46.0),
    ]  # fmt: skip
    found = describe_measured(lesions, MeasurementError(0.1, 0.0, 0.0))
    assert (found.patients, found.single_study, found.not_comparable, found.not_followed) == (1, 0, 0, 0)
    assert [(item.study, item.lesions, item.sum_mm, item.targets, item.target_sum_mm) for item in found.studies] == [
        (1, 3, 50.0, 2, 42.0),  # 8 mm is too small for a target lesion
        (2, 2, 57.5, 2, 57.5),
        (4, 1, 46.0, 1, 46.0),
    ]
    assert {item.all_targets for item in found.studies} == {2}
    first, second = found.growths
    assert (first.before, first.after, first.lesions, first.sum_before_mm, first.change_mm) == (1, 2, 2, 42.0, 15.5)
    assert first.limit_mm == pytest.approx(1.96 * np.sqrt(3.0**2 + 1.2**2 + 4.5**2 + 1.25**2))
    assert first.change_percent == pytest.approx(100 * 15.5 / 42)
    assert (first.growth, second.growth) == ("grows", "within error")


def test_types_come_in_the_order_of_the_data_set_and_all_last():
    lesions = [mark(1, 10.0, 0.2, "pelvis"), mark(1, 20.0, 0.5, "bone"), mark(1, 30.0, 0.8, "unknown")]
    found = describe_measured(lesions)
    assert [(item.lesion_type, item.marks) for item in found.types] == [
        ("bone", 1), ("pelvis", 1), ("unknown", 1), ("all", 3)
    ]  # fmt: skip
    assert found.types[-1].long_mm.median == 20.0
    assert found.types[-1].short_mm.median == 16.0


def test_a_lesion_marked_twice_in_a_study_counts_once():
    found = describe_measured([mark(1, 20.0, series=1), mark(1, 21.0, series=2)])
    (study,) = found.studies
    assert (study.marks, study.lesions, study.sum_mm) == (2, 1, 20.5)


def test_more_readings_of_a_study_make_nothing_grow():
    """The largest of three readings of 20 mm is larger than one of them; their mean is not."""
    error, rng = MeasurementError(), np.random.default_rng(5)
    read = 20.0 + np.clip(rng.normal(0, error.sd_mm(20.0), (200, 4)), -2.5, 2.5)
    lesions = [
        mark(study, long_mm, patient=f"p{number}", series=series)
        for number, row in enumerate(read)
        for (study, series), long_mm in zip(((1, 1), (2, 1), (2, 2), (2, 3)), row.tolist(), strict=True)
    ]
    changes = [growth.change_mm for growth in describe_measured(lesions, error).growths]
    assert len(changes) == 200
    assert abs(np.mean(changes)) < 0.4  # by the largest of them: + 1.3 mm


def test_patients_that_cannot_be_followed_are_counted():
    lesions = [
        mark(1, 20.0, patient="one"),
        mark(1, 20.0, patient="undated", flags=("undated",)), mark(2, 40.0, patient="undated", flags=("undated",)),
        mark(1, 20.0, patient="apart"), mark(2, 40.0, 0.9, "lung", patient="apart"),
        mark(1, 20.0, patient="nowhere", location=None), mark(2, 40.0, patient="nowhere", location=None),
    ]  # fmt: skip
    found = describe_measured(lesions)
    assert (found.patients, found.single_study, found.not_comparable, found.not_followed) == (4, 1, 1, 2)
    assert found.not_placed == 2
    assert found.growths == ()
    assert found.flags == {"undated": 2}


def test_a_mark_without_a_place_silences_no_other_lesion():
    lesions = [mark(1, 20.0), mark(2, 40.0), mark(2, 15.0, 0.9, "lung", location=None)]
    found = describe_measured(lesions)
    assert [(item.before, item.after, item.growth) for item in found.growths] == [(1, 2, "grows")]
    assert (found.not_comparable, found.not_placed) == (0, 1)


def test_a_lesion_is_compared_with_its_mark_before_whatever_study_that_was():
    lesions = [
        mark(1, 20.0), mark(1, 30.0, 0.6, "lung"), mark(1, 12.0, 0.9, "kidney"),
        mark(2, 21.0),
        mark(3, 22.0), mark(3, 55.0, 0.6, "lung"), mark(3, 13.0, 0.9, "kidney"),
        mark(4, 10.0, 0.75, "abdomen"),
    ]  # fmt: skip
    found = describe_measured(lesions)
    assert [(item.before, item.after, item.lesions, item.sum_before_mm, item.growth) for item in found.growths] == [
        (1, 2, 1, 20.0, "within error"),
        (1, 3, 2, 42.0, "grows"),  # neither was marked in study 2
        (2, 3, 1, 21.0, "within error"),
    ]
    assert found.not_followed == 1  # study 4


def test_studies_without_order_have_no_targets_whichever_comes_first():
    one, other = [
        [mark(number, size, patient="p", flags=("undated",)) for number, size in ((1, first), (2, second))]
        for first, second in ((20.0, 40.0), (40.0, 20.0))
    ]
    for lesions in (one, other):
        studies = describe_measured(lesions).studies
        assert [(item.targets, item.all_targets, item.target_sum_mm) for item in studies] == [(0, 0, None)] * 2
        assert sorted(item.sum_mm for item in studies) == [20.0, 40.0]


def test_bone_is_no_target():
    (study,) = describe_measured([mark(1, 80.0, 0.2, "bone"), mark(1, 20.0, 0.6, "liver")]).studies
    assert (study.lesions, study.all_targets, study.target_sum_mm) == (2, 1, 20.0)


def test_targets_are_five_and_two_of_a_type():
    kinds = ["liver", "liver", "liver", "lung", "lung", "pelvis", "kidney"]
    lesions = [mark(1, 50.0 - n, 0.1 + 0.1 * n, kind) for n, kind in enumerate(kinds)]
    (study,) = describe_measured(lesions).studies
    assert (study.lesions, study.targets, study.target_sum_mm) == (7, 5, 50.0 + 49 + 47 + 46 + 45)


def test_a_lesion_that_comes_later_is_no_target():
    first, second = describe_measured([mark(1, 20.0), mark(2, 21.0), mark(2, 50.0, 0.8, "lung")]).studies
    assert (first.all_targets, second.all_targets, second.targets) == (1, 1, 1)
    assert (second.lesions, second.target_sum_mm) == (2, 21.0)


def test_nothing_is_described_as_nothing():
    found = describe_measured([])
    assert (found.patients, found.studies, found.growths) == (0, (), ())
    assert [(item.lesion_type, item.marks, item.long_mm) for item in found.types] == [("all", 0, Spread(0))]


def test_the_order_of_the_list_does_not_matter():
    rng = np.random.default_rng(3)
    lesions = [
        mark(study, float(rng.uniform(5, 60)), 0.1 * place, patient=f"p{number}")
        for number in range(6) for study in (1, 2, 3) for place in range(1, 8, 2)
    ]  # fmt: skip
    one, other = describe_measured(lesions), describe_measured(lesions[::-1])
    assert one.studies == other.studies
    assert one.growths == other.growths
    assert Counter(one.lesions) == Counter(other.lesions)


def test_spread_is_numpys():
    values = np.random.default_rng(1).uniform(0, 90, 101)
    found = spread(values)
    assert (found.low, found.median, found.high) == tuple(np.percentile(values, (5, 50, 95)))
