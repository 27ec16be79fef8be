"""From the raw scores of a scan's slices to what it covers, and to what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lungdet.counted import counted
from lungdet.records import ModelInfo, SeriesInfo
from lungdet.records.scan_score import BODY_REGIONS, BodyRegion, CoveredRegion, ScanScore, ScoreFlag, ScoreLine

from .robust_line import explained_variance, rank_correlation, robust_line
from .score_flags import flags_of_line, flags_of_order
from .score_scale import ScoreScale

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

LEAST_BODY_CM2 = 10.0  # an ankle has more
LEAST_LUNG_CM2 = 40.0  # more air in tissue than the bowels or the sinuses of one slice hold
LEAST_SLICES, LEAST_MM = 4, 60.0  # fewer, or a shorter scan, do not tell which way it runs
COVERED_MM, COVERED_PART = 10.0, 0.3  # what counts as covered: so much of the body, or so much of the scan
SMOOTHED_SLICES = 5
UNSURE_SLICES = 2  # how far off the ends of a run that goes backwards are found


@dataclass(frozen=True, eq=False)
class SliceFacts:
    """The slices of one scan, from the head to the feet.

    Attributes:
        z_mm: ``(N,)`` LPS heights, falling.
        height: ``(N,)`` scores on the scale 0 to 1; NaN where there is no body.
        body: ``(N,)`` whether the slice shows a body.
        airy: ``(N,)`` whether the slice holds so much air in tissue as lungs do.
    """

    z_mm: Array
    height: Array
    body: Mask
    airy: Mask

    @property
    def way_mm(self) -> Array:
        """``(N,)`` way to the feet from the first slice."""
        way: Array = self.z_mm[0] - self.z_mm
        return way

    @property
    def step_mm(self) -> float:
        """Typical distance of slices; 0 for a single one."""
        return float(np.median(np.diff(self.way_mm))) if len(self.z_mm) > 1 else 0.0


def judge_slices(
    z_mm: ArrayLike,
    raw: ArrayLike,
    scale: ScoreScale,
    *,
    series: SeriesInfo,
    model: ModelInfo,
    slice_index: ArrayLike | None = None,
    body_cm2: ArrayLike | None = None,
    lung_cm2: ArrayLike | None = None,
) -> ScanScore:
    """Judge a scan by the raw scores of its slices.

    Args:
        z_mm: ``(N,)`` LPS heights of the slices' middles, rising or falling.
        raw: ``(N,)`` raw scores; those of slices without a body count for nothing.
        scale: what turns them into heights; it belongs to the network's weights.
        series: what was read.
        model: which regressor looked.
        slice_index: ``(N,)`` index of each slice in the image as read; as they come if None.
        body_cm2: ``(N,)`` area of the body in each slice; None if every slice shows one.
        lung_cm2: ``(N,)`` area of what has CT numbers of lung; None if the score alone is to tell where lungs are.

    Returns:
        The answer, rows from the head to the feet.

    Raises:
        ValueError: there is no slice, lengths differ, a number is not finite, or heights neither rise nor fall.
    """
    z_mm, raw = _column("z_mm", z_mm), _column("raw", raw)
    count = len(z_mm)
    columns = {
        "raw": raw,
        "slice_index": _column("slice_index", np.arange(count) if slice_index is None else slice_index),
        "body_cm2": _column("body_cm2", np.full(count, np.inf) if body_cm2 is None else body_cm2, finite=False),
        "lung_cm2": _column("lung_cm2", np.full(count, np.inf) if lung_cm2 is None else lung_cm2, finite=False),
    }
    order = _to_the_feet(z_mm, {name: len(column) for name, column in columns.items()})
    columns = {name: column[order] for name, column in columns.items()}
    body = columns["body_cm2"] >= LEAST_BODY_CM2
    height = np.where(body, scale.heights(columns["raw"]), np.nan)
    slices = SliceFacts(z_mm[order], height, body, columns["lung_cm2"] >= LEAST_LUNG_CM2)
    line, flags = _line(slices, scale)
    foreign = {row for flag in flags if flag.kind == "foreign" for row in flag.rows}
    fits = body & ~np.isin(np.arange(count), sorted(foreign))
    mended, sure = _turned_back(slices, flags)
    covered, lungs = _covered(mended, scale, fits), _lungs_mm(mended, scale, fits & sure)
    ordered = not any(flag.kind == "no_order" for flag in flags)
    return ScanScore(
        series=series,
        model=model,
        slice_index=tuple(int(index) for index in columns["slice_index"]),
        z_mm=tuple(z_mm[order].tolist()),
        score=tuple(None if np.isnan(value) else float(value) for value in height),
        region=_regions(slices, scale),
        line=line,
        covered=covered if ordered else (),  # of slices that are mixed up the outermost two say nothing
        lungs_mm=lungs if ordered else None,
        flags=(*_flags_of_body(slices, scale), *flags, *([] if lungs else [_no_lungs(slices, covered)])),
    )


def _column(name: str, values: ArrayLike, finite: bool = True) -> Array:
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1 or not len(column):
        raise ValueError(f"{name} must be a list of one or more numbers, got shape {column.shape}")
    bad = ~np.isfinite(column) if finite else np.isnan(column)
    if bad.any():
        raise ValueError(f"{name} must be numbers, got {column[bad][0]} for {bad.sum()} of {len(column)} slices")
    return column


def _to_the_feet(z_mm: Array, lengths: dict[str, int]) -> slice:
    for name, length in lengths.items():
        if length != len(z_mm):
            raise ValueError(f"{name} has {length} numbers for {len(z_mm)} slices")
    steps = np.diff(z_mm)
    if not ((steps > 0).all() or (steps < 0).all()):
        raise ValueError("heights of slices must rise or fall throughout; sort them, and leave out doubles")
    return slice(None, None, -1 if len(steps) and steps[0] > 0 else 1)


def _line(slices: SliceFacts, scale: ScoreScale) -> tuple[ScoreLine | None, list[ScoreFlag]]:
    """Fit the line, and judge the order of the slices by it."""
    rows = np.flatnonzero(slices.body)
    way, height = slices.way_mm[rows], slices.height[rows]
    if len(rows) < LEAST_SLICES or way[-1] - way[0] < LEAST_MM:
        if not len(rows):
            return None, []
        extent = way[-1] - way[0] + slices.step_mm
        what = f"{counted(len(rows), 'slice')} over {extent:.0f} mm"
        wanted = f"{LEAST_SLICES} slices and {LEAST_MM:.0f} mm"
        return None, [ScoreFlag("few_slices", f"{what}: too little to tell their order by; it takes {wanted}")]
    rate, level = robust_line(way, height)
    steepness = rate if abs(rate) > scale.rate_per_mm[0] / 4 else scale.rate_per_mm[1]
    line = ScoreLine(
        rate_per_mm=rate,
        at_zero=level + rate * float(slices.z_mm[0]),
        tau=rank_correlation(way, height),
        r2=explained_variance(height, level + rate * way),
        scatter_mm=float(np.median(np.abs(height - level - rate * way))) / abs(steepness),
    )
    middle = float(np.median(way))
    score_mm = (height - level - rate * middle) / steepness + middle
    flags = flags_of_line(line, float(way[-1]), scale)
    if not any(flag.kind == "no_order" for flag in flags):
        flags += flags_of_order(way, score_mm, rows)
    return line, flags


def _regions(slices: SliceFacts, scale: ScoreScale) -> tuple[BodyRegion | Literal[""], ...]:
    low, high = scale.known[0] - scale.scatter, scale.known[1] + scale.scatter
    return tuple(scale.region(value) if low <= value <= high else "" for value in slices.height.tolist())


def _flags_of_body(slices: SliceFacts, scale: ScoreScale) -> list[ScoreFlag]:
    """Name slices without a body, and those of parts of it that are not known."""
    count = len(slices.body)
    empty = np.flatnonzero(~slices.body)
    flags = []
    if len(empty) == count:
        flags.append(ScoreFlag("empty", "no slice shows a body: all is air, or the numbers are no CT numbers"))
    elif len(empty):
        flags.append(ScoreFlag("empty", f"{len(empty)} of {count} slices show no body", tuple(empty.tolist())))
    outside = np.array([not region for region in _regions(slices, scale)]) & slices.body
    if outside.sum() * slices.step_mm >= COVERED_MM or outside.sum() >= COVERED_PART * count:
        rows = tuple(np.flatnonzero(outside).tolist())
        what = f"{len(rows)} of {count} slices look like no part from the neck to the thighs"
        flags.append(ScoreFlag("outside", what, rows))
    return flags


def _turned_back(slices: SliceFacts, flags: list[ScoreFlag]) -> tuple[SliceFacts, Mask]:
    """Put what runs backwards where it belongs; False for slices at the ends of a run, which may be a little off."""
    place, sure = np.arange(len(slices.body)), np.ones(len(slices.body), bool)
    for flag in flags:
        if flag.kind == "reversed":
            rows = list(flag.rows)
            place[rows] = rows[::-1]
            sure[rows[:UNSURE_SLICES] + rows[-UNSURE_SLICES:]] = False
    return SliceFacts(slices.z_mm, slices.height[place], slices.body[place], slices.airy[place]), sure


def _covered(slices: SliceFacts, scale: ScoreScale, fits: Mask) -> tuple[CoveredRegion, ...]:
    """Say which parts of the body there are, by smoothed heights of the slices that fit."""
    rows = np.flatnonzero(fits)
    if not len(rows):
        return ()
    size = min(SMOOTHED_SLICES, len(rows))
    medians = np.median(np.lib.stride_tricks.sliding_window_view(slices.height[rows], size), axis=1)
    smooth = SliceFacts(slices.z_mm[rows], np.pad(medians, (size // 2, (size - 1) // 2), "edge"), fits, fits)
    regions = np.array(_regions(smooth, scale))
    half = slices.step_mm / 2
    covered = []
    for name in BODY_REGIONS:
        shown = rows[regions == name]
        if len(shown) * slices.step_mm >= COVERED_MM or len(shown) > COVERED_PART * len(rows):
            top, bottom = float(slices.z_mm[shown[0]] + half), float(slices.z_mm[shown[-1]] - half)
            covered.append(CoveredRegion(name, top, bottom, len(shown)))
    return tuple(covered)


def _lungs_mm(slices: SliceFacts, scale: ScoreScale, fits: Mask) -> tuple[float, float] | None:
    low, high = scale.lungs
    rows = np.flatnonzero(fits & slices.airy & (slices.height >= low) & (slices.height <= high))
    enough = len(rows) * slices.step_mm >= COVERED_MM or len(rows) > COVERED_PART * len(fits)
    if not enough:
        return None
    half = slices.step_mm / 2
    return float(slices.z_mm[rows[0]] + half), float(slices.z_mm[rows[-1]] - half)


def _no_lungs(slices: SliceFacts, covered: tuple[CoveredRegion, ...]) -> ScoreFlag:
    shown = " and ".join(part.region for part in covered)
    if not slices.body.any():
        why = "there is no body"
    elif not shown:
        why = "the slices look like no part from the neck to the thighs"
    elif not slices.airy.any():
        why = f"they score as {shown}, and none holds as much air in tissue as lungs do"
    else:
        why = f"they score as {shown}, and none lies where lungs are"
    return ScoreFlag("no_lungs", f"no slice holds lung: {why}")
