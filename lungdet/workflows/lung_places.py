"""Where the lungs of a scan lie, and which borders of the scan cut them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lungdet.geometry.frames import voxel_to_world
from lungdet.records import Point
from lungdet.records.lungs_found import ScanBorder

TOP_MM = 60.0  # of the lungs' height; lower down, breath and the end of the scan change their outline


class LungPlaces(NamedTuple):
    """Where they lie.

    Attributes:
        middle: of all voxels of lung, LPS mm; None where there are none.
        top: middle of their upper 60 mm in x and y, and their top in z, LPS mm; None likewise.
        cut_at: borders of the scan that they reach.
    """

    middle: Point | None
    top: Point | None
    cut_at: tuple[ScanBorder, ...]


def lung_places(labels: NDArray[Any], affine_lps: NDArray[np.float64]) -> LungPlaces:
    """Find the middle and the top of labelled lungs.

    Args:
        labels: ``(I, J, K)``, 0 outside of the lungs.
        affine_lps: ``(4, 4)``, voxel centres to LPS mm.

    Returns:
        Places in LPS mm to 0.01 mm.
    """
    inside = labels > 0
    if not inside.any():
        return LungPlaces(None, None, ())
    up = int(np.argmax(np.abs(affine_lps[2, :3])))
    rising = affine_lps[2, up] > 0
    step = float(abs(affine_lps[2, up]))
    counts = _counts(inside)
    filled = np.flatnonzero(counts[up])
    depth = max(1, round(TOP_MM / step))
    first = max(0, int(filled[-1]) + 1 - depth) if rising else 0
    last = int(filled[-1]) + 1 if rising else int(filled[0]) + depth
    upper = _counts(inside.swapaxes(0, up)[first:last].swapaxes(0, up))
    middle, high = _mean_voxel(counts), _mean_voxel(upper)
    high[up] = filled[-1] + 0.5 if rising else filled[0] - 0.5
    return LungPlaces(_point(middle, affine_lps), _point(high, affine_lps), _borders(counts, up, rising))


def _counts(inside: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Count the voxels at each index of each axis, plane after plane as they lie in memory: else it takes seconds."""
    slow = int(np.argmax(np.abs(inside.strides)))
    planes = np.moveaxis(inside, slow, 0)
    flat = planes.sum(axis=0, dtype=np.int64)
    counts = [flat.sum(axis=1), flat.sum(axis=0)]
    counts.insert(slow, np.array([np.count_nonzero(plane) for plane in planes]))
    return counts


def _mean_voxel(counts: list[NDArray[np.int64]]) -> NDArray[np.float64]:
    return np.array([float(each @ np.arange(len(each)) / each.sum()) for each in counts])


def _point(voxel: NDArray[np.float64], affine_lps: NDArray[np.float64]) -> Point:
    x, y, z = voxel_to_world(voxel[None], affine_lps)[0].round(2).tolist()
    return x, y, z


def _borders(counts: list[NDArray[np.int64]], up: int, rising: bool) -> tuple[ScanBorder, ...]:
    ends = [(each[0] > 0, each[-1] > 0) for each in counts]
    low, high = ends[up] if rising else ends[up][::-1]
    side = any(any(pair) for axis, pair in enumerate(ends) if axis != up)
    reached: list[tuple[ScanBorder, bool]] = [("top", bool(high)), ("bottom", bool(low)), ("side", side)]
    return tuple(name for name, cut in reached if cut)
