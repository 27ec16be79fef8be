"""Find the rest of a stack among the other candidates of its series.

A series whose last slices differ from the others, in grid, spacing, orientation or frame of reference, falls into
several candidates; to read one of them is to read a part of the patient.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .series_candidate import SeriesCandidate, facts_of
from .slice_stack import SAME_PLACE_MM, PlaneAxes, plane_axes

OTHER_PASS_SHARE = 0.5  # of the shorter range: parts that overlap by more show one part of the body twice
REACH_STEPS, LEAST_REACH_MM = 5.0, 20.0  # a part that begins farther off is another station, such as head and chest
PARALLEL = 0.9  # cosine
UNSHOWN = 1.2  # a step above this many thicknesses leaves room for slices between the slices


def continuing_parts(chosen: SeriesCandidate, candidates: Sequence[SeriesCandidate]) -> list[SeriesCandidate]:
    """Return the other candidates of the same series that go on where ``chosen`` ends, or fill the room in between.

    Args:
        chosen: what is to be read.
        candidates: all there are.
    """
    try:
        axes = plane_axes(facts_of(chosen)[0].orientation)
    except (IndexError, ValueError):  # no DICOM, or broken cosines, which are refused later
        return []
    heights = _heights_mm(chosen, axes)
    return [
        other
        for other in candidates
        if other is not chosen and other.series_uid == chosen.series_uid and _continues(chosen, heights, other, axes)
    ]


def differences(one: SeriesCandidate, two: SeriesCandidate) -> str:
    """Say in what the slices of two candidates of one series differ.

    Example:
        ``"PixelSpacing, FrameOfReferenceUID"``
    """
    first, second = facts_of(one)[0], facts_of(two)[0]
    words = [
        name
        for name, own, other in (
            ("PatientID", first.header.text("PatientID"), second.header.text("PatientID")),
            ("StudyInstanceUID", first.header.text("StudyInstanceUID"), second.header.text("StudyInstanceUID")),
            ("FrameOfReferenceUID", *(fact.header.text("FrameOfReferenceUID") for fact in (first, second))),
            ("Rows and Columns", first.grid, second.grid),
            ("PixelSpacing", first.pixel_spacing_mm, second.pixel_spacing_mm),
            ("ImageOrientationPatient", first.orientation, second.orientation),
        )
        if own != other
    ]
    return ", ".join(words) or "the time or number of the acquisition"


def _heights_mm(candidate: SeriesCandidate, axes: PlaneAxes) -> NDArray[np.float64]:
    heights: NDArray[np.float64] = np.unique(
        np.array([fact.position_lps_mm for fact in facts_of(candidate)]) @ axes.normal
    )
    return heights


def _continues(chosen: SeriesCandidate, heights: NDArray[np.float64], other: SeriesCandidate, axes: PlaneAxes) -> bool:
    theirs = _heights_mm(other, axes)
    step_mm = chosen.step_mm or chosen.thickness_mm or 0.0
    if not _is_parallel(other, axes) and np.ptp(theirs) <= max(step_mm / 2, SAME_PLACE_MM):
        return False  # a reformat across the stack: its slices begin at one height
    overlap = min(heights[-1], theirs[-1]) - max(heights[0], theirs[0])
    shorter = min(np.ptp(heights), np.ptp(theirs))
    if overlap >= 0 and (overlap > OTHER_PASS_SHARE * shorter or shorter == 0):
        return _fills_room(chosen, heights, theirs)
    return bool(overlap >= -max(LEAST_REACH_MM, REACH_STEPS * step_mm))


def _fills_room(chosen: SeriesCandidate, heights: NDArray[np.float64], theirs: NDArray[np.float64]) -> bool:
    """Whether slices lie well between those of ``chosen``, which leaves parts of the body unshown or has gaps."""
    if len(heights) < 2 or chosen.step_mm is None:
        return False
    steps = np.diff(heights)
    inner = theirs[(theirs > heights[0]) & (theirs < heights[-1])]
    after = np.clip(np.searchsorted(heights, inner), 1, len(heights) - 1)
    off = np.minimum(inner - heights[after - 1], heights[after] - inner)
    roomy = steps[after - 1] > UNSHOWN * max(chosen.thickness_mm or 0.0, SAME_PLACE_MM)
    return bool((roomy & (off > 0.25 * chosen.step_mm)).any())


def _is_parallel(other: SeriesCandidate, axes: PlaneAxes) -> bool:
    try:
        return bool(abs(plane_axes(facts_of(other)[0].orientation).normal @ axes.normal) > PARALLEL)
    except ValueError:
        return False
