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
    filled = np.flatnonzero(inside.any(axis=tuple(axis for axis in range(3) if axis != up)))
    depth = max(1, round(TOP_MM / step))
    first = max(0, int(filled[-1]) + 1 - depth) if rising else 0
    last = int(filled[-1]) + 1 if rising else int(filled[0]) + depth
    middle, high = _mean_voxel(inside), _mean_voxel(inside.take(range(first, min(last, inside.shape[up])), up))
    high[up] = filled[-1] + 0.5 if rising else filled[0] - 0.5
    return LungPlaces(_point(middle, affine_lps), _point(high, affine_lps), _borders(inside, up, rising))


def _mean_voxel(inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    places = []
    for axis, length in enumerate(inside.shape):
        counts = np.count_nonzero(inside, axis=tuple(other for other in range(3) if other != axis))
        places.append(float(counts @ np.arange(length) / counts.sum()))
    return np.array(places)


def _point(voxel: NDArray[np.float64], affine_lps: NDArray[np.float64]) -> Point:
    x, y, z = voxel_to_world(voxel[None], affine_lps)[0].round(2).tolist()
    return x, y, z


def _borders(inside: NDArray[np.bool_], up: int, rising: bool) -> tuple[ScanBorder, ...]:
    ends = [(inside.take(0, axis).any(), inside.take(-1, axis).any()) for axis in range(3)]
    low, high = ends[up] if rising else ends[up][::-1]
    side = any(any(pair) for axis, pair in enumerate(ends) if axis != up)
    reached: list[tuple[ScanBorder, bool]] = [("top", bool(high)), ("bottom", bool(low)), ("side", side)]
    return tuple(name for name, cut in reached if cut)
