"""By how much the places of one scan lie off those of another, as most of them say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .match_places import match_places

LEAST_VOTES = 2  # one pair alone fits any offset


def constellation_offset(
    before_mm: NDArray[np.float64],
    after_mm: NDArray[np.float64],
    guess_mm: NDArray[np.float64],
    reach_mm: float = 30.0,
    close_mm: float = 6.0,
) -> tuple[NDArray[np.float64], int]:
    """Find the offset on which most pairs of places agree.

    Each pair within reach of the guess proposes its own offset; the one that brings most places together wins, of
    equals the one nearest to the guess, and the median of its pairs is the answer.

    Args:
        before_mm: ``(M, 3)`` places in one scan.
        after_mm: ``(N, 3)`` places in the other.
        guess_mm: ``(3,)`` the offset, after less before, as far as it is known.
        reach_mm: no answer is further from the guess, but for the median.
        close_mm: pairs that agree are not further apart after the offset.

    Returns:
        The offset, and how many pairs agree on it; the guess and 0 where fewer than two do.

    Example:
        >>> before = np.array([[0.0, 0, 0], [50, 0, 0], [0, 70, 0]])
        >>> offset, votes = constellation_offset(before, before + (3.0, 0, 12), np.zeros(3))
        >>> offset.tolist(), votes
        ([3.0, 0.0, 12.0], 3)
    """
    proposed = (after_mm[None, :, :] - before_mm[:, None, :]).reshape(-1, 3)
    way = np.linalg.norm(proposed - guess_mm, axis=1)
    best, votes = guess_mm, LEAST_VOTES - 1
    for index in np.argsort(way, kind="stable")[: np.count_nonzero(way <= reach_mm)]:
        pairs = match_places(before_mm + proposed[index], after_mm, close_mm)
        if len(pairs) > votes:
            best = np.median([after_mm[column] - before_mm[row] for row, column, _ in pairs], axis=0)
            votes = len(pairs)
    return best, votes if votes >= LEAST_VOTES else 0
