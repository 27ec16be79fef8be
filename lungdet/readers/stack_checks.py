"""Decide whether the slices of a series make a volume, and say clearly why not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from lungdet.counted import counted

from .errors import DicomFileError, SeriesError
from .plain_text import printable
from .read_options import ReadOptions, allow
from .series_candidate import SeriesCandidate, facts_of
from .series_scan import SeriesScan, name_files
from .slice_facts import SliceFacts
from .slice_stack import (
    FloatArray,
    Lattice,
    Lean,
    SliceStack,
    even_lattice,
    has_few_holes,
    lattice_with_holes,
    measure_lean,
    plane_axes,
    repeated_places,
    sort_slices,
    typical_step_mm,
)
from .stack_notes import ONE_SLICE, notes_on_slices

logger = logging.getLogger(__name__)

LISTED_STEPS = 5
LEAST_SHOWN_DEGREES = 0.05
WIDE_STEP = 3.0  # a step of more than this many typical ones is a hole, however uneven the others are
STEP_LIMITS_MM = (0.05, 50.0)  # what lies outside is a slip of the unit, or meant to harm
MOST_EXTENT_MM = 3000.0
THIN_SHARE = 1.5  # a step of more than this many thicknesses leaves much of the body unshown


@dataclass(frozen=True)
class StackPlan:
    """What to read and what to do with it.

    Attributes:
        slices: slices to read, ascending along the normal.
        stack: their geometry.
        step_lps_mm: ``(3,)`` from one slice of the result to the next.
        planes: ``(N,)`` where the slices lie among the planes of the result, which are ``0, 1, ...``; whole numbers
            where nothing is interpolated.
        lean: how the stack leans, if it is to be straightened; else None.
        steps: what was done so far, in words.
    """

    slices: tuple[SliceFacts, ...]
    stack: SliceStack
    step_lps_mm: FloatArray
    planes: FloatArray
    lean: Lean | None
    steps: tuple[str, ...]

    @property
    def plane_count(self) -> int:
        """Number of slices of the result."""
        return int(np.floor(self.planes[-1] + 1e-6)) + 1


@dataclass
class StackChecker:
    """Checks one candidate; see :meth:`plan`.

    Attributes:
        candidate: the slices.
        scan: where they come from.
        options: what is allowed.
        same_pixels: tells whether two slices hold the same HU.
    """

    candidate: SeriesCandidate
    scan: SeriesScan
    options: ReadOptions
    same_pixels: Callable[[SliceFacts, SliceFacts], bool]
    _slices: tuple[SliceFacts, ...] = ()
    _steps: list[str] = field(default_factory=list)

    def plan(self) -> StackPlan:
        """Check everything and return what to do.

        Raises:
            SeriesError: the slices are no volume, or not without an option that was not given.
        """
        self._refuse_bad_files()
        facts = facts_of(self.candidate)
        try:
            axes = plane_axes(facts[0].orientation)
        except ValueError as error:
            raise DicomFileError(facts[0].path, str(error), "export the series again") from error
        stack = sort_slices(np.array([fact.position_lps_mm for fact in facts]), axes)
        self._slices = tuple(facts[index] for index in stack.order)
        stack = self._without_repeats(stack)
        for note in notes_on_slices(self._slices):
            self._note(note)
        if len(stack) == 1:
            step_mm = self._single_step_mm()
            self._refuse_sizes(stack, step_mm)
            return self._plan_of(stack, axes.normal * step_mm, np.zeros(1), None)
        self._refuse_sizes(stack, typical_step_mm(stack))
        lean = self._checked_lean(stack)
        lattice, step_mm = self._checked_lattice(stack)
        self._check_thickness(step_mm)
        along = stack.positions_lps_mm[-1] - stack.positions_lps_mm[0]
        height = stack.heights_mm[-1] - stack.heights_mm[0]
        direction = axes.normal if lean else along / height
        planes = (stack.heights_mm - stack.heights_mm[0]) / step_mm if lattice is None else lattice.places
        return self._plan_of(stack, direction * step_mm, np.asarray(planes, dtype=np.float64), lean)

    def _plan_of(self, stack: SliceStack, step: FloatArray, planes: FloatArray, lean: Lean | None) -> StackPlan:
        plan = StackPlan(self._slices, stack, step, planes, lean, tuple(self._steps))
        if plan.plane_count > 2 * len(stack):
            made = plan.plane_count - len(stack)
            raise self._error(
                f"{counted(made, 'slice')} would be made up from {len(stack)}, more than there are", "export it again"
            )
        return plan

    def _refuse_sizes(self, stack: SliceStack, step_mm: float) -> None:
        """Refuse what no patient fits in: other transforms would be asked for the memory it takes."""
        low, high = STEP_LIMITS_MM
        if not low <= step_mm <= high:
            raise self._error(
                f"its step is {step_mm:.4g} mm, not within {low:g} to {high:g} mm", "correct the positions"
            )
        first = self._slices[0]
        sides_mm = [count * mm for count, mm in zip(first.grid, first.pixel_spacing_mm, strict=True)]
        extent_mm = max(*sides_mm, float(np.linalg.norm(np.ptp(stack.positions_lps_mm, axis=0))))
        if extent_mm > MOST_EXTENT_MM:
            remedy = "correct its positions and PixelSpacing"
            raise self._error(f"it extends over {extent_mm:.4g} mm, more than {MOST_EXTENT_MM:g} mm", remedy)

    def _check_thickness(self, step_mm: float) -> None:
        """Warn of room between the slices; refuse it where unreadable files may be the slices that are missing."""
        thickness_mm = min((fact.thickness_mm for fact in self._slices if fact.thickness_mm), default=0.0)
        if thickness_mm <= 0 or step_mm <= THIN_SHARE * thickness_mm:
            return
        share = f"its step of {step_mm:.4g} mm is {step_mm / thickness_mm:.2g} times its SliceThickness"
        problem = f"{share}: what lies between the slices is not shown"
        unreadable = [bad.path for bad in self.scan.unattributed]
        if unreadable:
            problem += f", and unreadable files may be the slices that are missing: {name_files(unreadable)}"
            raise self._error(problem, "repair the files, or remove those that are no slices")
        self._note(problem)

    def _refuse_bad_files(self) -> None:
        uid = self.candidate.series_uid
        bad = [bad for bad in self.scan.bad if bad.series_uid and bad.series_uid == uid]
        if bad:
            names = name_files([one.path for one in bad])
            raise self._error(
                f"{len(bad)} of its files cannot be used ({names}): {bad[0].problem}", "repair, replace or remove them"
            )

    def _without_repeats(self, stack: SliceStack) -> SliceStack:
        runs = repeated_places(stack)
        if not runs:
            return stack
        dropped = [place for run in runs for place in run[1:]]
        pairs = [(run[0], other) for run in runs for other in run[1:]]
        if self.options.on_duplicate != "first":
            self._refuse_repeats(stack, pairs)
        keep = [place for place in range(len(stack)) if place not in set(dropped)]
        names = name_files([self._slices[place].path for place in dropped])
        self._note(f"dropped {counted(len(dropped), 'slice')} at a place taken twice ({names})")
        self._slices = tuple(self._slices[place] for place in keep)
        return stack.keep(keep)

    def _refuse_repeats(self, stack: SliceStack, pairs: list[tuple[int, int]]) -> None:
        for one, two in pairs:
            first, second = self._slices[one], self._slices[two]
            beside = float(np.linalg.norm(stack.positions_lps_mm[two] - stack.positions_lps_mm[one]))
            where = f"{first.name} and {second.name} lie at one height ({stack.heights_mm[one]:.2f} mm)"
            if beside > min(first.pixel_spacing_mm) / 2:
                raise self._error(f"{where}, {beside:.2f} mm beside each other", "remove one of the two stacks")
            if self.options.on_duplicate == "error":
                raise self._error(where, "pass on_duplicate='drop' to drop repeats with the same pixels")
            if not self.same_pixels(first, second):
                remedy = "remove one of them, or pass on_duplicate='first' to keep the first by file name"
                raise self._error(f"{where} with different pixels ({len(pairs)} such pairs)", remedy)

    def _single_step_mm(self) -> float:
        """Return the step that the one slice claims, if it may be believed."""
        fact = self._slices[0]
        where = f"{fact.name} is its only slice, so the step is not known"
        if self.options.on_single == "error":
            raise self._error(
                where, f"give the whole series, or pass {allow('on_single', 'thickness')} to believe what it says"
            )
        claimed = abs(fact.header.number("SpacingBetweenSlices") or 0.0) or fact.thickness_mm or 0.0
        if claimed <= 0:
            raise self._error(f"{where}, and it has neither SpacingBetweenSlices nor SliceThickness", "give the series")
        self._note(f"{ONE_SLICE}: the step of {claimed:g} mm is SpacingBetweenSlices or SliceThickness")
        return claimed

    def _checked_lean(self, stack: SliceStack) -> Lean | None:
        """Return the lean if the stack is to be straightened."""
        lean = measure_lean(stack)
        pixel_mm = min(self._slices[0].pixel_spacing_mm)
        if not lean.is_tilted(pixel_mm) and not lean.is_crooked(pixel_mm):
            return None
        if lean.is_crooked(pixel_mm):
            name = self._slices[lean.shifted].name
            problem = f"{name} lies {lean.worst_mm:.2f} mm beside the straight line from the first slice to the last"
        else:
            tilt = f"the gantry is tilted by {lean.tilt_degrees:+.1f} degrees"
            shear = f"the slices are sheared along their rows by {lean.swivel_degrees:+.1f} degrees"
            problem = " and ".join(
                text
                for text, angle in ((tilt, lean.tilt_degrees), (shear, lean.swivel_degrees))
                if abs(angle) >= LEAST_SHOWN_DEGREES or abs(angle) == max(map(abs, lean.angles))
            )
            ends = f"{self._slices[0].name} to {self._slices[-1].name}"
            problem += f": {ends} shift by {lean.drift_mm:.2f} mm within the slice, at {_list_steps(stack)}"
        if self.options.on_tilt == "error":
            raise self._error(
                problem, f"pass {allow('on_tilt', 'resample')} to shear the slices onto a rectangular grid"
            )
        self._note(f"straightened: {problem}")
        return lean

    def _checked_lattice(self, stack: SliceStack) -> tuple[Lattice | None, float]:
        """Return the planes the slices lie on, or None if they are to be resampled; and the step in mm."""
        even = even_lattice(stack)
        if even.fits:
            return even, even.step_mm
        holed = lattice_with_holes(stack)
        typical = typical_step_mm(stack)
        steps = np.diff(stack.heights_mm)
        wide = [int(place) for place in np.flatnonzero(steps > WIDE_STEP * typical)]
        if holed.fits and has_few_holes(holed):
            self._check_gap(stack, holed.holes, int(holed.places[-1]) + 1 - len(stack), typical)
            return holed, holed.step_mm
        if wide and self.options.on_spacing == "resample":
            self._check_gap(stack, wide, None, typical)
        if self.options.on_spacing == "error":
            off = np.abs(steps - typical)
            place = int(np.argmax(off > min(even.tolerance_mm, off.max())))  # the first, or the worst if all are small
            problem = (
                f"its step changes: {_list_steps(stack)}, first between {self._slices[place].name} and "
                f"{self._slices[place + 1].name} ({steps[place]:.2f} mm, typical {typical:.2f} mm)"
            )
            raise self._error(problem, f"pass {allow('on_spacing', 'resample')} to resample to the typical step")
        self._note(f"resampled {_list_steps(stack)} to every {typical:.4g} mm")
        return None, typical

    def _check_gap(self, stack: SliceStack, holes: list[int], missing: int | None, typical: float) -> None:
        steps = np.diff(stack.heights_mm)
        before, after = self._slices[holes[0]], self._slices[holes[0] + 1]
        count = "slices are" if missing is None else f"{counted(missing, 'slice')} {'is' if missing == 1 else 'are'}"
        problem = (
            f"{count} missing in {counted(len(holes), 'gap')}, the first of {steps[holes[0]]:.2f} mm "
            f"between {before.name} and {after.name} (typical step {typical:.2f} mm)"
        )
        unreadable = [bad.path for bad in self.scan.unattributed]
        if unreadable:
            problem += f"; unreadable files that may belong there: {name_files(unreadable)}"
        if self.options.on_gap == "error":
            raise self._error(problem, f"pass {allow('on_gap', 'interpolate')} to fill, or export the series again")
        self._note(f"interpolated: {problem}")

    def _error(self, problem: str, remedy: str) -> SeriesError:
        return SeriesError(printable(f"{self.scan.source}: series {self.candidate.key}: {problem}; {remedy}"))

    def _note(self, step: str) -> None:
        self._steps.append(step)
        logger.warning("%s: %s", printable(self.scan.source), step)


def _list_steps(stack: SliceStack) -> str:
    """List the different distances of neighbours, in the order they occur."""
    distances = np.linalg.norm(np.diff(stack.positions_lps_mm, axis=0), axis=1)
    different = list(dict.fromkeys(f"{distance:.2f}" for distance in distances))
    more = f" and {len(different) - LISTED_STEPS} more" if len(different) > LISTED_STEPS else ""
    return f"steps of {', '.join(different[:LISTED_STEPS])}{more} mm"
