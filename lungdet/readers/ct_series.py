"""Read a CT series as one volume in Hounsfield units with its exact place, or say why it is none.

>>> volume = read_ct("scan/")                                                       # doctest: +SKIP
>>> for candidate in list_series("study/"):                                         # doctest: +SKIP
...     print(candidate)
"""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lungdet.records import CTVolume, SeriesInfo

from .dicom_file import read_header
from .dicom_limits import DEFAULT_LIMITS, ReadLimits
from .errors import SeriesError
from .patient_print import patient_day, patient_key, patient_print
from .plain_text import printable
from .read_options import DEFAULT_MAX_BYTES, ReadOptions
from .series_candidate import SeriesCandidate
from .series_groups import Choice, choose_series, group_slices
from .series_parts import continuing_parts
from .series_scan import SeriesScan, Source, describe_source, find_files, paths_of, scan_files
from .slice_stack import stack_affine
from .stack_checks import StackChecker, StackPlan
from .stack_notes import notes_on_values
from .stack_pixels import Tally, check_size, read_stack, same_pixels
from .stack_resample import interpolate_planes, sources_of_planes, straighten, straightened_grid
from .volume_file import is_volume_file, list_volume_file, read_volume_file

logger = logging.getLogger(__name__)

AIR_HU = -1000.0
DATES = ("AcquisitionDate", "AcquisitionDateTime", "StudyDate")


def read_ct(
    source: Source,
    *,
    series: str | None = None,
    choose: Choice | None = None,
    on_gap: Literal["error", "interpolate"] = "error",
    on_tilt: Literal["error", "resample"] = "error",
    on_spacing: Literal["error", "resample"] = "error",
    on_duplicate: Literal["drop", "error", "first"] = "drop",
    on_single: Literal["error", "thickness"] = "error",
    padding_hu: float | None = -1000.0,
    max_bytes: int = DEFAULT_MAX_BYTES,
    dtype: Literal["auto", "float32"] = "auto",
    limits: ReadLimits = DEFAULT_LIMITS,
) -> CTVolume:
    """Read one CT volume.

    Slices are ordered and spaced by their positions projected on their normal; the affine is exact. Missing and
    repeated slices, changing steps, tilt, shear, mixed orientations and missing geometry are refused, each with its own
    message, unless an option allows to go on. What was done is told in ``info.steps`` and in the log.

    Args:
        source: a folder (nested, mixed, with other things in it), a list of files or folders, or one file: DICOM
            slices, an enhanced multi-frame CT, NIfTI, MetaImage or NRRD.
        series: which series to read where there are several: a key or SeriesInstanceUID as :func:`list_series` gives
            it, or its unique beginning; ``choose`` does not count then. Where slices of one series differ, so that it
            falls into several stacks one of which goes on where another ends, only the whole key reads such a part.
        choose: ``"thinnest"`` takes the thinnest axial series, by the larger of step and SliceThickness; of equals the
            one with most slices.
        on_gap: missing slices: ``"interpolate"`` fills them linearly, at most as many as there are.
        on_tilt: tilted gantry, shear, slices shifted sideways: ``"resample"`` shifts each slice, by interpolation
            within it, onto a rectangular grid that holds all of them.
        on_spacing: steps that change: ``"resample"`` interpolates to the typical (lower median) step.
        on_duplicate: slices at one place: ``"drop"`` drops repeats with the same pixels and refuses others, ``"error"``
            refuses all, ``"first"`` keeps the first by file name.
        on_single: a single slice: ``"thickness"`` takes SpacingBetweenSlices, else SliceThickness, as its step.
        padding_hu: HU, -32768 to 32767, that padding, by its tags, and values of -1500 HU or less become; None keeps
            them.
        max_bytes: a volume that needs more is refused before memory is taken.
        dtype: ``"auto"`` gives int16 where that is exact, else float32; ``"float32"`` gives that always.
        limits: budgets for each file; raise one only for files that you trust.

    Returns:
        The volume, ``(X, Y, Z)`` = (columns, rows, slices), in HU.

    Raises:
        SeriesError: the source holds no volume that can be trusted.
        ValueError: an option, or the environment variable ``LUNGDET_PATIENT_KEY``, has a value that is not allowed.
        TypeError: the source is no path and no list of paths.
    """
    allowed = ReadOptions(on_gap, on_tilt, on_spacing, on_duplicate, on_single, padding_hu, max_bytes, dtype, limits)
    volume_path = _volume_path(source)
    if volume_path is not None:
        return read_volume_file(volume_path, allowed)
    scan = _scan(source, limits)
    candidates = group_slices(scan)
    _log_steps(scan)
    candidate = choose_series(candidates, scan, series, choose)
    chosen: tuple[str, ...] = ()
    if len(candidates) > 1:
        chosen += (f"chose {candidate.key} of {len(candidates)} series",)
    rest = continuing_parts(candidate, candidates)
    if rest:
        chosen += (f"this is a part of its series, which goes on in {', '.join(part.key for part in rest)}",)
        logger.warning("%s: %s", printable(scan.source), chosen[-1])
    plan = StackChecker(candidate, scan, allowed, same_pixels).plan()
    return _read_plan(plan, scan, allowed, candidate, scan.steps() + chosen)


def list_series(source: Source, *, limits: ReadLimits = DEFAULT_LIMITS) -> list[SeriesCandidate]:
    """List what :func:`read_ct` could read from ``source``, without pixels; printed, each is one line.

    Args:
        source: as for :func:`read_ct`.
        limits: as for :func:`read_ct`.

    Returns:
        Candidates by series UID; none if the source holds no CT.

    Raises:
        SeriesError: the source does not exist, holds no file, or a folder in it cannot be opened.
        TypeError: the source is no path and no list of paths.
    """
    volume_path = _volume_path(source)
    if volume_path is not None:
        return [list_volume_file(volume_path)]
    scan = _scan(source, limits)
    candidates = group_slices(scan)
    _log_steps(scan)
    return candidates


def _scan(source: Source, limits: ReadLimits) -> SeriesScan:
    return scan_files(find_files(source), describe_source(source), partial(read_header, limits=limits))


def _log_steps(scan: SeriesScan) -> None:
    for step in scan.steps():
        (logger.warning if step.startswith("could not") else logger.info)("%s: %s", printable(scan.source), step)


def _volume_path(source: Source) -> Path | None:
    """Return the one file of a volume format that ``source`` is, or None."""
    paths = paths_of(source)
    return paths[0] if len(paths) == 1 and is_volume_file(paths[0]) and not paths[0].is_dir() else None


def _read_plan(
    plan: StackPlan, scan: SeriesScan, options: ReadOptions, candidate: SeriesCandidate, steps: tuple[str, ...]
) -> CTVolume:
    """Read, straighten and interpolate as planned."""
    first, key = plan.slices[0], patient_key()
    block, tally = read_stack(plan.slices, options, scan.source)
    steps += plan.steps + _steps_of(tally, block.size, options, f"{scan.source}: series {candidate.key}")
    origin = plan.stack.positions_lps_mm[0]
    spacing = candidate.pixel_spacing_mm
    if plan.lean is not None:
        shifts_px = plan.lean.shifts_mm / np.array([spacing[1], spacing[0]])
        low, grid = straightened_grid(shifts_px, block.shape[1:])
        check_size(len(block), grid, block.dtype, options.max_bytes, scan.source)
        block = straighten(block, shifts_px, AIR_HU if options.padding_hu is None else options.padding_hu)
        origin = origin + low[0] * spacing[1] * plan.stack.axes.row + low[1] * spacing[0] * plan.stack.axes.column
    block, uids = _fill_planes(block, plan, options, scan.source)
    patient = first.header.text("PatientID"), first.header.text("IssuerOfPatientID")
    info = SeriesInfo(
        source=scan.source,
        series_uid=candidate.series_uid,
        study_uid=first.header.text("StudyInstanceUID"),
        slice_uids=uids,
        description=candidate.description,
        kernel=candidate.kernel,
        thickness_mm=first.thickness_mm,
        steps=steps,
        frame_uid=first.header.text("FrameOfReferenceUID"),
        patient=patient_print(*patient, key),
        day=patient_day(*patient, map(first.header.text, DATES), key),
    )
    return CTVolume(block.transpose(2, 1, 0), stack_affine(plan.stack.axes, spacing, origin, plan.step_lps_mm), info)


def _steps_of(tally: Tally, voxels: int, options: ReadOptions, where: str) -> tuple[str, ...]:
    """Tell what was met in the values; refuse a volume that is nothing but padding."""
    if tally.padded == voxels:
        problem = "every voxel is padding, by its tags or by a value of -1500 HU or less"
        raise SeriesError(printable(f"{where}: {problem}; export it again, or pass padding_hu=None to keep the values"))
    steps = (f"set {tally.padded} voxels of padding to {options.padding_hu:g} HU",) if tally.padded else ()
    notes = notes_on_values(tally, options.padding_hu)
    for note in notes:
        logger.warning("%s: %s", printable(where), note)
    return steps + tuple(notes)


def _fill_planes(
    block: NDArray[Any], plan: StackPlan, options: ReadOptions, source: str
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Interpolate planes that no slice lies on; tell the UID of every plane that shows a slice unchanged."""
    count = plan.plane_count
    uids = [fact.sop_uid for fact in plan.slices]
    if plan.lean is not None:
        uids = [""] * len(uids)  # every pixel of a straightened slice is interpolated
    if np.array_equal(plan.planes, np.arange(count)):
        return block, tuple(uids)
    check_size(count, block.shape[1:], block.dtype, options.max_bytes, source)
    sources = sources_of_planes(plan.planes, count)
    return interpolate_planes(block, plan.planes, count), tuple("" if at is None else uids[at] for at in sources)


__all__ = ["SeriesCandidate", "SeriesError", "list_series", "read_ct"]
