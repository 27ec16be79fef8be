from dataclasses import replace

import numpy as np
import pytest

from lungdet.lesions import DistanceWeights, find_histories
from lungdet.lesions.matching_weights import EMBEDDED
from lungdet.records import MeasuredLesion

WEIGHTS = DistanceWeights(x=100, y=100, z=100, type=0.5, repeat_threshold=0.1)


def mark(study: int, x: float, number: int = 0, **more: object) -> MeasuredLesion:
    facts = {"patient": "000001", "series": 1, "lesion_type": "liver", "long_mm": 10.0, **more}
    return MeasuredLesion(
        f"{facts['patient']}_{study}_{facts['series']}_{number}", study=study, location=(x, 0, 0), **facts
    )


def keys(history) -> list[list[tuple[str, ...]]]:
    return [[one.keys for one in sequence.marks] for sequence in history.sequences]


@pytest.mark.parametrize("rule", ["optimal", "greedy"])
def test_sequences_by_hand(rule: str):
    """One lesion in studies 1, 2 and 4, one in 2 and 4, one in study 1 alone."""
    marks = [mark(1, 0.1), mark(1, 0.9, 1), mark(2, 0.12), mark(2, 0.5, 1), mark(4, 0.14), mark(4, 0.52, 1)]
    (history,) = find_histories(marks, WEIGHTS, rule=rule)
    assert history.studies == (1, 2, 4)
    assert [(one.name, one.studies) for one in history.sequences] == [
        ("000001-01", (1, 2, 4)), ("000001-02", (1,)), ("000001-03", (2, 4)),
    ]  # fmt: skip
    assert [one.name for one in history.followed] == ["000001-01", "000001-03"]
    distances = [one.distance for one in history.sequences[0].marks]
    assert distances == pytest.approx([0.2, 0.2, 0.2])
    assert history.sequences[1].marks[0].distance is None


def test_a_repeat_stays_with_its_lesion_and_the_longest_stands_for_it():
    marks = [mark(1, 0.1), mark(2, 0.1), mark(2, 0.105, series=2, long_mm=12.0), mark(3, 0.1)]
    (history,) = find_histories(marks, WEIGHTS)
    assert keys(history) == [[("000001_1_1_0",), ("000001_2_2_0", "000001_2_1_0"), ("000001_3_1_0",)]]
    assert history.sequences[0].marks[1].distance == 0.0  # of the closest marks
    alone = find_histories(marks, replace(WEIGHTS, repeat_threshold=0.0))
    assert sorted(map(len, alone[0].sequences)) == [1, 3]


@pytest.mark.parametrize("rule", ["optimal", "greedy"])
def test_the_order_of_marks_and_other_patients_do_not_matter(rule: str):
    random = np.random.default_rng(3)
    marks = [
        mark(int(study), float(x), number, patient=f"{number % 3:06d}")
        for number, (study, x) in enumerate(zip(random.integers(1, 5, 60), random.random(60).round(2), strict=True))
    ]
    whole = find_histories(marks, WEIGHTS, rule=rule)
    shuffled = [marks[place] for place in random.permutation(len(marks))]
    assert find_histories(shuffled, WEIGHTS, rule=rule) == whole
    for name, history in zip(("000000", "000001", "000002"), whole, strict=True):
        assert find_histories([one for one in marks if one.patient == name], WEIGHTS, rule=rule) == (history,)


def test_vectors_by_key_and_marks_without_one():
    weights = DistanceWeights(x=1.0, embedding=1.0)
    marks = [mark(1, 0.1), mark(1, 0.1, 1), mark(2, 0.1), mark(3, 0.1)]
    vectors = {marks[0].key: [1.0, 0.0], marks[1].key: [0.0, 1.0], marks[2].key: [0.0, 1.0]}
    (history,) = find_histories(marks, weights, vectors)
    assert keys(history)[1][:2] == [(marks[1].key,), (marks[2].key,)]
    assert marks[3].key in [key for one in history.followed for key in one.keys]  # by place, without a vector
    strangers = find_histories(marks, DistanceWeights(embedding=1.0), {"other": [1.0]}, fallback=None)
    assert not strangers[0].followed  # nothing is known of any of them


def test_a_mark_without_a_vector_is_no_nearer_for_that():
    """The right lesion looks a little different; a larger one, 0.03 away, has no picture."""
    right = [mark(1, 0.5, long_mm=20.0), mark(2, 0.5, long_mm=20.0)]
    wrong = mark(2, 0.53, 1, long_mm=60.0)
    vectors = {right[0].key: [1.0, 0.0], right[1].key: [0.9, 0.44]}
    for lost in (set(), {right[1].key}, {right[0].key}):
        kept = {key: vector for key, vector in vectors.items() if key not in lost}
        (history,) = find_histories([*right, wrong], EMBEDDED, {**kept, "other": [0.0, 1.0]})
        assert [one.keys for one in history.followed] == [tuple(one.key for one in right)]


def test_one_study_and_no_marks():
    (history,) = find_histories([mark(1, 0.1), mark(1, 0.1, 1)], WEIGHTS)
    assert not history.followed
    assert [one.keys for one in history.sequences] == [("000001_1_1_0", "000001_1_1_1")]  # one place: one lesion
    assert find_histories([], WEIGHTS) == ()


def test_wrong_use_is_refused():
    with pytest.raises(ValueError, match="rule must be one of"):
        find_histories([], WEIGHTS, rule="best")
    with pytest.raises(ValueError, match="two lesions have the key"):
        find_histories([mark(1, 0.1), mark(1, 0.2)], WEIGHTS)
    with pytest.raises(ValueError, match="those of other patients too"):
        find_histories([mark(1, 0.1), MeasuredLesion("000001_1_1_0", "another", 1, 1, "lung", 9.0)], WEIGHTS)
    with pytest.raises(ValueError, match="need embeddings"):
        find_histories([mark(1, 0.1)], DistanceWeights(embedding=1.0))
