"""A line through scores of which some are wrong."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]

MOST_POINTS = 600  # the fit looks at all pairs; more points than this change nothing that matters


def robust_line(x: ArrayLike, y: ArrayLike) -> tuple[float, float]:
    """Fit Theil and Sen's line: the median of the slopes of all pairs, and the median of what is left.

    Up to 29 % of the points may be anywhere. Of more than :data:`MOST_POINTS` points an evenly spaced part is taken.

    Args:
        x: ``(N,)``, two or more different numbers.
        y: ``(N,)``.

    Returns:
        Slope, and the value at ``x = 0``.

    Raises:
        ValueError: the lengths differ, a number is not finite, or ``x`` has fewer than two different values.

    Example:
        >>> robust_line([0, 1, 2, 3, 4], [1, 3, 5, 70, 9])
        (2.0, 1.0)
    """
    from scipy.stats import theilslopes  # slow to import, and most of this room does without

    places, values = _checked(x, y)
    chosen = np.unique(np.linspace(0, len(places) - 1, min(len(places), MOST_POINTS)).round().astype(int))
    places, values = places[chosen], values[chosen]
    slope = float(theilslopes(values, places)[0])
    return slope, float(np.median(values - slope * places))


def rank_correlation(x: ArrayLike, y: ArrayLike) -> float:
    """Kendall's tau-b, -1 to 1; 0 where all ``x`` or all ``y`` are the same.

    Raises:
        ValueError: as for :func:`robust_line`.

    Example:
        >>> round(rank_correlation([1, 2, 3, 4], [1, 2, 4, 3]), 3)  # five pairs agree, one does not
        0.667
    """
    from scipy.stats import kendalltau  # as above

    tau = float(kendalltau(*_checked(x, y)).statistic)
    return 0.0 if np.isnan(tau) else tau


def explained_variance(y: ArrayLike, fitted: ArrayLike) -> float:
    """R squared of fitted values, at most 1; 0 where ``y`` is constant. It is below 0 for a fit worse than the mean.

    Example:
        >>> explained_variance([0, 1, 2, 3], [0, 1, 2, 2])
        0.8
    """
    values = np.asarray(y, np.float64)
    total = float(((values - values.mean()) ** 2).sum())
    return 1 - float(((values - np.asarray(fitted, np.float64)) ** 2).sum()) / total if total > 0 else 0.0


def median_spread(values: ArrayLike) -> float:
    """Standard deviation as the median tells it: 1.4826 times the median distance from the median; 0 for nothing.

    Example:
        >>> median_spread([1.0, 2.0, 3.0, 4.0, 1000.0])
        1.4826
    """
    numbers = np.asarray(values, np.float64)
    return 1.4826 * float(np.median(np.abs(numbers - np.median(numbers)))) if numbers.size else 0.0


def _checked(x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    places, values = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if places.shape != values.shape or places.ndim != 1:
        raise ValueError(f"x and y must be two lists of one length, got shapes {places.shape} and {values.shape}")
    if not (np.isfinite(places).all() and np.isfinite(values).all()):
        raise ValueError("x and y must be finite numbers; a score that is none comes from a network that went wrong")
    if len(np.unique(places)) < 2:
        raise ValueError(f"a line needs two different x, got {len(places)} points of {len(np.unique(places))}")
    return places, values
