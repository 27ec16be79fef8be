import json

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from lungdet.metrics import bootstrap_classification, classification_scores, truth_matrix


def drawn(images: int = 120, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, images)
    found = np.where(rng.random(images) < 0.8, labels, rng.integers(0, classes, images))
    patients = [f"patient {number:03d}" for number in rng.integers(0, 40, images)]
    return truth_matrix(labels, classes), truth_matrix(found, classes), patients


def test_intervals_hold_the_scores_and_are_the_same_again():
    truth, chosen, patients = drawn()
    scores = classification_scores(truth, chosen)
    bounds = bootstrap_classification(truth, chosen, patients)
    for name in ("accuracy", "macro_recall", "macro_precision", "macro_f1"):
        low, high = getattr(bounds, name)
        assert low < getattr(scores, name) < high, name
    assert (bounds.recall[:, 0] <= scores.recall).all()
    assert (scores.recall <= bounds.recall[:, 1]).all()
    again = bootstrap_classification(truth, chosen, patients)
    assert again.to_json() == bounds.to_json()
    assert bootstrap_classification(truth, chosen, patients, seed=1).to_json() != bounds.to_json()
    order = np.random.default_rng(1).permutation(len(truth))
    other = bootstrap_classification(truth[order], chosen[order], [patients[place] for place in order])
    assert other.to_json() == bounds.to_json()


def test_each_draw_scores_whole_patients_as_scikit_learn_would():
    truth, chosen, patients = drawn(30)
    bounds = bootstrap_classification(truth, chosen, patients, resamples=150, seed=3)
    names = sorted(set(patients))
    rng = np.random.default_rng(3)
    values = []
    for weights in rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=150):
        rows = [row for row, name in enumerate(patients) for _ in range(weights[names.index(name)])]
        given, found = truth[rows].argmax(axis=1), chosen[rows].argmax(axis=1)
        values.append(f1_score(given, found, labels=np.unique(given), average="macro", zero_division=0))
    np.testing.assert_allclose(bounds.macro_f1, np.quantile(values, [0.025, 0.975]))


def test_pictures_of_one_patient_count_together():
    truth, chosen, _ = drawn()
    singles = bootstrap_classification(truth, chosen)
    # Every picture ten times, of the same patient: not one more fact.
    repeated = bootstrap_classification(
        *(np.repeat(each, 10, axis=0) for each in (truth, chosen)), list(np.arange(1200) // 10)
    )
    assert repeated.accuracy == pytest.approx(singles.accuracy)


def test_patients_may_be_anything_that_can_be_told_apart():
    truth, chosen, patients = drawn()
    plain = bootstrap_classification(truth, chosen, patients)
    pairs = [("site a", name) for name in patients]
    assert bootstrap_classification(truth, chosen, pairs).to_json() == plain.to_json()
    # A number and a text are two patients, and a mixture has no order of its own.
    mixed = [1, "1"] * 60
    bounds = bootstrap_classification(truth, chosen, mixed)
    assert bounds.patients == 2
    order = np.random.default_rng(1).permutation(len(truth))
    other = bootstrap_classification(truth[order], chosen[order], [mixed[place] for place in order])
    assert other.to_json() == bounds.to_json()
    for numbers in (np.arange(120) // 3, torch.arange(120) // 3):
        assert bootstrap_classification(truth, chosen, numbers).patients == 40


def test_one_patient_and_no_picture_tell_nothing():
    truth, chosen, _ = drawn(20)
    for bounds in (
        bootstrap_classification(truth, chosen, ["only"] * 20),
        bootstrap_classification(truth[:1], chosen[:1]),
        bootstrap_classification(truth[:0], chosen[:0]),
    ):
        assert np.isnan(bounds.macro_f1).all()
        assert np.isnan(bounds.recall).all()
        assert json.loads(json.dumps(bounds.to_json(), allow_nan=False))["accuracy"] == [None, None]


def test_a_class_without_an_example_has_no_interval():
    truth, chosen = truth_matrix([0, 1] * 10, 3), truth_matrix([0, 1, 1, 1] * 5, 3)
    bounds = bootstrap_classification(truth, chosen)
    assert np.isnan(bounds.recall[2]).all()
    assert np.isfinite(bounds.macro_f1).all()


def test_arguments_are_checked():
    truth, chosen, patients = drawn(10)
    with pytest.raises(ValueError, match="9 patients for 10 pictures"):
        bootstrap_classification(truth, chosen, patients[:9])
    for wrong in ({"resamples": 0}, {"resamples": 10**6}, {"confidence": 1.0}):
        with pytest.raises(ValueError, match="resamples must be"):
            bootstrap_classification(truth, chosen, **wrong)
