"""Read a FROC curve at the nearest operating point, the way a simplified CPM in circulation since 2025 does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]


def read_nearest_corner(false: Whole, hits: Whole, limits: NDArray[np.float64], all_false: int) -> Whole:
    """Hits at the corner of the curve that is nearest to each limit.

    It follows the published code to the digit, so that figures can be compared. The curve is first thinned to the
    points where its step changes, as scikit-learn's ``roc_curve`` does. Of corners that are as near the first counts:
    the one with fewer false positives, and of these the one with fewer hits. Where no corner is nearer than the whole
    curve is long nothing counts as found, so a detector without false positives scores 0.

    Args:
        false: ``(T + 1,)`` false positives from threshold to threshold, from 0; it may end where they are more than
            twice the highest limit.
        hits: ``(T + 1,)`` likewise.
        limits: ``(R,)`` false positives at which to read.
        all_false: false positives at the last threshold.

    Returns:
        ``(R,)`` hits.

    Example:
        >>> read_nearest_corner(np.array([0, 0, 1, 2, 2]), np.array([0, 1, 1, 1, 2]), np.array([0.9, 1.1]), 2)
        array([0, 1])
    """
    moved = (np.diff(false) > 0) | (np.diff(hits) > 0)  # a resampling may lack the marks of a threshold
    x, y = false[1:][moved], hits[1:][moved]
    if len(x) > 2:
        bends = (np.diff(x, 2) != 0) | (np.diff(y, 2) != 0)
        corners = np.concatenate([[True], bends, [True]])
        x, y = x[corners], y[corners]
    x, y = np.concatenate([[0], x]), np.concatenate([[0], y])
    below = np.searchsorted(x, limits, side="right") - 1
    after = np.minimum(below + 1, len(x) - 1)
    nearest = x[np.where((x[after] > limits) & (x[after] - limits < limits - x[below]), after, below)]
    first = np.searchsorted(x, nearest, side="left")
    return np.asarray(np.where(np.abs(nearest - limits) < all_false, y[first], 0))
