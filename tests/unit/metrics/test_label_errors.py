import numpy as np
import pytest

from lungdet.metrics import find_label_errors, truth_matrix


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_hand_worked_case():
    # Means of the labelled: class 0: (0.9 + 0.7 + 0.2) / 3 = 0.6; class 1: (0.8 + 0.6) / 2 = 0.7.
    said = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.2, 0.8], [0.4, 0.6]])
    found = find_label_errors(said, truth_matrix([0, 0, 0, 1, 1], 2))
    assert [(error.index, error.given, error.suggested) for error in found] == [(2, 0, 1)]
    assert found[0].margin == pytest.approx(0.6)
    # 0.6 is no confident 1, and 0.4 no confident 0, so the last says nothing about its label.


@pytest.mark.parametrize("classes", [2, 5])
def test_wrong_labels_are_found_and_few_others(classes: int):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, 400)
    said = softmax(5 * np.eye(classes)[labels] + rng.normal(size=(400, classes)))
    wrong = rng.choice(400, 20, replace=False)
    given = labels.copy()
    given[wrong] = (labels[wrong] + 1) % classes
    found = find_label_errors(said, truth_matrix(given, classes))
    indices = [error.index for error in found]
    # One in a few lies below the mean of its class, and is not sure enough to be listed; hardly any is listed in vain.
    assert len(set(indices) & set(wrong.tolist())) >= 15
    assert len(set(indices) - set(wrong.tolist())) <= 2
    assert all(error.suggested == labels[error.index] for error in found[:15])
    assert [error.margin for error in found] == sorted((error.margin for error in found), reverse=True)


def test_several_labels_are_asked_class_by_class():
    rng = np.random.default_rng(0)
    true = rng.random((200, 4)) < 0.4
    said = np.clip(np.where(true, 0.9, 0.1) + rng.normal(0, 0.03, true.shape), 0, 1)
    said[7, 2], said[9, 1] = (0.98 if there else 0.02 for there in (true[7, 2], true[9, 1]))
    given = true.copy()
    given[7, 2], given[9, 1] = not true[7, 2], not true[9, 1]
    found = find_label_errors(said, given, multi_label=True)
    assert {error.index for error in found} == {7, 9}
    for error in found:
        place, lacks = (2, true[7, 2]) if error.index == 7 else (1, true[9, 1])
        assert (error.suggested if lacks else error.given) == place
        assert (error.given if lacks else error.suggested) is None


def test_a_class_without_an_example_is_never_suggested():
    said = np.array([[0.05, 0.05, 0.9], [0.8, 0.1, 0.1], [0.1, 0.8, 0.1]])
    assert find_label_errors(said, truth_matrix([0, 0, 1], 3)) == []


@pytest.mark.parametrize("multi_label", [False, True])
def test_none_and_one_picture(multi_label: bool):
    assert find_label_errors(np.empty((0, 3)), np.empty((0, 3)), multi_label) == []
    assert find_label_errors([[0.1, 0.8, 0.1]], truth_matrix([0], 3), multi_label) == []
    assert find_label_errors([[0.1, 0.8, 0.1]], truth_matrix([-1], 3), multi_label) == []


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="both"):
        find_label_errors(np.ones((2, 2)), np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        find_label_errors([[2.0, -1.0]], [[1, 0]])


def test_a_label_that_the_classifier_itself_would_choose_stands():
    # The third is confidently class 1, whose mean is low, and not confidently class 0; and yet 0 is its best.
    said = [[0.95, 0.05], [0.95, 0.05], [0.6, 0.4], [0.7, 0.3]]
    assert find_label_errors(said, truth_matrix([0, 0, 0, 1], 2)) == []
