import numpy as np
import pytest

from lungdet.metrics import choose_classes, truth_matrix


def test_numbers_and_ones_say_the_same():
    labels = [1, 0, 2, 1]
    assert np.array_equal(truth_matrix(labels, 3), truth_matrix(np.eye(3)[labels], 3))


def test_minus_one_is_no_class():
    assert not truth_matrix([-1], 2).any()
    assert not truth_matrix([[-1, -1]], 2).any()


def test_no_picture_gives_no_row():
    assert truth_matrix([], 4).shape == (0, 4)
    assert truth_matrix(np.empty((0, 4)), 4).shape == (0, 4)
    assert choose_classes(np.empty((0, 4))).shape == (0, 4)
    assert choose_classes(np.empty((0, 4)), multi_label=True, at_least_one=True).shape == (0, 4)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([3], "from -1 to 2, got 3"),
        ([-2], "from -1 to 2"),
        ([0.5], "whole numbers"),
        ([[0, 1]], r"\(N, 3\), got \(1, 2\)"),
        ([[0, 0.5, 1]], "0 or 1"),
        ([[-1, 0, 1]], "0 or 1"),
        ([[[0]]], r"\(N,\) or"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: object, message: str):
    with pytest.raises(ValueError, match=message):
        truth_matrix(labels, 3)


def test_one_label_is_the_best_and_the_first_of_equals():
    assert choose_classes([[1.0, 1.0, 0.0]]).tolist() == [[True, False, False]]


def test_each_class_may_have_its_own_threshold():
    chosen = choose_classes([[0.4, 0.4], [0.1, 0.2]], multi_label=True, thresholds=[0.3, 0.5])
    assert chosen.tolist() == [[True, False], [False, False]]
    filled = choose_classes([[0.4, 0.4], [0.1, 0.2]], multi_label=True, thresholds=[0.3, 0.5], at_least_one=True)
    assert filled.tolist() == [[True, False], [False, True]]


def test_probabilities_must_be_a_matrix():
    with pytest.raises(ValueError, match=r"\(N, K\)"):
        choose_classes([0.1, 0.2])
