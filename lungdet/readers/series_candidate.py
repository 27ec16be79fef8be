"""What could be read as one volume: slices of one series that belong together."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lungdet.counted import counted

from .slice_facts import SliceFacts
from .slice_stack import SAME_PLACE_MM, PlaneName, plane_axes, plane_name, sort_slices, typical_step_mm

KEY_SEPARATOR = "/"  # has no meaning in settings of MONAI and in a shell, unlike "#", "@", "$", "%", "::"
NO_UID = "no-uid"
VALID_UID = re.compile(r"[0-9.]{1,64}")


@dataclass(frozen=True)
class SeriesCandidate:
    """Slices of one series that share orientation and grid: what could be read as one volume.

    Attributes:
        key: what to pass as ``series=``: the SeriesInstanceUID, with ``/1``, ``/2``, ... where a series holds several.
        series_uid: SeriesInstanceUID; empty where the format has none.
        description: SeriesDescription.
        kernel: ConvolutionKernel.
        plane: axial, coronal, sagittal or oblique.
        slices: number of slices, or of frames.
        grid: rows and columns.
        pixel_spacing_mm: distance of rows, distance of columns.
        step_mm: typical distance of neighbouring slices along the normal; None for a single place.
        thickness_mm: SliceThickness; None if absent.
        files: the files, by path.
    """

    key: str
    series_uid: str
    description: str
    kernel: str
    plane: PlaneName
    slices: int
    grid: tuple[int, int]
    pixel_spacing_mm: tuple[float, float]
    step_mm: float | None
    thickness_mm: float | None
    files: tuple[Path, ...]
    _facts: tuple[SliceFacts, ...] = field(default=(), repr=False, compare=False)

    @property
    def slice_width_mm(self) -> float:
        """How much of the body a slice stands for: the larger of step and thickness; infinite for a single place."""
        return float("inf") if self.step_mm is None else max(self.step_mm, self.thickness_mm or 0.0)

    def __str__(self) -> str:
        step = "no step" if self.step_mm is None else f"every {self.step_mm:.4g} mm"
        thick = "" if self.thickness_mm is None else f", {self.thickness_mm:.4g} mm thick"
        count = counted(self.slices, f"{self.plane} slice")
        row_mm, column_mm = self.pixel_spacing_mm
        grid = f"{self.grid[1]} x {self.grid[0]} pixels of {column_mm:.4g} x {row_mm:.4g} mm"
        kernel = f", kernel {self.kernel}" if self.kernel else ""
        return f"{self.key}: {self.description or '(no description)'}, {count} {step}{thick}, {grid}{kernel}"


def facts_of(candidate: SeriesCandidate) -> tuple[SliceFacts, ...]:
    """Return the slices of a candidate that came from DICOM files."""
    return candidate._facts


def is_uid(text: str) -> bool:
    """Whether a UID is written as one: digits and dots, 64 at most (PS3.5 9.1).

    Example:
        >>> is_uid("1.2.840.10008"), is_uid("$import"), is_uid("")
        (True, False, False)
    """
    return VALID_UID.fullmatch(text) is not None


def key_of(series_uid: str) -> str:
    """Return what names a series on a command line and in settings, where some characters have a meaning.

    Example:
        >>> key_of("1.2.3"), key_of("$__import__('os')#1"), key_of("")
        ('1.2.3', '___import____os___1', 'no-uid')
    """
    return series_uid if is_uid(series_uid) else re.sub(r"[^0-9A-Za-z.-]", "_", series_uid)[:64] or NO_UID


def candidate_of(key: str, slices: Sequence[SliceFacts]) -> SeriesCandidate:
    """Describe slices that share series, orientation and grid.

    Args:
        key: their name.
        slices: one or more.
    """
    group = sorted(slices, key=lambda fact: (fact.path, fact.frame))
    first = group[0]
    return SeriesCandidate(
        key=key,
        series_uid=first.series_uid,
        description=first.header.text("SeriesDescription"),
        kernel=first.header.text("ConvolutionKernel"),
        plane=_or_oblique(lambda: plane_name(plane_axes(first.orientation))),
        slices=len(group),
        grid=first.grid,
        pixel_spacing_mm=(first.pixel_spacing_mm[0], first.pixel_spacing_mm[1]),
        step_mm=_step_mm(group),
        thickness_mm=first.thickness_mm,
        files=tuple(dict.fromkeys(fact.path for fact in group)),
        _facts=tuple(group),
    )


def _or_oblique(name: Callable[[], PlaneName]) -> PlaneName:
    try:
        return name()
    except ValueError:  # broken direction cosines: refused when the series is read
        return "oblique"


def _step_mm(group: Sequence[SliceFacts]) -> float | None:
    """Typical distance of neighbours, repeated places counted once."""
    try:
        axes = plane_axes(group[0].orientation)
    except ValueError:
        return None
    stack = sort_slices(np.array([fact.position_lps_mm for fact in group]), axes)
    places = [0]
    for place in range(1, len(stack)):
        if stack.heights_mm[place] - stack.heights_mm[places[-1]] > SAME_PLACE_MM:
            places.append(place)
    return typical_step_mm(stack.keep(places)) if len(places) > 1 else None
