"""Probabilities of one thing, there or not there: ranking, proper scores and calibration, with intervals."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .calibration_error import LEAST_PROBABILITY, Reliability, reliability
from .froc_curve import number_or_none
from .patient_draws import Estimate, estimate, weighted_auroc, weighted_mean

Array = NDArray[np.float64]
NEWTON_STEPS, STEEPEST = 50, 100.0


@dataclass(frozen=True, eq=False)
class BinaryScores:
    """Scores of probabilities; NaN for what cannot be told.

    Attributes:
        cases: how many there were.
        positives: of which it was true.
        auc: chance that a positive gets a higher probability than a negative, ties counting half.
        log_loss: mean negative log-probability of what is true, in nats.
        base_log_loss: of one who says always how often it is true: no knowledge of the case.
        brier: mean squared error of the probabilities.
        bias: mean probability less how often it is true; above 0 it is said too often.
        slope: of a logistic fit on the logits of the probabilities: 1 where calibrated, below 1 for too sure ones.
        reliability: of the probabilities in bins; its ``expected_error`` is the ECE.
        confidence: of all intervals.
    """

    cases: int
    positives: int
    auc: Estimate
    log_loss: Estimate
    base_log_loss: float
    brier: Estimate
    bias: Estimate
    slope: float
    reliability: Reliability
    confidence: float

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers, at full precision; None for what cannot be told."""
        return {
            "cases": self.cases,
            "positives": self.positives,
            **{name: getattr(self, name).to_json() for name in ("auc", "log_loss", "brier", "bias")},
            "base_log_loss": number_or_none(self.base_log_loss),
            "calibration_slope": number_or_none(self.slope),
            "calibration": self.reliability.to_json(),
            "confidence": self.confidence,
        }


def binary_scores(
    probabilities: ArrayLike,
    positive: ArrayLike,
    patients: Sequence[Hashable] | None = None,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    bins: int = 10,
    spacing: Literal["even", "quantile"] = "quantile",
) -> BinaryScores:
    """Score probabilities.

    Args:
        probabilities: ``(N,)`` in ``[0, 1]``.
        positive: ``(N,)`` yes or no.
        patients: ``N`` names; each case is a patient of its own if None.
        resamples: of the patients, for the intervals.
        confidence: part of the draws that an interval holds.
        seed: of the draws.
        bins: of the calibration.
        spacing: of the bins, see :func:`~lungdet.metrics.reliability`.

    Raises:
        ValueError: shapes do not fit, or a probability is none.

    Example:
        >>> scores = binary_scores([0.9, 0.6, 0.4, 0.2], [1, 0, 1, 0], resamples=100)
        >>> scores.auc.value, round(scores.log_loss.value, 4), round(scores.bias.value, 3)
        (0.75, 0.5403, 0.025)
    """
    said, true = np.asarray(probabilities, dtype=np.float64), np.asarray(positive).astype(bool)
    if said.ndim != 1 or said.shape != true.shape:
        raise ValueError(f"two lists of one length are wanted, got {said.shape} and {true.shape}")
    bounds = reliability(said, true, bins, spacing)  # makes sure that they are probabilities
    losses = -np.log(np.maximum(np.where(true, said, 1 - said), LEAST_PROBABILITY))
    means = {"log_loss": losses, "brier": (said - true) ** 2, "bias": said - true}
    settings = (len(said), patients, resamples, confidence, seed)
    rate = float(true.mean()) if len(true) else float("nan")
    return BinaryScores(
        cases=len(said),
        positives=int(true.sum()),
        auc=estimate(lambda weights: weighted_auroc(said, true, weights), *settings),
        base_log_loss=entropy(rate),
        slope=calibration_slope(said, true),
        reliability=bounds,
        confidence=confidence,
        **{name: estimate(_mean_of(values), *settings) for name, values in means.items()},
    )


def entropy(rate: float) -> float:
    """Log loss in nats of saying ``rate`` of what is true so often.

    Example:
        >>> round(entropy(0.5), 4), entropy(0.0)
        (0.6931, 0.0)
    """
    parts = np.array([rate, 1 - rate])
    return float((parts * np.log(1 / np.where(parts > 0, parts, 1.0))).sum())


def calibration_slope(probabilities: Array, positive: NDArray[np.bool_]) -> float:
    """Slope of a logistic fit of the truth on the logits of the probabilities, by Newton's steps.

    Source: Cox, Biometrika 1958; Van Calster et al., BMC Medicine 2019.

    Returns:
        NaN where no slope is the best: only one truth is there, one probability, or the truths do not overlap, so that
        every steeper slope, up or down, fits better.
    """
    clipped = np.clip(probabilities, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    logits = np.log(clipped) - np.log1p(-clipped)
    if positive.all() or not positive.any() or np.ptp(logits) == 0:
        return float("nan")
    high, low = logits[positive], logits[~positive]
    if high.min() >= low.max() or high.max() <= low.min():
        return float("nan")
    design, fit = np.column_stack([np.ones_like(logits), logits]), np.zeros(2)
    for _ in range(NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ fit, -STEEPEST, STEEPEST)))
        slopes = design.T @ (chance - positive) + 1e-9 * fit
        curve = (design * (chance * (1 - chance))[:, None]).T @ design + 1e-9 * np.eye(2)
        step = np.linalg.solve(curve, slopes)
        fit -= np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-9:
            return float(fit[1])
    return float("nan")


def _mean_of(values: Array) -> Any:
    return lambda weights: weighted_mean(values, weights)
