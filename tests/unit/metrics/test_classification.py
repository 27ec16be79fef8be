import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from lungdet.metrics import classification_scores, truth_matrix


def drawn(multi_label: bool, seed: int = 0, images: int = 200, classes: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Truth and choices of pictures; half of the choices are right."""
    rng = np.random.default_rng(seed)
    if multi_label:
        truth = rng.random((images, classes)) < 0.3
        return truth, truth ^ (rng.random((images, classes)) < 0.1)
    labels = rng.integers(0, classes, images)
    return truth_matrix(labels, classes), truth_matrix(
        np.where(rng.random(images) < 0.5, labels, rng.integers(0, classes, images)), classes
    )


def test_hand_worked_numbers():
    # a: 2 pictures, one found, one other taken for it; b: 1 picture, found, one other taken for it; c: none.
    scores = classification_scores(truth_matrix([0, 0, 1], 3), truth_matrix([0, 1, 1], 3), ["a", "b", "c"])
    np.testing.assert_allclose(scores.recall, [0.5, 1.0, np.nan])
    np.testing.assert_allclose(scores.precision, [1.0, 0.5, np.nan])
    np.testing.assert_allclose(scores.f1, [2 / 3, 2 / 3, np.nan])
    assert (scores.macro_recall, scores.macro_precision) == (0.75, 0.75)
    assert scores.accuracy == pytest.approx(2 / 3)
    assert scores.to_json()["classes_without_example"] == ["c"]


@pytest.mark.parametrize("multi_label", [False, True])
def test_scikit_learn_agrees(multi_label: bool):
    truth, chosen = drawn(multi_label)
    scores = classification_scores(truth, chosen)
    given, found = (truth, chosen) if multi_label else (truth.argmax(axis=1), chosen.argmax(axis=1))
    precision, recall, f1, support = precision_recall_fscore_support(given, found)
    np.testing.assert_allclose(scores.precision, precision)
    np.testing.assert_allclose(scores.recall, recall)
    np.testing.assert_allclose(scores.f1, f1)
    np.testing.assert_array_equal(scores.support, support)
    means = precision_recall_fscore_support(given, found, average="macro")[:3]
    np.testing.assert_allclose((scores.macro_precision, scores.macro_recall, scores.macro_f1), means)
    assert scores.accuracy == pytest.approx(accuracy_score(given, found))


def test_means_leave_out_classes_without_an_example_as_scikit_learn_does_when_told():
    truth, chosen = truth_matrix([0, 1, 1, 0], 4), truth_matrix([0, 3, 3, 0], 4)  # 1 never chosen, 2 and 3 absent
    scores = classification_scores(truth, chosen)
    means = precision_recall_fscore_support([0, 1, 1, 0], [0, 3, 3, 0], labels=[0, 1], average="macro", zero_division=0)
    np.testing.assert_allclose((scores.macro_precision, scores.macro_recall, scores.macro_f1), means[:3])
    assert np.isnan(scores.precision[1])
    assert scores.f1[3] == 0.0


def test_the_order_of_pictures_does_not_matter():
    truth, chosen = drawn(multi_label=True)
    order = np.random.default_rng(1).permutation(len(truth))
    first, other = classification_scores(truth, chosen), classification_scores(truth[order], chosen[order])
    assert first.to_json() == other.to_json()


def test_one_picture_and_none_are_fine():
    one = classification_scores(truth_matrix([1], 3), truth_matrix([1], 3))
    assert (one.macro_f1, one.macro_precision, one.accuracy) == (1.0, 1.0, 1.0)
    none = classification_scores(np.empty((0, 3)), np.empty((0, 3)))
    content = json.loads(json.dumps(none.to_json(), allow_nan=False))
    assert content["macro_f1"] is content["accuracy"] is content["classes"][0]["recall"] is None


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(2, 2\)"):
        classification_scores(np.zeros((2, 3)), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="1 names for 3 classes"):
        classification_scores(np.zeros((2, 3)), np.zeros((2, 3)), ["a"])
