"""Ratings 1 to 5 of several readers as shares above each step, and what follows from these alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
EVEN = 1e-6  # shares that come from float32 are a half within this


def levels_from_shares(shares: ArrayLike) -> Array:
    """Part of the readers at each level.

    Args:
        shares: ``(..., L - 1)`` part of the readers above levels 1, 2, ..., none above the one before it.

    Returns:
        ``(..., L)``.

    Example:
        >>> levels_from_shares([1.0, 0.75, 0.5, 0.0]).tolist()  # 2, 3, 4, 4
        [0.0, 0.25, 0.25, 0.5, 0.0]
    """
    above = np.asarray(shares, dtype=np.float64)
    ends = np.ones((*above.shape[:-1], 1)), np.zeros((*above.shape[:-1], 1))
    return np.asarray(np.concatenate([ends[0], above], axis=-1) - np.concatenate([above, ends[1]], axis=-1))


def shares_from_levels(levels: ArrayLike) -> Array:
    """Part above levels 1, 2, ...: the inverse of :func:`levels_from_shares`.

    Example:
        >>> shares_from_levels([0.0, 0.25, 0.25, 0.5, 0.0]).tolist()
        [1.0, 0.75, 0.5, 0.0]
    """
    parts = np.asarray(levels, dtype=np.float64)
    return np.asarray(np.cumsum(parts[..., :0:-1], axis=-1)[..., ::-1])


def mean_from_shares(shares: ArrayLike) -> Array:
    """Mean of the readers, 1 to L; NaN where a share is.

    Example:
        >>> float(mean_from_shares([1.0, 0.75, 0.5, 0.0]))  # 2, 3, 4, 4
        3.25
    """
    return np.asarray(1 + np.asarray(shares, dtype=np.float64).sum(axis=-1))


def median_from_shares(shares: ArrayLike) -> Array:
    """Median of the readers; halfway between the middle two of an even number; NaN where a share is.

    Example:
        >>> float(median_from_shares([1.0, 0.75, 0.5, 0.0]))  # 2, 3, 4, 4
        3.5
    """
    above = np.asarray(shares, dtype=np.float64)
    steps = np.where(above > 0.5 + EVEN, 1.0, np.where(above < 0.5 - EVEN, 0.0, 0.5))
    return np.asarray(np.where(np.isnan(above).any(axis=-1), np.nan, 1 + steps.sum(axis=-1)))


def spread_from_shares(shares: ArrayLike) -> Array:
    """Standard deviation of the readers, divided by their number and not one less; NaN where a share is.

    Example:
        >>> round(float(spread_from_shares([1.0, 0.75, 0.5, 0.0])), 4)  # 2, 3, 4, 4
        0.8292
    """
    parts = levels_from_shares(shares)
    numbers = np.arange(1, parts.shape[-1] + 1)
    mean = parts @ numbers
    return np.asarray(np.sqrt(np.maximum(parts @ numbers**2 - mean**2, 0.0)))


def whole_level(median: ArrayLike) -> NDArray[np.int64]:
    """The level that a median stands for; between two levels the higher one, so that doubt counts as suspicion.

    Example:
        >>> whole_level([1.0, 2.5, 3.0]).tolist()
        [1, 3, 3]
    """
    return np.asarray(np.floor(np.asarray(median, dtype=np.float64) + 0.5), dtype=np.int64)
