"""Rules of lesions over time, on DeepLesion's own rows: by place, size and type alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungdet.lesions import find_histories
from lungdet.lesions.links import Rule
from lungdet.lesions.matching_weights import GEOMETRY
from lungdet.lesions.measured import measured_from_deeplesion
from lungdet.readers import read_deeplesion
from lungdet.records import MeasuredLesion


@pytest.fixture(scope="module")
def lesions(real_data: Path) -> tuple[MeasuredLesion, ...]:
    return measured_from_deeplesion(read_deeplesion(real_data / "deeplesion" / "DL_info_excerpt.csv"))


@settings(max_examples=12, deadline=None)
@given(
    rule=st.sampled_from(["optimal", "greedy"]),
    threshold=st.sampled_from([0.1, 0.5, 1.0, 3.0, 100.0]),
    repeats=st.sampled_from([0.0, 0.3, 10.0]),
    seed=st.integers(0, 1000),
)
def test_sequences_obey_the_rules(
    lesions: tuple[MeasuredLesion, ...], rule: Rule, threshold: float, repeats: float, seed: int
):
    weights = replace(GEOMETRY, threshold=threshold, repeat_threshold=repeats)
    random = np.random.default_rng(seed)
    some = [lesions[place] for place in random.permutation(len(lesions))[: random.integers(1, 800)]]
    histories = find_histories(some, weights, rule=rule)
    placed = [key for history in histories for sequence in history.sequences for key in sequence.keys]
    assert sorted(placed) == sorted(lesion.key for lesion in some)  # every mark is in exactly one sequence
    for history in histories:
        for sequence in history.sequences:  # that studies rise, one lesion each, the record itself makes sure of
            if len(sequence) > 1:
                assert all(mark.distance <= threshold for mark in sequence.marks)
            assert all(not mark.repeats for mark in sequence.marks) or repeats > 0
        assert not history.followed or len(history.studies) > 1


def test_a_lower_threshold_never_follows_more(lesions: tuple[MeasuredLesion, ...]):
    followed = [
        sum(len(one) for one in find_histories(lesions, replace(GEOMETRY, threshold=value)) for one in one.followed)
        for value in (0.25, 0.5, 1.0)
    ]
    assert followed == sorted(followed)
    assert followed[-1] > 1000


def test_a_patient_with_thirteen_studies(lesions: tuple[MeasuredLesion, ...]):
    """Patient 283: a mass of 56 mm in the mediastinum shrinks to 20 mm; every study marks it, some twice."""
    (history,) = find_histories([lesion for lesion in lesions if lesion.patient == "000283"], GEOMETRY)
    assert len(history.studies) == 13
    longest = max(history.followed, key=len)
    assert longest.studies == history.studies
    assert longest.lesion_type == "mediastinum"
    sizes = [mark.lesion.long_mm for mark in longest.marks]
    assert sizes[0] == pytest.approx(56, abs=1)
    assert sizes[-1] == pytest.approx(20, abs=1)
    assert any(mark.repeats for mark in longest.marks)
