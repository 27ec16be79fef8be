"""One series of a synthetic DeepLesion: its grid, its marks, and its slices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .scanner import Dose, Kernel, Scanner, noise_gain
from .torso_lesion import LesionState
from .torso_lesion_recist import RecistAxes, draw_reader, measure_outline
from .torso_scan import STREAK_SHIFT_MM, Furniture

if TYPE_CHECKING:
    from .torso import Torso

Array = NDArray[Any]

HU_RANGE = (-1024, 3071)  # 12 bits of a scanner
NOMINAL_FIELD_MM = 400.0  # the grain of the noise is that of a common field of view
NOMINAL_STEP_MM = 3.0
LEAST_LONG_MM = 4.0  # on the key slice; a reader marks nothing smaller
SETTLE_PART = 0.25  # a small lesion's middle lies this near to a slice, in parts of its radius


@dataclass(frozen=True)
class SeriesGrid:
    """Where the pixels and slices of a series lie.

    Attributes:
        size: columns and rows, equal.
        pixel_mm: size of a pixel.
        step_mm: distance of the slices.
        corner_mm: centre of the first pixel, ``(x, y)`` LPS mm.
        top_mm: height of slice number 1, LPS mm; numbers run to the feet.
        slices: how many there are.
    """

    size: int
    pixel_mm: float
    step_mm: float
    corner_mm: tuple[float, float]
    top_mm: float
    slices: int

    @property
    def axes_mm(self) -> tuple[Array, Array]:
        """``(X,)`` and ``(Y,)`` centres of the pixels, LPS mm."""
        steps = np.arange(self.size) * self.pixel_mm
        return self.corner_mm[0] + steps, self.corner_mm[1] + steps

    def height_mm(self, number: int | Array) -> Any:
        """LPS height of a slice by its number, from 1; arrays too."""
        return self.top_mm - (number - 1) * self.step_mm

    def nearest_slice(self, z_mm: float) -> int | None:
        """Number of the slice nearest to a height; None if the series does not reach there."""
        number = round((self.top_mm - z_mm) / self.step_mm) + 1
        return number if 1 <= number <= self.slices else None

    def pixels(self, points_mm: Array) -> Array:
        """Take ``(N, 2)`` points ``(x, y)`` in mm to pixels, whose centres count from 1."""
        counted: Array = (points_mm - np.array(self.corner_mm)) / self.pixel_mm + 1  # DL_info coordinates start at 1
        return counted

    def around(self, number: int, reach_mm: float) -> tuple[int, int]:
        """First and last slice of the context around a slice."""
        count = max(1, round(reach_mm / self.step_mm))
        return max(1, number - count), min(self.slices, number + count)


@dataclass(frozen=True)
class MarkedLesion:
    """A lesion with the axes that a reader has drawn on its key slice.

    Attributes:
        state: the lesion at this study, settled on the slices.
        key_slice: number of the slice.
        true_axes: on that slice.
        drawn_axes: as the reader drew them.
        slice_range: first and last slice of the context.
    """

    state: LesionState
    key_slice: int
    true_axes: RecistAxes
    drawn_axes: RecistAxes
    slice_range: tuple[int, int]


def mark_lesion(
    rng: np.random.Generator, grid: SeriesGrid, state: LesionState, context_mm: float, beside: int = 0
) -> MarkedLesion | None:
    """Choose the key slice of a lesion and draw its axes; None where the series does not show it well.

    Args:
        rng: source of the reader's error.
        grid: of the series.
        state: the lesion at this study; a small one is moved up or down so that a slice cuts it near its middle.
        context_mm: of slices above and below the key slice.
        beside: mark it this many slices further down instead.
    """
    middle = grid.nearest_slice(float(state.center_mm[2]))
    if middle is None:
        return None
    settled = _settle(state, float(grid.height_mm(middle)))
    number = grid.nearest_slice(float(grid.height_mm(middle + beside)))
    outline = None if number is None else settled.outline_mm(float(grid.height_mm(number)))
    if number is None or outline is None:
        return None
    true = measure_outline(outline)
    if true.lengths_mm[0] < LEAST_LONG_MM or not _inside(grid, outline):
        return None
    return MarkedLesion(settled, number, true, draw_reader(rng, true), grid.around(number, context_mm))


def paint_slices(
    rng: np.random.Generator,
    torso: Torso,
    grid: SeriesGrid,
    states: Iterable[LesionState],
    numbers: Sequence[int],
    scanner: Scanner,
) -> Array:
    """Paint and scan slices of a series.

    Args:
        rng: source of the table and, through the scanner, of the noise.
        torso: the body.
        grid: of the series.
        states: all lesions of the body at this study, marked or not.
        numbers: of the slices, from 1.
        scanner: gives blur and noise; it draws from ``rng`` from now on.

    Returns:
        ``(N, rows, columns)`` int16 HU.
    """
    x_mm, y_mm = grid.axes_mm
    z_mm = grid.height_mm(np.asarray(numbers))
    hu = torso.paint(z_mm, x_mm, y_mm)
    Furniture(rng, torso, grid.height_mm(np.arange(1, grid.slices + 1)), x_mm, y_mm).paint(hu, z_mm)
    for state in states:
        state.paint(hu, z_mm, x_mm, y_mm)
    scanner.rng = rng
    seen = scanner.measure(hu, torso.frame.to_standard(z_mm) - STREAK_SHIFT_MM)
    return np.clip(np.round(seen), *HU_RANGE).astype(np.int16)


@lru_cache(maxsize=8)
def scanner_of(image_size: int, kernel: Kernel, dose: Dose) -> Scanner:
    """One scanner of a kind for all series, since its store of noise takes longer than a series does."""
    pixel = NOMINAL_FIELD_MM / image_size
    axis = (np.arange(image_size) - (image_size - 1) / 2) * pixel
    rng = np.random.default_rng(0)
    return Scanner(rng, (pixel, pixel), noise_gain(axis, axis), kernel, dose, NOMINAL_STEP_MM)


def relative_place(torso: Torso, axes: RecistAxes, z_mm: float) -> tuple[float, float]:
    """Middle of the box around the axes, relative to the box of the trunk at that height; 0 to 1 from the left edge."""
    x0, y0, x1, y1 = torso.body_box(z_mm)
    middle = (axes.ends_mm.min(axis=0) + axes.ends_mm.max(axis=0)) / 2
    return float((middle[0] - x0) / (x1 - x0)), float((middle[1] - y0) / (y1 - y0))


def _settle(state: LesionState, slice_mm: float) -> LesionState:
    """Move a lesion, if it is small, up or down so that the slice cuts it near its middle, as breath would."""
    off = float(state.center_mm[2]) - slice_mm
    near = SETTLE_PART * state.radius_mm
    if abs(off) <= near:
        return state
    center = state.center_mm.copy()
    center[2] = slice_mm + np.sign(off) * near
    return replace(state, shape=replace(state.shape, center=center))


def _inside(grid: SeriesGrid, outline_mm: Array) -> bool:
    """Tell whether the image holds the whole outline."""
    pixels = grid.pixels(outline_mm)
    return bool((pixels >= 1).all() and (pixels <= grid.size).all())
