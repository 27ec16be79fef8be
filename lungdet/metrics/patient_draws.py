"""How far any score would move with other patients, drawn with replacement: a draw is a weight for each case."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .classification_bootstrap import DRAWS_AT_ONCE, in_order
from .froc_bootstrap import MAX_RESAMPLES, percentile_bounds
from .froc_curve import number_or_none

Array = NDArray[np.float64]
Statistic = Callable[[Array], Array]  # weights (R, N) of the cases -> (R,), NaN where a draw cannot tell


@dataclass(frozen=True)
class Estimate:
    """A score and its percentile interval; NaN for what cannot be told.

    Attributes:
        value: of the cases as they are.
        low, high: of the draws; NaN where there are fewer than two patients.
    """

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers, at full precision; None for NaN."""
        return {"value": number_or_none(self.value), "interval": [number_or_none(self.low), number_or_none(self.high)]}


def estimate(
    statistic: Statistic,
    count: int,
    patients: Sequence[Hashable] | None = None,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """Compute a score, and again for draws of the patients.

    For two models give the difference of their scores: both are then drawn together.

    Args:
        statistic: from weights of the cases ``(R, N)`` to ``R`` scores.
        count: ``N``, how many cases there are.
        patients: ``N`` names; each case is a patient of its own if None.
        resamples: how often to draw.
        confidence: part of the draws that the interval holds.
        seed: of the draws. The same cases, in any order, give the same interval where patients have names.

    Raises:
        ValueError: there is not one patient for each case, or an argument is out of its range.

    Example:
        >>> errors = np.array([1.0, 2.0, 3.0])
        >>> mean = estimate(lambda weights: weighted_mean(errors, weights), 3, resamples=200)
        >>> mean.value, mean.low, mean.high
        (2.0, 1.0, 3.0)
    """
    value = float(statistic(np.ones((1, count)))[0]) if count else float("nan")
    draws = [statistic(weights) for weights in patient_draws(count, patients, resamples, confidence, seed)]
    low, high = percentile_bounds(np.concatenate(draws), confidence).tolist() if draws else (float("nan"),) * 2
    return Estimate(value, low, high)


def patient_draws(
    count: int, patients: Sequence[Hashable] | None, resamples: int, confidence: float, seed: int
) -> Iterator[Array]:
    """Yield weights ``(R, N)`` of the cases, some draws at a time; nothing where there are fewer than two patients."""
    if not 1 <= resamples <= MAX_RESAMPLES or not 0.0 < confidence < 1.0:
        raise ValueError(
            f"resamples must be from 1 to {MAX_RESAMPLES} and confidence in (0, 1), got {resamples} and {confidence}"
        )
    names = list(range(count)) if patients is None else list(patients)
    if len(names) != count:
        raise ValueError(f"{len(names)} patients for {count} cases")
    places = {name: place for place, name in enumerate(in_order(names))}
    rows = np.array([places[name] for name in names], dtype=np.intp)
    if len(places) < 2:
        return
    random, chance = np.random.default_rng(seed), np.full(len(places), 1 / len(places))
    for start in range(0, resamples, DRAWS_AT_ONCE):
        drawn = random.multinomial(len(places), chance, size=min(DRAWS_AT_ONCE, resamples - start))
        yield drawn[:, rows].astype(np.float64)


def weighted_mean(values: Array, weights: Array) -> Array:
    """Means ``(R,)`` of values ``(N,)`` by weights ``(R, N)``; NaN where all weights are 0."""
    total = weights.sum(axis=1)
    return np.asarray(weights @ values / np.where(total > 0, total, np.nan))


def weighted_auroc(scores: Array, positive: NDArray[np.bool_], weights: Array) -> Array:
    """Chance that a positive scores higher than a negative, ties counting half, for weights of the cases.

    Args:
        scores: ``(N,)``, finite.
        positive: ``(N,)``.
        weights: ``(R, N)``, none negative.

    Returns:
        ``(R,)``; NaN where positives or negatives have no weight.

    Example:
        >>> values, yes = np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, True, False, True])
        >>> weighted_auroc(values, yes, np.array([[1.0, 1, 1, 1], [1, 0, 0, 1], [1, 0, 1, 0]])).tolist()
        [0.875, 1.0, nan]
    """
    if not len(scores):
        return np.full(len(weights), np.nan)
    order = np.argsort(scores, kind="stable")
    first = np.flatnonzero(np.append(True, np.diff(scores[order]) > 0))  # of equals
    ordered, yes = weights[:, order], positive[order]
    hits, misses = (np.add.reduceat(ordered * part, first, axis=1) for part in (yes, ~yes))
    below = np.cumsum(misses, axis=1) - misses / 2
    pairs = hits.sum(axis=1) * misses.sum(axis=1)
    return np.asarray((hits * below).sum(axis=1) / np.where(pairs > 0, pairs, np.nan))
