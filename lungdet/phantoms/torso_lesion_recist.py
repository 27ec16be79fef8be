"""Measure a lesion on a slice as a reader does: the longest axis, the longest one across it, and a small error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

STEPS = 121  # places along the long axis at which the width is looked at
ALONG_MM, ALONG_PART = 0.45, 0.012  # how far a reader ends beside the surface: fixed, and as a part of the axis
ACROSS_MM = 0.35


@dataclass(frozen=True)
class RecistAxes:
    """Two axes of a lesion on a slice.

    Attributes:
        ends_mm: ``(4, 2)`` points ``(x, y)``: ends of the long axis, then of the short one.
    """

    ends_mm: Array

    @property
    def lengths_mm(self) -> tuple[float, float]:
        """Lengths of the long and of the short axis."""
        long, short = np.hypot(*(self.ends_mm[1::2] - self.ends_mm[::2]).T)
        return float(long), float(short)


def measure_outline(outline_mm: Array) -> RecistAxes:
    """Find the longest axis of a closed outline and the longest one perpendicular to it.

    Args:
        outline_mm: ``(N, 2)`` points in turn, of a shape without deep bays.

    Raises:
        ValueError: fewer than three points.

    Example:
        >>> measure_outline(np.array([[0.0, 0.0], [6.0, -2.0], [12.0, 0.0], [6.0, 2.0]])).lengths_mm
        (12.0, 4.0)
    """
    if outline_mm.ndim != 2 or outline_mm.shape[1] != 2 or len(outline_mm) < 3:
        raise ValueError(f"an outline is (N, 2) with N >= 3, got {outline_mm.shape}")
    apart = np.hypot(*(outline_mm[:, None] - outline_mm[None]).transpose(2, 0, 1))
    one, two = sorted(np.unravel_index(int(apart.argmax()), apart.shape))
    start, end = outline_mm[one], outline_mm[two]
    along = (end - start) / max(float(apart[one, two]), 1e-9)
    across = np.array([-along[1], along[0]])
    sides = (outline_mm[one : two + 1], np.concatenate([outline_mm[two:], outline_mm[: one + 1]])[::-1])
    places = np.linspace(0, float(apart[one, two]), STEPS)
    heights = [_height(side - start, along, across, places) for side in sides]
    best = int(np.abs(heights[0] - heights[1]).argmax())
    short = [start + places[best] * along + height[best] * across for height in heights]
    return RecistAxes(np.array([start, end, *short]))


def draw_reader(rng: np.random.Generator, axes: RecistAxes) -> RecistAxes:
    """Draw the axes as one reader would mark them: every end is a little off, more along its axis in a large lesion."""
    ends = []
    for first in (0, 2):
        pair = axes.ends_mm[first : first + 2]
        length = max(float(np.hypot(*(pair[1] - pair[0]))), 1e-9)
        along = (pair[1] - pair[0]) / length
        spread = min(ALONG_MM + ALONG_PART * length, 0.08 * length)
        sideways = min(ACROSS_MM, 0.03 * length)
        across = np.array([-along[1], along[0]])
        ends += [end + rng.normal(0, spread) * along + rng.normal(0, sideways) * across for end in pair]
    drawn = RecistAxes(np.array(ends))
    long, short = drawn.lengths_mm
    return drawn if long >= short else RecistAxes(drawn.ends_mm[[2, 3, 0, 1]])  # the longer one is the long axis


def _height(side: Array, along: Array, across: Array, places: Array) -> Array:
    """How far a side of the outline lies off the axis at ``places`` along it."""
    reached = np.maximum.accumulate(side @ along)  # where a bay turns back, its outer edge counts
    height: Array = np.interp(places, reached, side @ across)
    return height
