"""Which places of one scan are those of another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist


def match_places(
    before_mm: NDArray[np.float64], after_mm: NDArray[np.float64], limit_mm: float
) -> list[tuple[int, int, float]]:
    """Pair places one to one, so that the ways of the pairs and half the limit for each place left over sum to least.

    A place alone is paired with one just within the limit; a pair that fits is not torn to make two that do not.

    Args:
        before_mm: ``(M, 3)`` places in one scan.
        after_mm: ``(N, 3)`` places in the other, in the same frame.
        limit_mm: no pair is further apart.

    Returns:
        ``(row before, row after, distance in mm)``, by the row after.

    Raises:
        ValueError: an array is no list of places.

    Example:
        >>> before, after = np.array([[0.0, 0, 0], [50, 0, 0]]), np.array([[51.0, 0, 0], [200, 0, 0]])
        >>> match_places(before, after, limit_mm=10.0)
        [(1, 0, 1.0)]
    """
    for name, places in (("before_mm", before_mm), ("after_mm", after_mm)):
        if places.ndim != 2 or places.shape[1] != 3:
            raise ValueError(f"{name} must be (N, 3), got {places.shape}")
    if not len(before_mm) or not len(after_mm):
        return []
    distances = cdist(before_mm, after_mm)
    near = distances <= limit_mm
    gain = np.where(near, limit_mm - distances, 0.0)  # what a pair saves, with half the limit for each place alone
    rows, columns = linear_sum_assignment(gain, maximize=True)
    pairs = [(int(r), int(c), float(distances[r, c])) for r, c in zip(rows, columns, strict=True) if near[r, c]]
    return sorted(pairs, key=lambda pair: pair[1])
