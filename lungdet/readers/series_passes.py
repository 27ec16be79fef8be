"""Tell apart several passes over one place, such as before and after contrast, that share a series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from .slice_facts import SliceFacts
from .slice_stack import SAME_PLACE_MM, plane_axes

Place: TypeAlias = tuple[int, ...]

# What tells apart two passes over one place, tried in this order (a whole pass shares the value).
PASS_KEYWORDS = ("AcquisitionNumber", "TemporalPositionIndex", "AcquisitionTime", "ContentTime")
SAME_PLACES_SHARE = 2 / 3  # of its own places each pass has in common with the others
SAME_RANGE_SHARE = 2 / 3  # of the range of all passes each of them covers
REPEATS_SHARE = 0.1  # of the slices of a pass may be sent twice


def split_passes(group: list[SliceFacts]) -> list[list[SliceFacts]]:
    """Split slices that pass over one place several times into the passes, if a keyword tells them apart.

    A value that changes every few slices, or from one end of the patient to the other, cuts a stack into pieces: the
    parts are passes only if each has most of its places in common with the others and covers most of the range.

    Args:
        group: slices of one series, orientation and grid.

    Returns:
        The passes; the whole group if nothing tells them apart.
    """
    places = [_place(fact) for fact in group]
    if _repeats(group, places) == 0:
        return [group]
    for keyword in PASS_KEYWORDS:
        parts: dict[str, list[int]] = {}
        for index, fact in enumerate(group):
            parts.setdefault(fact.header.text(keyword), []).append(index)
        if len(parts) > 1 and _are_passes(group, places, list(parts.values())):
            return [[group[index] for index in part] for part in parts.values()]
    return [group]


def _are_passes(group: Sequence[SliceFacts], places: Sequence[Place], parts: list[list[int]]) -> bool:
    sets = [{places[index] for index in part} for part in parts]
    counts: dict[Place, int] = {}
    for part in sets:
        for place in part:
            counts[place] = counts.get(place, 0) + 1
    heights = _heights_mm(group)
    whole = float(np.ptp(heights))
    return all(
        len(own) > 1
        and sum(counts[place] > 1 for place in own) > SAME_PLACES_SHARE * len(own)
        and float(np.ptp(heights[part])) > SAME_RANGE_SHARE * whole
        and _repeats([group[index] for index in part], [places[index] for index in part]) <= REPEATS_SHARE * len(part)
        for own, part in zip(sets, parts, strict=True)
    )


def _heights_mm(group: Sequence[SliceFacts]) -> np.ndarray:
    """Heights along the normal; along the body where the direction cosines are broken."""
    try:
        normal = plane_axes(group[0].orientation).normal
    except ValueError:
        normal = np.array([0.0, 0.0, 1.0])
    heights: np.ndarray = np.array([fact.position_lps_mm for fact in group]) @ normal
    return heights


def _repeats(group: Sequence[SliceFacts], places: Sequence[Place]) -> int:
    """Count the objects, or frames of one, that lie at a place where there is one already."""
    objects = {(fact.sop_uid, fact.frame): place for fact, place in zip(group, places, strict=True)}
    return len(objects) - len(set(objects.values()))


def _place(fact: SliceFacts) -> Place:
    return tuple(round(value / SAME_PLACE_MM) for value in fact.position_lps_mm)
