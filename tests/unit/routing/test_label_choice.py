"""Probabilities to labels: one, several that share, or each for itself."""

import tracemalloc

import numpy as np
import pytest
from sklearn.metrics import f1_score

from lungdet.metrics import reliability
from lungdet.routing import LabelChoice, fit_several, fit_thresholds, group_probabilities, load_class_list


def test_one_label_is_the_most_probable():
    chosen, sure = LabelChoice(False, "softmax").choose([[0.2, 0.5, 0.3]])
    assert chosen.tolist() == [[0, 1, 0]]
    assert sure.tolist() == [0.5]


def test_labels_that_share():
    choice = LabelChoice(True, "softmax", share=0.5)
    chosen, sure = choice.choose([[0.5, 0.25, 0.24, 0.01], [0.97, 0.01, 0.01, 0.01]])
    assert chosen.tolist() == [[1, 1, 0, 0], [1, 0, 0, 0]]
    assert sure == pytest.approx([0.75, 0.97])


def test_several_labels_are_trusted_as_far_as_they_were_right():
    values = np.array([[0.5, 0.5]] * 8 + [[0.9, 0.1]] * 8)
    labels = np.array([[1, 1]] * 2 + [[1, 0]] * 14)
    fitted = fit_several(LabelChoice(True, "softmax"), values, labels)
    assert fitted.several == pytest.approx(3 / 10)  # two of eight, by Laplace's rule
    assert fitted.choose(values)[1].tolist() == pytest.approx([0.3] * 8 + [0.9] * 8)
    assert fit_several(fitted, np.empty((0, 2)), np.empty((0, 2))).several == 0.5


def test_questions_of_their_own():
    choice = LabelChoice(True, "sigmoid", thresholds=(0.5, 0.3, 0.9))
    chosen, sure = choice.choose([[0.5, 0.4, 0.8], [0.1, 0.2, 0.1]])
    assert chosen.tolist() == [[1, 1, 0], [0, 0, 0]]
    assert sure == pytest.approx([0.5 * 0.4 * 0.2, 0.9 * 0.8 * 0.9])
    assert LabelChoice(True, "sigmoid").choose([[0.5, 0.49]])[0].tolist() == [[1, 0]]


@pytest.mark.parametrize("choice", [LabelChoice(False, "softmax"), LabelChoice(True, "sigmoid")])
def test_no_pictures(choice: LabelChoice):
    chosen, sure = choice.choose(np.empty((0, 4)))
    assert chosen.shape == (0, 4)
    assert sure.shape == (0,)


@pytest.mark.parametrize(
    "arguments",
    [(True, "softmax", 0.0), (True, "softmax", 0.5, 1.1), (True, "sigmoid", 0.5, 1.0, (0.0,)), (False, "sigmoid")],
)
def test_nonsense_is_refused(arguments: tuple):
    with pytest.raises(ValueError):
        LabelChoice(*arguments)


def test_thresholds_reach_the_best_f1():
    rng = np.random.default_rng(0)
    labels = (rng.random((200, 2)) < 0.3).astype(float)
    probabilities = np.clip(0.3 * labels + 0.6 * rng.random((200, 2)), 0.001, 0.999)
    thresholds = fit_thresholds(probabilities, labels)
    for k in range(2):
        tried = [f1_score(labels[:, k], probabilities[:, k] >= t) for t in np.linspace(0.01, 0.99, 50)]
        assert f1_score(labels[:, k], probabilities[:, k] >= thresholds[k]) >= max(tried)


def test_a_rare_label_keeps_one_half():
    labels = np.zeros((100, 1))
    labels[:4] = 1
    assert fit_thresholds(labels * 0.1 + 0.1, labels) == (0.5,)


def best_threshold_pair_by_pair(probabilities: np.ndarray, present: np.ndarray) -> float:
    """Every threshold against every picture: slow and plain."""
    levels = np.unique(np.concatenate([probabilities, [0.0, 1.0]]))
    middles = (levels[1:] + levels[:-1]) / 2
    found = probabilities[None, :] >= middles[:, None]
    scores = 2 * (found * present).sum(axis=1) / (found.sum(axis=1) + present.sum())
    best = middles[scores >= scores.max() - 1e-12]
    return float(best[np.abs(best - 0.5).argmin()])


@pytest.mark.parametrize("seed", range(30))
def test_thresholds_are_those_of_trying_every_one(seed: int):
    rng = np.random.default_rng(seed)
    labels = (rng.random((40, 3)) < 0.4).astype(float)
    probabilities = np.clip(0.3 * labels + 0.7 * rng.random((40, 3)), 0, 1)
    if seed % 2:
        probabilities = probabilities.round(1)  # many equal ones, and 0 and 1 among them
    if seed % 5 == 0:
        # Neighbours without a number between them: the middle is one of the two.
        probabilities[:, 0] = np.where(rng.random(40) < 0.5, 0.3, np.nextafter(0.3, 1))
    wanted = tuple(best_threshold_pair_by_pair(probabilities[:, k], labels[:, k]) for k in range(3))
    assert fit_thresholds(probabilities, labels) == wanted


def test_thresholds_of_many_pictures_fit_into_the_memory():
    rng = np.random.default_rng(0)
    labels = (rng.random((20_000, 1)) < 0.3).astype(float)
    tracemalloc.start()
    fit_thresholds(0.5 * labels + 0.5 * rng.random((20_000, 1)), labels)
    assert tracemalloc.get_traced_memory()[1] < 20e6  # the table of all pairs has 400 MB
    tracemalloc.stop()


def test_groups_are_probabilities_in_spite_of_rounding():
    entries = load_class_list("unifesp22")
    spine = [entries.index(name) for name in ("cervical_spine", "thoracic_spine", "lumbar_spine")]
    probabilities = np.zeros((1, 22))
    probabilities[0, spine] = [0.5, 0.25, 0.25 + 7e-15]
    grouped = group_probabilities(probabilities, entries, "softmax")
    assert grouped.max() == 1.0
    assert reliability(grouped.max(axis=1), np.ones(1)).expected_error == 0.0


def test_groups_add_up():
    entries = load_class_list("unifesp22")
    probabilities = np.random.default_rng(0).dirichlet(np.ones(22), size=5)
    grouped = group_probabilities(probabilities, entries, "softmax")
    assert grouped.sum(axis=1) == pytest.approx(1.0)
    assert grouped[:, 1] == pytest.approx(probabilities[:, entries.index("chest")])
    spine = [entries.index(name) for name in ("cervical_spine", "thoracic_spine", "lumbar_spine")]
    assert grouped[:, 2] == pytest.approx(probabilities[:, spine].sum(axis=1))
    shared = group_probabilities(probabilities, entries, "sigmoid")
    assert shared.sum(axis=1) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="no groups"):
        group_probabilities(probabilities[:, :5], load_class_list("vindr5"), "softmax")
