import numpy as np
import pytest
from sklearn.metrics import confusion_matrix as referee

from lungdet.metrics import confusion_matrix, truth_matrix


def test_scikit_learn_agrees_for_one_label():
    rng = np.random.default_rng(0)
    given, found = rng.integers(0, 4, 80), rng.integers(0, 5, 80)  # class 4 has no example
    matrix = confusion_matrix(truth_matrix(given, 5), truth_matrix(found, 5))
    np.testing.assert_array_equal(matrix[:5, :5], referee(given, found, labels=range(5)))
    assert not matrix[5].any()
    assert not matrix[:, 5].any()


def test_hand_worked_several_labels():
    truth = [[1, 1, 0], [1, 0, 0], [0, 0, 1], [1, 1, 0]]
    chosen = [[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 1]]
    # b missed on the first, nothing else there; b too much on the second; a and b taken for c on the last.
    assert confusion_matrix(truth, chosen).tolist() == [[2, 0, 1, 0], [0, 0, 1, 1], [0, 0, 1, 0], [0, 1, 0, 0]]


def test_a_missed_label_is_shared_among_the_wrong_choices():
    assert confusion_matrix([[1, 0, 0]], [[0, 1, 1]])[0].tolist() == [0, 0.5, 0.5, 0]


def test_rows_add_up_to_the_examples():
    rng = np.random.default_rng(1)
    truth, chosen = rng.random((100, 6)) < 0.3, rng.random((100, 6)) < 0.3
    np.testing.assert_allclose(confusion_matrix(truth, chosen)[:6].sum(axis=1), truth.sum(axis=0))


def test_no_picture_gives_zeros():
    assert confusion_matrix(np.empty((0, 2)), np.empty((0, 2))).tolist() == [[0.0] * 3] * 3
    with pytest.raises(ValueError, match="both"):
        confusion_matrix(np.empty((0, 2)), np.empty((1, 2)))
