"""Group CT slices into stacks that could each be one volume, and choose one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from .errors import SeriesError
from .series_scan import SeriesScan
from .slice_facts import SliceFacts
from .slice_stack import SAME_PLACE_MM, PlaneName, plane_axes, plane_name, sort_slices, typical_step_mm

Choice: TypeAlias = Literal["thinnest"]

SAME_DIRECTION = 1e-3  # largest difference of two direction cosines of one orientation
SAME_SPACING = 1e-3  # largest relative difference of two pixel spacings of one grid
# What tells apart two passes over one place, tried in this order (a whole pass shares the value).
PASS_KEYWORDS = ("AcquisitionNumber", "TemporalPositionIndex", "AcquisitionTime", "ContentTime")


@dataclass(frozen=True)
class SeriesCandidate:
    """Slices of one series that share orientation and grid: what could be read as one volume.

    Attributes:
        key: what to pass as ``series=``: the SeriesInstanceUID, with ``#1``, ``#2``, ... where a series holds several.
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
        count = f"{self.slices} {self.plane} slice{'s' if self.slices > 1 else ''}"
        row_mm, column_mm = self.pixel_spacing_mm
        grid = f"{self.grid[1]} x {self.grid[0]} pixels of {column_mm:.4g} x {row_mm:.4g} mm"
        kernel = f", kernel {self.kernel}" if self.kernel else ""
        return f"{self.key}: {self.description or '(no description)'}, {count} {step}{thick}, {grid}{kernel}"


def group_slices(slices: Sequence[SliceFacts]) -> list[SeriesCandidate]:
    """Group slices by series, orientation, rows and columns, and pixel spacing.

    Where places repeat within such a group, it is split by the first of AcquisitionNumber, TemporalPositionIndex,
    AcquisitionTime and ContentTime whose parts have two or more places each, none of them repeated by another object.

    Returns:
        Candidates by series UID, in the order of their first files within a series.
    """
    stacks: dict[str, list[list[SliceFacts]]] = {}
    for group in _same_plane_groups(slices):
        stacks.setdefault(group[0].series_uid, []).extend(_split_passes(group))
    candidates = []
    for uid, groups in sorted(stacks.items()):
        keys = [uid] if len(groups) == 1 else [f"{uid}#{number}" for number in range(1, len(groups) + 1)]
        candidates += [_candidate(key, group) for key, group in zip(keys, groups, strict=True)]
    return candidates


def facts_of(candidate: SeriesCandidate) -> tuple[SliceFacts, ...]:
    """Return the slices of a candidate that came from DICOM files."""
    return candidate._facts


def choose_series(
    candidates: Sequence[SeriesCandidate], scan: SeriesScan, series: str | None, choose: Choice | None
) -> SeriesCandidate:
    """Choose the one candidate to read.

    ``thinnest`` is the axial one, of two or more places, with the smallest slice width (the larger of step and
    SliceThickness, to 0.01 mm); of equals the one with most slices, then the first by key. Kernels do not count.

    Args:
        candidates: what there is.
        scan: where they come from, for the message.
        series: a key, a SeriesInstanceUID, or the unique beginning of one.
        choose: a rule.

    Raises:
        SeriesError: none fits, or several do: the message lists them.
        ValueError: ``choose`` is no rule.
    """
    if choose not in (None, "thinnest"):
        raise ValueError(f"choose must be 'thinnest' or None, got {choose!r}")
    fitting = list(candidates) if series is None else _named(candidates, series)
    if not fitting:
        raise SeriesError(_none_fits(candidates, scan, series))
    if len(fitting) == 1:
        return fitting[0]
    if choose == "thinnest":
        axial = [candidate for candidate in fitting if candidate.plane == "axial" and candidate.step_mm is not None]
        if axial:
            return min(axial, key=lambda one: (round(one.slice_width_mm, 2), -one.slices, one.key))
        problem = "none of them is a stack of axial slices"
    else:
        problem = "pass series= with the beginning of one, or choose='thinnest'"
    raise SeriesError(f"{scan.source}: {len(fitting)} series could be read, {problem}:{_listed(fitting)}")


def _named(candidates: Sequence[SeriesCandidate], series: str) -> list[SeriesCandidate]:
    whole = [candidate for candidate in candidates if series in (candidate.key, candidate.series_uid)]
    return whole or [candidate for candidate in candidates if series and candidate.key.startswith(series)]


def _none_fits(candidates: Sequence[SeriesCandidate], scan: SeriesScan, series: str | None) -> str:
    reasons = "".join(f"\n  {step}" for step in scan.steps())
    if series is not None and candidates:
        return f"{scan.source}: no series begins with {series!r}; there are:{_listed(candidates)}{reasons}"
    return f"{scan.source}: no CT series found{':' if reasons else ''}{reasons}"


def _listed(candidates: Sequence[SeriesCandidate]) -> str:
    return "".join(f"\n  {candidate}" for candidate in candidates)


def _same_plane_groups(slices: Sequence[SliceFacts]) -> list[list[SliceFacts]]:
    """Group by series, grid, spacing and orientation; the last two to a tolerance."""
    exact: dict[tuple[object, ...], list[SliceFacts]] = {}
    for fact in slices:
        exact.setdefault((fact.series_uid, fact.grid, fact.pixel_spacing_mm, fact.orientation), []).append(fact)
    groups: list[list[SliceFacts]] = []
    for members in exact.values():  # few, as most slices of a series agree to the last digit
        alike = next((group for group in groups if _same_plane(group[0], members[0])), None)
        if alike is None:
            groups.append(list(members))
        else:
            alike.extend(members)
    return groups


def _same_plane(one: SliceFacts, two: SliceFacts) -> bool:
    return (
        one.series_uid == two.series_uid
        and one.grid == two.grid
        and np.allclose(one.pixel_spacing_mm, two.pixel_spacing_mm, rtol=SAME_SPACING, atol=0)
        and np.allclose(one.orientation, two.orientation, rtol=0, atol=SAME_DIRECTION)
    )


def _split_passes(group: list[SliceFacts]) -> list[list[SliceFacts]]:
    """Split slices that pass over one place several times into the passes, if a keyword tells them apart."""
    if not _repeats(group):
        return [group]
    for keyword in PASS_KEYWORDS:
        passes: dict[str, list[SliceFacts]] = {}
        for fact in group:
            passes.setdefault(fact.header.text(keyword), []).append(fact)
        if len(passes) > 1 and all(len(_places(part)) > 1 and not _repeats(part) for part in passes.values()):
            return list(passes.values())
    return [group]


def _repeats(group: Sequence[SliceFacts]) -> bool:
    """Whether two different objects, or two frames of one, lie at one place."""
    objects = {(fact.sop_uid, fact.frame): fact for fact in group}
    return len(_places(list(objects.values()))) < len(objects)


def _places(group: Sequence[SliceFacts]) -> set[tuple[int, ...]]:
    return {tuple(round(value / SAME_PLACE_MM) for value in fact.position_lps_mm) for fact in group}


def _candidate(key: str, group: list[SliceFacts]) -> SeriesCandidate:
    group = sorted(group, key=lambda fact: (fact.path, fact.frame))
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
