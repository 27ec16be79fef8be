"""Logits to probabilities that are right as often as they say."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from .arrays import FloatArray, as_rows, as_targets

SOFTMAX, SIGMOID = "softmax", "sigmoid"
_MOST = 100.0  # a temperature beyond this says that the logits know nothing


@dataclass(frozen=True)
class Calibration:
    """Divide logits by a temperature, add an offset for each class, then softmax or sigmoid.

    Attributes:
        temperature: above 1 softens a network that is too sure of itself.
        offsets: one for each class, after the division; empty for none.
        activation: ``softmax``: the classes share a whole, also where a picture may have several labels that share it;
            ``sigmoid``: every class is a question of its own.
    """

    temperature: float = 1.0
    offsets: tuple[float, ...] = ()
    activation: str = SOFTMAX

    def __post_init__(self) -> None:
        if not (self.temperature > 0 and math.isfinite(self.temperature)):
            raise ValueError(f"temperature must be finite and above 0, got {self.temperature}")
        if not all(math.isfinite(offset) for offset in self.offsets):
            raise ValueError(f"offsets must be finite, got {self.offsets}")
        if self.activation not in (SOFTMAX, SIGMOID):
            raise ValueError(f"activation must be {SOFTMAX!r} or {SIGMOID!r}, got {self.activation!r}")

    def probabilities(self, logits: Any) -> FloatArray:
        """Return calibrated probabilities ``(N, K)`` of ``logits`` ``(N, K)``.

        Example:
            >>> Calibration(2.0).probabilities([[0.0, 2 * math.log(3)]]).round(6).tolist()
            [[0.25, 0.75]]
        """
        scaled = as_rows("logits", logits, len(self.offsets) or None) / self.temperature
        if self.offsets:
            scaled = scaled + np.array(self.offsets)
        return _activate(scaled, self.activation)


def fit_calibration(logits: Any, labels: Any, *, activation: str = SOFTMAX, offsets: bool = False) -> Calibration:
    """Fit a calibration to pictures that were not trained on, by their negative log likelihood.

    The temperature alone keeps the order of classes, and a few hundred pictures are enough for it (Guo et al., On
    Calibration of Modern Neural Networks, ICML 2017). Offsets also mend what a class-balanced loss does to the shares
    of classes (Alexandari et al., Maximum Likelihood with Bias-Corrected Calibration, ICML 2020); they may change which
    class comes first; a weak pull to 0 keeps the offset of a class without pictures where it is. Labels are softened
    as Platt did (Probabilistic Outputs for Support Vector Machines, 1999), so that a network without a single error on
    N pictures is not taken to be sure beyond (N + 1) / (N + 2) on the whole. The fit is convex.

    Args:
        logits: ``(N, K)``.
        labels: ``(N,)`` class indices, or ``(N, K)`` zeros and ones. With ``softmax`` several labels of a picture share
            it equally, and every picture needs one.
        activation: see :class:`Calibration`.
        offsets: fit them too.

    Raises:
        ValueError: there are no pictures, or the arrays do not fit each other.
    """
    values = as_rows("logits", logits)
    count, classes = values.shape
    if count == 0:
        raise ValueError("no pictures to calibrate on")
    targets = _softened(as_targets(labels, count, classes), activation)
    start = np.concatenate([[1.0], np.zeros(classes)])
    bounds = [(1 / _MOST, _MOST)] + [(-20.0, 20.0) if offsets else (0.0, 0.0)] * classes
    found = minimize(_loss, start, args=(values, targets, activation), jac=True, method="L-BFGS-B", bounds=bounds)
    kept = tuple(float(offset) for offset in found.x[1:]) if offsets else ()
    return Calibration(float(1 / found.x[0]), kept, activation)


def _softened(targets: FloatArray, activation: str) -> FloatArray:
    """Move zeros and ones inwards by Laplace's rule of succession: N of N becomes N + 1 of N + 2."""
    count, classes = targets.shape
    soft: FloatArray
    if activation == SIGMOID:
        present = targets.sum(axis=0)
        soft = np.where(targets > 0, (present + 1) / (present + 2), 1 / (count - present + 2))
        return soft
    labels = targets.sum(axis=1, keepdims=True)
    if (labels == 0).any():
        raise ValueError(f"{int((labels == 0).sum())} pictures have no label; leave them out, or use {SIGMOID}")
    sure = (count + 1) / (count + 2)
    soft = targets / labels * sure + (1 - sure) * (1 - targets) / np.maximum(classes - labels, 1)
    soft /= soft.sum(axis=1, keepdims=True)
    return soft


def _loss(parameters: FloatArray, logits: FloatArray, targets: FloatArray, activation: str) -> tuple[float, FloatArray]:
    """Return the mean loss of a picture and its gradient by 1 / temperature and the offsets: convex in both."""
    scale, offsets = parameters[0], parameters[1:]
    scaled = logits * scale + offsets
    normaliser = np.logaddexp(0.0, scaled).sum(axis=1) if activation == SIGMOID else log_sum_exp(scaled)
    pull = 1.0 / len(logits)
    loss = float((normaliser - (targets * scaled).sum(axis=1)).mean() + 0.5 * pull * (offsets**2).sum())
    error = (_activate(scaled, activation) - targets) / len(logits)  # derivative by the scaled logits, of both losses
    return loss, np.concatenate([[(error * logits).sum()], error.sum(axis=0) + pull * offsets])


def log_sum_exp(values: FloatArray) -> FloatArray:
    """Return the logarithm of the sum of exponentials of every row of ``(N, K)``, as ``(N,)``."""
    top = values.max(axis=1)
    total: FloatArray = top + np.log(np.exp(values - top[:, None]).sum(axis=1))
    return total


def _activate(values: FloatArray, activation: str) -> FloatArray:
    result: FloatArray
    if activation == SIGMOID:
        result = 0.5 * (1.0 + np.tanh(0.5 * values))
    else:
        result = np.exp(values - log_sum_exp(values)[:, None])
    return result
