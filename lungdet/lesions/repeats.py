"""Marks of one study that are one lesion: drawn on two slices, or in two series."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from lungdet.records.measured_lesion import MeasuredLesion

from .lesion_distance import LEAST_MM

NEIGHBOUR_MM = 5.0  # two marks on neighbouring thick slices are not told apart by the distance of the slices

SURER, AGREEMENT, MOST_RATIO = 1.5, 0.2, 2.0


def group_repeats(
    lesions: Sequence[MeasuredLesion], distances: NDArray[np.float64], threshold: float
) -> list[tuple[int, ...]]:
    """Put marks together that are one lesion in one study.

    In one series positions tell: see :func:`overlap_in_series`. Between series they do not, and marks are one lesion
    if their distance is not above the threshold and their diameters differ by a factor of two at most, or not above one
    and a half of it and they agree to 20 %: one lesion in one study has one size, but for reader and slice. The closest
    are joined first, and a group takes a mark only if it is the same lesion as all of its marks, so that a row of
    neighbours does not become one.

    Args:
        lesions: ``N`` marks of one patient.
        distances: ``(N, N)`` between them, by what a second mark of one lesion shares: its place, not its size.
        threshold: for marks of different series; 0 groups nothing, in one series neither.

    Returns:
        Every row once, rows of a group in rising order, groups in the order of their first.
    """
    groups: list[tuple[int, ...]] = [(row,) for row in range(len(lesions))]
    if threshold <= 0:
        return groups
    pairs = [
        (float(distances[a, b]), a, b)
        for a, b in combinations(range(len(lesions)), 2)
        if lesions[a].study == lesions[b].study and _same(lesions[a], lesions[b], distances[a, b], threshold)
    ]
    same = {(a, b) for _, a, b in pairs}
    home = {row: group for group in groups for row in group}
    for _, a, b in sorted(pairs):
        if home[a] is home[b] or not all(tuple(sorted(pair)) in same for pair in product(home[a], home[b])):
            continue
        joined = tuple(sorted(home[a] + home[b]))
        home.update(dict.fromkeys(joined, joined))
    return sorted(set(home.values()))


def overlap_in_series(first: MeasuredLesion, second: MeasuredLesion) -> bool | None:
    """Tell whether two marks of one series can be cuts of one lesion; None if their places are not known.

    They can if their middles are no farther apart than the radius of the smaller one, in the slice and across; across,
    neighbouring slices of 5 mm always are.

    Example:
        >>> a = MeasuredLesion("a", "p", 1, 1, "lung", 12.0, 8.0, center_mm=(0.0, 0.0, 0.0))
        >>> b = MeasuredLesion("b", "p", 1, 1, "lung", 10.0, 8.0, center_mm=(3.0, 0.0, 5.0))
        >>> c = MeasuredLesion("c", "p", 1, 1, "lung", 10.0, 8.0, center_mm=(9.0, 0.0, 0.0))
        >>> overlap_in_series(a, b), overlap_in_series(a, c)
        (True, False)
    """
    if first.center_mm is None or second.center_mm is None:
        return None
    dx, dy, dz = (p - q for p, q in zip(first.center_mm, second.center_mm, strict=True))
    radius = min(first.mean_mm, second.mean_mm) / 2
    return math.hypot(dx, dy) <= radius and abs(dz) <= max(radius, NEIGHBOUR_MM)


def _same(first: MeasuredLesion, second: MeasuredLesion, distance: float, threshold: float) -> bool:
    in_one = overlap_in_series(first, second) if first.series == second.series else None
    if in_one is not None:
        return in_one
    ratio = _ratio(first, second)
    limit = SURER * threshold if ratio <= 1 + AGREEMENT else threshold
    return ratio <= MOST_RATIO and distance <= limit


def _ratio(first: MeasuredLesion, second: MeasuredLesion) -> float:
    """Say by what factor the diameters that both have differ, the larger of the two factors."""
    sizes = [(first.long_mm, second.long_mm)]
    if first.short_mm is not None and second.short_mm is not None:
        sizes.append((first.short_mm, second.short_mm))
    return max(max(*pair, LEAST_MM) / max(min(pair), LEAST_MM) for pair in sizes)
