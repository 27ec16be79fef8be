import math

import numpy as np
import pytest
from sklearn.metrics.cluster import pair_confusion_matrix

from lungdet.metrics import PrecisionRecallF1, sequence_scores


def test_scores_by_hand():
    """Lesion A in studies 1 to 4, found but for study 4, with a mark of lesion B in between instead; B in 1 and 4."""
    found = ["one", "one", "one", "one", "two", "three"]
    truth = ["A", "A", "A", "B", "A", "B"]
    scores = sequence_scores(found, truth, [1, 2, 3, 4, 4, 1])
    assert scores.pairs == PrecisionRecallF1(found=6, true=7, right=3)
    assert (scores.pairs.precision, scores.pairs.recall, scores.pairs.f1) == (0.5, 3 / 7, 6 / 13)
    assert scores.sequences == PrecisionRecallF1(found=1, true=2, right=0)


def test_repeats_are_no_pairs_over_time_but_belong_to_the_sequence():
    truth, studies = ["A", "A", "A"], [1, 1, 2]
    both = sequence_scores(["s", "s", "s"], truth, studies)
    assert both.pairs == PrecisionRecallF1(2, 2, 2)
    assert both.sequences == PrecisionRecallF1(1, 1, 1)
    without = sequence_scores(["t", "s", "s"], truth, studies)
    assert without.pairs == PrecisionRecallF1(1, 2, 1)
    assert without.sequences == PrecisionRecallF1(1, 1, 0)
    same_study = sequence_scores(["s", "s"], ["A", "A"], [1, 1])
    assert same_study.pairs == same_study.sequences == PrecisionRecallF1(0, 0, 0)


def test_scikit_learn_counts_the_same_pairs():
    random = np.random.default_rng(0)
    found, truth = random.integers(0, 6, 40), random.integers(0, 6, 40)
    (_, false), (missed, right) = pair_confusion_matrix(truth, found) // 2
    pairs = sequence_scores(found.tolist(), truth.tolist(), list(range(40))).pairs
    assert pairs == PrecisionRecallF1(found=right + false, true=right + missed, right=right)


def test_names_do_not_matter_and_the_truth_is_perfect():
    truth, studies = ["a", "a", "b", "b", "c"], [1, 2, 1, 3, 1]
    scores = sequence_scores([9, 9, 4, 4, 1], truth, studies)
    assert (scores.pairs.f1, scores.sequences.f1) == (1.0, 1.0)


def test_nothing_found_and_nothing_to_find():
    nothing = sequence_scores([], [], [])
    assert math.isnan(nothing.pairs.precision)
    assert math.isnan(nothing.pairs.f1)
    assert nothing.pairs.to_json() == {
        "found": 0, "true": 0, "right": 0, "precision": None, "recall": None, "f1": None,
    }  # fmt: skip
    missed = sequence_scores([1, 2], ["a", "a"], [1, 2]).pairs
    assert (missed.recall, missed.f1) == (0.0, 0.0)
    assert math.isnan(missed.precision)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="got 1 found, 2 true, 2 studies"):
        sequence_scores([1], [1, 2], [1, 2])
