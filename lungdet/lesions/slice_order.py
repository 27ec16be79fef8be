"""Where the scores of a scan's slices break with their order: gaps, slices that run backwards, slices of elsewhere.

All functions take slices from the head to the feet, and scores in millimetres along the body: what the score rises
from one slice to the next divided by what it rises per mm in this scan. In a whole and sound scan that grows as the way
to the feet does, but for the network's error.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .robust_line import median_spread, rank_correlation, robust_line

Array: TypeAlias = NDArray[np.float64]

SIGMAS = 6.0  # beyond this no network's error leads
WINDOW_MM = 25.0  # how much of the body is looked at on either side of a place
LEAST_WINDOW, MOST_WINDOW = 3, 12  # slices
GAP_STEPS, GAP_MM, GAP_SIGMAS = 1.5, 40.0, 4.5  # medians scatter less, and have no tails
LASTING_MM, LASTING_PART = 150.0, 0.5  # a gap moves all that follows, a network's error does not
FOREIGN_NEAR_MM, FOREIGN_FAR_MM = 50.0, 150.0
BACKWARDS_MM, BACKWARDS_SLICES, BACKWARDS_TAU = 60.0, 6, -0.6
BACKWARDS_PACE = (-2.0, -0.4)  # of a run of slices that is turned round it is -1
BACKWARDS_JUMP = 0.4  # of the run's length: so far at least the body jumps between two slices, at either end of it


def gaps_in_positions(way_mm: Array) -> list[int]:
    """Find steps that are much longer than the typical one.

    Args:
        way_mm: ``(N,)`` way towards the feet; it rises.

    Returns:
        Rows before which slices are missing.

    Example:
        >>> gaps_in_positions(np.array([0.0, 5.0, 10.0, 25.0, 30.0]))
        [3]
    """
    steps = np.diff(way_mm)
    return [] if len(steps) < 2 else [int(row) + 1 for row in np.flatnonzero(steps > GAP_STEPS * np.median(steps))]


def gaps_in_scores(way_mm: Array, score_mm: Array) -> list[tuple[int, float]]:
    """Find places at which the body jumps on and the positions do not: slices were lost and the rest renumbered.

    The median of the slices behind a place is compared with that of those before it, so that one wrong slice is no gap.

    Returns:
        Row behind each jump, and how many mm of the body are missing there.
    """
    size = _window(way_mm)
    if len(way_mm) < 2 * size + 1:
        return []
    rise, way = _across(score_mm, size), _across(way_mm, size)
    pace = float(np.median(rise / way))  # of most places: that of the line through all has the gaps in it
    jump = rise / pace - way if pace > 0 else rise - way  # of row n + size
    limit = max(GAP_MM, GAP_SIGMAS * median_spread(jump))
    rest = score_mm / pace - way_mm if pace > 0 else score_mm - way_mm
    found = [(row + size, float(jump[row])) for row in _peaks(jump, limit, size)]
    return [(row, mm) for row, mm in found if _lasting_rise(way_mm, rest, row) >= LASTING_PART * mm]


def slices_from_elsewhere(way_mm: Array, score_mm: Array) -> list[int]:
    """Find slices that fit neither their neighbours nor, by a wider margin, the line through all.

    Args:
        way_mm: ``(N,)``.
        score_mm: ``(N,)``; its middle must be that of ``way_mm``: the line through all is ``score_mm = way_mm``.
    """
    rest = score_mm - way_mm
    size = min(2 * _window(way_mm) + 1, len(rest))
    medians = _running_median(rest, size)
    first = np.clip(np.arange(len(rest)) - size // 2, 0, len(medians) - 1)  # at the ends the nearest window
    off = rest - medians[first]
    near = np.abs(off) > max(FOREIGN_NEAR_MM, SIGMAS * median_spread(off))
    far = np.abs(rest) > max(FOREIGN_FAR_MM, SIGMAS * median_spread(rest))
    return [int(row) for row in np.flatnonzero(near | far)]


def backward_runs(way_mm: Array, score_mm: Array) -> list[tuple[int, int]]:
    """Find runs of slices that are turned round: the score falls in them as fast as it rises elsewhere.

    Where a network errs over some slices, the score may fall, too; but then it does not jump at both ends of the run.

    Returns:
        First and last row of each run.
    """
    size = max(BACKWARDS_SLICES, _window(way_mm, BACKWARDS_MM, most=10**6))
    inside = np.zeros(len(way_mm), bool)
    for start in range(len(way_mm) - size + 1):
        part = slice(start, start + size)
        fall = np.median(score_mm[part][: size // 3]) - np.median(score_mm[part][-(size // 3) :])
        if fall > 0 and rank_correlation(way_mm[part], score_mm[part]) <= BACKWARDS_TAU:
            inside[part] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(np.int8), [0]])))
    runs = [(int(first), int(end) - 1) for first, end in zip(edges[::2], edges[1::2], strict=True)]
    return [run for run in runs if _is_turned(way_mm, score_mm, *run)]


def _is_turned(way_mm: Array, score_mm: Array, first: int, last: int) -> bool:
    """Tell a run that is turned round from one in which the score falls for another reason."""
    length_mm = float(way_mm[last] - way_mm[first])
    pace, _ = robust_line(way_mm[first : last + 1], score_mm[first : last + 1])
    return (
        length_mm >= BACKWARDS_MM - 0.1
        and BACKWARDS_PACE[0] <= pace <= BACKWARDS_PACE[1]
        and all(_jumps_near(score_mm, end, BACKWARDS_JUMP * length_mm) for end in (first, last))
    )


def _jumps_near(score_mm: Array, row: int, least_mm: float) -> bool:
    """Tell whether the score jumps within a window of a row; at an end of the scan there is nothing to jump from."""
    near = score_mm[max(row - MOST_WINDOW, 0) : row + MOST_WINDOW + 1]
    at_an_end = row < LEAST_WINDOW or row >= len(score_mm) - LEAST_WINDOW
    return at_an_end or float(np.diff(near).max()) >= least_mm


def _lasting_rise(way_mm: Array, rest_mm: Array, row: int) -> float:
    """How much more is left after a place than before it, over a wider piece of the body on either side."""
    away = way_mm - (way_mm[row] + way_mm[row - 1]) / 2
    before, behind = ((side > 0) & (side <= LASTING_MM) for side in (-away, away))
    return float(np.median(rest_mm[behind]) - np.median(rest_mm[before]))


def _window(way_mm: Array, length_mm: float = WINDOW_MM, most: int = MOST_WINDOW) -> int:
    """How many slices make up a length."""
    step = float(np.median(np.diff(way_mm))) if len(way_mm) > 1 else length_mm
    return int(np.clip(round(length_mm / step), LEAST_WINDOW, most))


def _across(values: Array, size: int) -> Array:
    """What the values rise by over each place, from the median of the slices before to that of those behind."""
    medians = _running_median(values, size)
    rise: Array = medians[size:] - medians[:-size]
    return rise


def _running_median(values: Array, size: int) -> Array:
    return np.median(np.lib.stride_tricks.sliding_window_view(values, size), axis=1)


def _peaks(values: Array, limit: float, apart: int) -> list[int]:
    """Rows of the highest values above a limit, none within ``apart`` of a higher one, in their order."""
    left, found = values.copy(), []
    while left.size and left.max() > limit:
        row = int(left.argmax())
        found.append(row)
        left[max(row - apart, 0) : row + apart + 1] = -np.inf
    return sorted(found)
