"""Put into words what is wrong with the order of a scan's slices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from lungdet.counted import counted
from lungdet.records.scan_score import ScoreFlag, ScoreLine

from .score_scale import ScoreScale
from .slice_order import MOST_WINDOW, backward_runs, gaps_in_positions, gaps_in_scores, slices_from_elsewhere

Array: TypeAlias = NDArray[np.float64]

UPSIDE_DOWN_TAU, LEAST_TAU = -0.4, 0.5  # chance gives 0.15 or so
ORDER_MM, RATE_MM, RATE_FACTOR = 100.0, 200.0, 2.0


def flags_of_line(line: ScoreLine, extent_mm: float, scale: ScoreScale) -> list[ScoreFlag]:
    """Judge the whole: which way it runs, whether it has an order, and how fast it goes.

    Args:
        line: through the scores.
        extent_mm: from the first slice to the last. Short scans are judged by their direction alone: there the score
            rises little.
        scale: what is usual.
    """
    if line.tau <= UPSIDE_DOWN_TAU:
        what = f"the score falls towards the feet (tau {line.tau:.2f}): the scan is upside down, or its positions are"
        flags = [ScoreFlag("upside_down", what)]
    elif line.tau < LEAST_TAU and extent_mm >= ORDER_MM:
        what = f"the score does not follow the positions (tau {line.tau:.2f}): slices are mixed up, or this is no trunk"
        return [ScoreFlag("no_order", what)]
    else:
        flags = []
    low, typical, high = scale.rate_per_mm
    rate = abs(line.rate_per_mm)
    if extent_mm >= RATE_MM and not low / RATE_FACTOR <= rate <= high * RATE_FACTOR:
        pace = f"the score changes {rate / typical:.1f} times as fast as in a body: is the distance of slices right?"
        flags.append(ScoreFlag("spacing", pace))
    return flags


def flags_of_order(way_mm: Array, score_mm: Array, rows: NDArray[np.intp]) -> list[ScoreFlag]:
    """Name gaps, runs that go backwards, and slices of elsewhere.

    Args:
        way_mm: ``(N,)`` way to the feet; it rises.
        score_mm: ``(N,)`` scores in mm along the body.
        rows: ``(N,)`` rows of the table that these slices are.
    """
    flags = []
    steps = np.diff(way_mm)
    for row in gaps_in_positions(way_mm):
        what = f"{steps[row - 1]:.1f} mm between two slices, where {np.median(steps):.1f} mm are usual: slices missing?"
        flags.append(ScoreFlag("gap", what, _named(rows, (row - 1, row))))
    runs = backward_runs(way_mm, score_mm)
    for first, last in runs:
        what = f"{counted(last - first + 1, 'slice')} over {way_mm[last] - way_mm[first]:.0f} mm run backwards"
        flags.append(ScoreFlag("reversed", what, _named(rows, range(first, last + 1))))
    inside = {row for first, last in runs for row in range(first - MOST_WINDOW, last + MOST_WINDOW + 1)}
    foreign = [row for row in slices_from_elsewhere(way_mm, score_mm) if row not in inside]
    if foreign:
        what = f"{len(foreign)} of {len(rows)} slices do not fit among the others: of another place, or another scan"
        flags.append(ScoreFlag("foreign", what, _named(rows, foreign)))
    kept = np.array([row for row in range(len(rows)) if row not in set(foreign)], dtype=int)
    for place, missing_mm in gaps_in_scores(way_mm[kept], score_mm[kept]):
        behind = int(kept[place])
        if not inside & {behind - 1, behind}:
            what = f"about {missing_mm:.0f} mm of the body are missing between two slices, though positions go on"
            flags.append(ScoreFlag("gap", what, _named(rows, (int(kept[place - 1]), behind))))
    return flags


def _named(rows: NDArray[np.intp], which: Iterable[int]) -> tuple[int, ...]:
    return tuple(int(rows[row]) for row in which)
