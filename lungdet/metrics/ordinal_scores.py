"""How well ratings on an ordinal scale were told, the readers' disagreement included."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .froc_curve import number_or_none
from .patient_draws import Estimate, estimate, weighted_auroc, weighted_mean
from .rating_levels import (
    levels_from_shares,
    mean_from_shares,
    median_from_shares,
    spread_from_shares,
    whole_level,
)

Array = NDArray[np.float64]
ESTIMATES = ("mean_error", "kappa", "exact", "within_one", "spread_error", "ranked_score", "auc")


@dataclass(frozen=True)
class OrdinalScores:
    """Scores of one rating; NaN for what cannot be told.

    The true level is the median of the readers, a half rounded up; the level that was said is the median of the said
    distribution.

    Attributes:
        name: of the rating.
        cases: how many nodules have it.
        mean_error: mean distance of the said mean from the readers' mean, in levels.
        base_mean_error: of one who always says the mean of all nodules.
        kappa: Cohen's kappa of the levels with quadratic weights.
        exact: part of the nodules with the right level.
        within_one: part within one level of it.
        spread_error: mean distance of the said standard deviation from that of the readers, in levels.
        ranked_score: mean squared distance of the said shares above each level from the readers', summed over the
            levels (ranked probability score): 0 is best, and it pays to say the readers' spread.
        auc: of the said mean, nodules with a median above the middle level against those below it; those at the middle
            are left out.
        confusion: ``(L, L)`` counts of levels, rows true, columns said.
    """

    name: str
    cases: int
    mean_error: Estimate
    base_mean_error: float
    kappa: Estimate
    exact: Estimate
    within_one: Estimate
    spread_error: Estimate
    ranked_score: Estimate
    auc: Estimate
    confusion: tuple[tuple[int, ...], ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers, at full precision; None for what cannot be told."""
        return {
            "rating": self.name,
            "cases": self.cases,
            **{name: getattr(self, name).to_json() for name in ESTIMATES},
            "base_mean_error": number_or_none(self.base_mean_error),
            "confusion": [list(row) for row in self.confusion],
        }


def ordinal_scores(
    name: str,
    said: ArrayLike,
    shares: ArrayLike,
    patients: Sequence[Hashable] | None = None,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> OrdinalScores:
    """Score one rating; nodules without it are left out.

    Args:
        name: of the rating.
        said: ``(N, L - 1)`` probabilities that a reader rates above 1, 2, ..., none above the one before it.
        shares: ``(N, L - 1)`` part of the readers who did; NaN where it is unknown.
        patients: ``N`` names; each nodule is a patient of its own if None.
        resamples: of the patients, for the intervals.
        confidence: part of the draws that an interval holds.
        seed: of the draws.

    Raises:
        ValueError: shapes do not fit, or a probability or share is none or above the one before it.

    Example:
        >>> scores = ordinal_scores("malignancy", [[1, 0.5, 0, 0]], [[1, 1, 0.5, 0]], resamples=10)
        >>> scores.mean_error.value, scores.within_one.value, scores.ranked_score.value
        (1.0, 1.0, 0.5)
    """
    answers, readers = np.asarray(said, dtype=np.float64), np.asarray(shares, dtype=np.float64)
    if answers.ndim != 2 or answers.shape != readers.shape:
        raise ValueError(f"{name}: wanted two matrices (N, levels - 1), got {answers.shape} and {readers.shape}")
    known: NDArray[np.bool_] = np.asarray(~np.isnan(readers).any(axis=1))
    names = list(range(len(known))) if patients is None else list(patients)
    if len(names) != len(known):
        raise ValueError(f"{name}: {len(names)} patients for {len(known)} nodules")
    answers, readers = answers[known], readers[known]
    for what, values in (("said", answers), ("shares", readers)):
        parts = levels_from_shares(values)
        if not (parts >= -1e-6).all():
            raise ValueError(
                f"{name}: {what} must fall from at most 1 to at least 0, got {values[(parts < 0).any(1)][0]}"
            )
    kept = [patient for patient, there in zip(names, known, strict=True) if there]
    return _scores(name, answers, readers, (len(answers), kept, resamples, confidence, seed))


def quadratic_kappa(true: NDArray[np.int64], said: NDArray[np.int64], levels: int, weights: Array) -> Array:
    """Cohen's kappa with quadratic weights, for weights of the cases.

    Args:
        true: ``(N,)`` levels from 1.
        said: ``(N,)`` likewise.
        levels: how many there are.
        weights: ``(R, N)``.

    Returns:
        ``(R,)``; NaN where all is one level, and agreement by chance is perfect. Source: Cohen, Psychological Bulletin
        1968.

    Example:
        >>> levels = np.array([1, 2, 3, 3])
        >>> quadratic_kappa(levels, levels[::-1].copy(), 5, np.ones((1, 4))).round(4).tolist()
        [-0.8182]
    """
    steps = np.arange(1, levels + 1)
    rows, columns = (weights @ (values[:, None] == steps) for values in (true, said))  # (R, L)
    observed = weights @ ((true - said) ** 2).astype(np.float64)
    chance = ((rows @ ((steps[:, None] - steps) ** 2)) * columns).sum(axis=1)
    total = weights.sum(axis=1)
    return np.asarray(1 - observed * total / np.where(chance > 0, chance, np.nan))


def _scores(name: str, said: Array, shares: Array, settings: tuple[Any, ...]) -> OrdinalScores:
    means, means_said = mean_from_shares(shares), mean_from_shares(said)
    medians, levels = median_from_shares(shares), said.shape[1] + 1
    true, level = whole_level(medians), whole_level(median_from_shares(said))
    middle = (levels + 1) / 2
    sided = medians != middle
    values = {
        "mean_error": np.abs(means_said - means),
        "exact": (level == true).astype(np.float64),
        "within_one": (np.abs(level - true) <= 1).astype(np.float64),
        "spread_error": np.abs(spread_from_shares(said) - spread_from_shares(shares)),
        "ranked_score": ((said - shares) ** 2).sum(axis=1),
    }
    found = {key: estimate(_mean_of(each), *settings) for key, each in values.items()}
    confusion = np.zeros((levels, levels), dtype=np.int64)
    np.add.at(confusion, (true - 1, level - 1), 1)
    return OrdinalScores(
        name=name,
        cases=len(said),
        base_mean_error=float(np.abs(means - means.mean()).mean()) if len(means) else float("nan"),
        kappa=estimate(lambda weights: quadratic_kappa(true, level, levels, weights), *settings),
        auc=estimate(lambda weights: weighted_auroc(means_said, medians > middle, weights * sided), *settings),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        **found,
    )


def _mean_of(values: Array) -> Any:
    return lambda weights: weighted_mean(values, weights)
