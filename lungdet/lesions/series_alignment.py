"""Shift a series' lesions to those of other series: arms or a table in the body mask move x and y of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lungdet.records.measured_lesion import UNKNOWN_TYPE, MeasuredLesion

FloatArray = NDArray[np.float64]
LEAST_LESIONS = 2  # of a series must agree on a shift: one alone may be another lesion
NEAR = 0.03  # places of one lesion agree after the shift, in x and y together
SAME_HEIGHT = 0.03  # z does not depend on the body mask
SAME_SIZE = 0.7  # difference of the logarithms of the long diameters: a factor of two
FARTHEST = 0.25  # along x and along y


def align_series(lesions: Sequence[MeasuredLesion]) -> list[MeasuredLesion]:
    """Shift x and y of whole series so that their lesions fit those of the series before.

    Every lesion of a series votes for the shifts that would bring it upon a lesion of an earlier series that could be
    the same one by height, size and type; marks at one place share a vote. A series takes the shift with most votes, if
    two lesions or more vote for it and more of them than for no shift; the smallest of equal ones. The first series is
    where the others are shifted to.

    Args:
        lesions: of one patient, in the order of studies and series; those without a location stay as they are.

    Returns:
        The lesions in their order, some with another x and y. Only comparisons should use them.

    Example:
        >>> places = [(1, 0.2, 0.3), (1, 0.6, 0.5), (2, 0.3, 0.3), (2, 0.7, 0.5)]
        >>> marks = [MeasuredLesion(f"{s} {x}", "p", s, 1, "lung", 9.0, None, (x, 0.5, z)) for s, x, z in places]
        >>> [round(mark.location[0], 3) for mark in align_series(marks)]
        [0.2, 0.6, 0.2, 0.6]
    """
    found = list(lesions)
    series: dict[tuple[int, int], list[int]] = {}
    for row, lesion in enumerate(lesions):
        if lesion.location is not None:
            series.setdefault((lesion.study, lesion.series), []).append(row)
    before: list[int] = []
    for rows in series.values():
        if before and len(rows) >= LEAST_LESIONS:
            shift = _best_shift([found[row] for row in rows], [found[row] for row in before])
            for row in rows:
                found[row] = _shifted(found[row], shift)
        before += rows
    return found


def _best_shift(moving: Sequence[MeasuredLesion], fixed: Sequence[MeasuredLesion]) -> FloatArray:
    """Shift ``(2,)`` of x and y with most votes; zeros if none has enough."""
    voters, partners = np.nonzero(_could_be_same(moving, fixed))
    offsets = _places(fixed)[partners, :2] - _places(moving)[voters, :2]  # (P, 2)
    shares = _shares(_places(moving))
    candidates = np.concatenate([np.zeros((1, 2)), _different(offsets)])
    votes = np.array([_votes(offsets, voters, shares, candidate) for candidate in candidates]).round(6)
    best = int(np.lexsort((np.linalg.norm(candidates, axis=1), -votes))[0])
    if votes[best] < LEAST_LESIONS or votes[best] <= votes[0]:
        return np.zeros(2)
    middle: FloatArray = np.median(offsets[_near(offsets, candidates[best])], axis=0)
    return middle


def _different(offsets: FloatArray) -> FloatArray:
    """Shifts ``(C, 2)`` worth trying: not too far, and one for each cell of a grid, so many lesions have no more."""
    offsets = offsets[(np.abs(offsets) <= FARTHEST).all(axis=1)]
    _, first = np.unique(np.round(offsets / (NEAR / 4)), axis=0, return_index=True)
    return offsets[np.sort(first)]


def _near(offsets: FloatArray, shift: FloatArray) -> NDArray[np.bool_]:
    near: NDArray[np.bool_] = np.linalg.norm(offsets - shift, axis=1) <= NEAR
    return near


def _votes(offsets: FloatArray, voters: NDArray[np.intp], shares: FloatArray, shift: FloatArray) -> float:
    """Add the shares of the lesions that a shift brings upon another."""
    return float(shares[np.unique(voters[_near(offsets, shift)])].sum())


def _shares(places: FloatArray) -> FloatArray:
    """Part of a vote that each of ``(M, 3)`` places has: one over the number of marks at that place."""
    gaps = np.abs(places[:, None] - places[None])
    at_one_place = (np.hypot(gaps[..., 0], gaps[..., 1]) <= NEAR) & (gaps[..., 2] <= SAME_HEIGHT)
    shares: FloatArray = 1.0 / at_one_place.sum(axis=1)
    return shares


def _could_be_same(moving: Sequence[MeasuredLesion], fixed: Sequence[MeasuredLesion]) -> NDArray[np.bool_]:
    """``(M, F)``: whether height, size and type allow that two lesions are the same."""
    heights = np.abs(_places(moving)[:, None, 2] - _places(fixed)[None, :, 2])
    sizes = np.abs(_log_sizes(moving)[:, None] - _log_sizes(fixed)[None])
    types = np.array([[_types_fit(one, other) for other in fixed] for one in moving], dtype=np.bool_)
    could_be: NDArray[np.bool_] = (heights <= SAME_HEIGHT) & (sizes <= SAME_SIZE) & types
    return could_be


def _types_fit(one: MeasuredLesion, other: MeasuredLesion) -> bool:
    return one.lesion_type == other.lesion_type or UNKNOWN_TYPE in (one.lesion_type, other.lesion_type)


def _places(lesions: Sequence[MeasuredLesion]) -> FloatArray:
    return np.array([lesion.location for lesion in lesions], dtype=np.float64).reshape(-1, 3)


def _log_sizes(lesions: Sequence[MeasuredLesion]) -> FloatArray:
    sizes: FloatArray = np.log([max(lesion.long_mm, 1.0) for lesion in lesions])
    return sizes


def _shifted(lesion: MeasuredLesion, shift: FloatArray) -> MeasuredLesion:
    if lesion.location is None or not shift.any():
        return lesion
    x, y, z = lesion.location
    return replace(lesion, location=(x + float(shift[0]), y + float(shift[1]), z))
