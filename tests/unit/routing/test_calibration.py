"""Calibrated probabilities are right as often as they say."""

import math

import numpy as np
import pytest
import torch
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression

from lungdet.routing import Calibration, fit_calibration
from lungdet.routing.calibration import log_sum_exp


def drawn(count: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn with exactly the probabilities that they say."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(count, classes))
    chances = softmax(logits, axis=1).cumsum(axis=1)
    return logits, (rng.random((count, 1)) > chances).sum(axis=1).clip(max=classes - 1)


def test_by_hand():
    halves = Calibration(2.0, (0.0, math.log(3))).probabilities([[4.0, 4.0]])
    assert halves.tolist() == [[pytest.approx(0.25), pytest.approx(0.75)]]
    assert Calibration(0.5, activation="sigmoid").probabilities([[0.0, 1.0]])[0] == pytest.approx([0.5, expit(2.0)])


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_scipy_agrees_and_huge_logits_stay_finite(activation: str):
    logits = np.random.default_rng(0).normal(size=(20, 5)) * 100
    referee = softmax(logits, axis=1) if activation == "softmax" else expit(logits)
    assert np.allclose(Calibration(activation=activation).probabilities(logits), referee, atol=1e-12)
    extreme = Calibration(activation=activation).probabilities([[1e6, -1e6]])
    assert extreme.tolist() == [[1.0, 0.0]]
    assert log_sum_exp(np.array([[1e6, 1e6]]))[0] == pytest.approx(1e6 + math.log(2))


def test_no_pictures_give_no_probabilities():
    assert Calibration().probabilities(np.empty((0, 3))).shape == (0, 3)
    with pytest.raises(ValueError, match="no pictures"):
        fit_calibration(np.empty((0, 3)), [])


def test_tensors_of_any_precision_are_taken():
    logits = torch.tensor([[0.0, 2.0]], dtype=torch.bfloat16, requires_grad=True)
    assert Calibration().probabilities(logits)[0, 1] == pytest.approx(expit(2.0))


@pytest.mark.parametrize("factor", [0.3, 1.0, 4.0])
def test_the_temperature_that_spoiled_the_logits_is_found(factor: float):
    logits, labels = drawn(4000, 5, seed=1)
    assert fit_calibration(logits * factor, labels).temperature == pytest.approx(factor, rel=0.06)


def test_the_temperature_is_where_the_loss_is_least():
    logits, labels = drawn(300, 4, seed=2)
    fitted = fit_calibration(logits, labels).temperature

    def loss(temperature: float) -> float:
        probabilities = softmax(logits / temperature, axis=1)
        soft = np.full(probabilities.shape, 1 / 302 / 3)
        soft[np.arange(300), labels] = 301 / 302
        return -(soft * np.log(probabilities)).sum(axis=1).mean()

    assert loss(fitted) <= min(loss(fitted * 0.99), loss(fitted * 1.01))


def test_logistic_regression_finds_the_same_for_one_sigmoid():
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(3000, 1)) * 3
    labels = (rng.random((3000, 1)) < expit(logits * 0.5 - 1)).astype(float)
    ours = fit_calibration(logits, labels, activation="sigmoid", offsets=True)
    referee = LogisticRegression(C=1e9).fit(logits, labels[:, 0])
    assert 1 / ours.temperature == pytest.approx(referee.coef_[0, 0], rel=0.01)
    assert ours.offsets[0] == pytest.approx(referee.intercept_[0], abs=0.01)


def test_offsets_mend_a_class_balanced_training():
    logits, labels = drawn(6000, 3, seed=4)
    spoiled = logits + np.array([1.0, 0.0, -1.0])
    fitted = fit_calibration(spoiled, labels, offsets=True)
    assert np.diff(fitted.offsets) == pytest.approx([1.0, 1.0], abs=0.15)
    mean = fitted.probabilities(spoiled).mean(axis=0)
    assert mean == pytest.approx(np.bincount(labels, minlength=3) / 6000, abs=0.002)


def test_a_network_without_errors_is_not_taken_to_be_certain():
    labels = np.arange(200) % 4
    logits = np.eye(4)[labels] * 30
    sure = fit_calibration(logits, labels).probabilities(logits).max(axis=1)
    assert sure == pytest.approx(201 / 202, abs=1e-4)


def test_labels_that_share_a_picture_share_the_whole():
    logits = np.array([[3.0, 3.0, 0.0]] * 50)
    labels = np.array([[1, 1, 0]] * 50)
    probabilities = fit_calibration(logits, labels).probabilities(logits)
    assert probabilities[0] == pytest.approx([0.5, 0.5, 0.0], abs=0.02)


@pytest.mark.parametrize(
    ("logits", "labels", "what"),
    [
        ([[0.0, 1.0]], [2], "0 to 1"),
        ([[0.0, 1.0]], [0, 1], "1 class indices"),
        ([[0.0, 1.0]], [[0, 2]], "zeros and ones"),
        ([[0.0, 1.0]], [[0, 0]], "no label"),
        ([[0.0, math.nan]], [0], "not finite"),
        ([0.0, 1.0], [0], r"\(N, D\)"),
    ],
)
def test_what_does_not_fit_is_refused(logits: list, labels: list, what: str):
    with pytest.raises(ValueError, match=what):
        fit_calibration(logits, labels)


@pytest.mark.parametrize(
    "fields", [{"temperature": 0}, {"temperature": math.inf}, {"offsets": (math.nan,)}, {"activation": "relu"}]
)
def test_nonsense_is_refused(fields: dict):
    with pytest.raises(ValueError, match=next(iter(fields))):
        Calibration(**fields)
