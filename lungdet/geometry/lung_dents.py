"""Dents in the surface of a lung that are short in every direction: nodules on the pleura, not aorta or ribs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .lung_grid import Mask

Float32Array: TypeAlias = NDArray[np.float32]

WIDEST_MM = 34.0  # of a dent that is filled: a nodule of 30 mm and its rim
DEEPEST_MM = 32.0
LEAST_DEPTH = 1.6  # pixels at the deepest place of a dent; shallower ones are but rough
SMALL_MM, SMALL_LEAST_DEPTH, SMALL_FLAT = 9.0, 1.0, 0.4  # at the ribs: so small and steep a dent is a tiny nodule
FLAT, CLIFF = 0.22, 2.0  # depth by width: flatter are but the heart and the diaphragm, deeper the edges of cliffs
ROUND, ROUND_FROM_MM = 0.3, 16.0  # of a wide dent by a disc of its length; less are rims of heart, liver, chest wall
RAISED_FROM_MM, RAISE_MM = 3.5, 1.5  # the least of all lines lies low: deep places are filled higher
DIRECTIONS = 6  # a dent must be short in each of them
TREND_MM, TREND_STEP_MM = 54.0, 6.0  # slopes and domes are taken off by a median as wide as this
NOWHERE = -1e4


def find_dents(
    height: Float32Array, step_mm: Sequence[float], wrap: bool = False, cliff: float = CLIFF
) -> Float32Array:
    """Tell how deep dents are in a surface, given as a map of heights.

    A dent is filled up to the rim if along lines of each of six directions it is bounded within :data:`WIDEST_MM`; long
    furrows stay, since along them no rim is near, and so do wide dents that are long. Slopes and domes are taken off
    before; what is wide and a dent only by that is the edge of a dome, where the slope changes at once, and stays, too.

    Args:
        height: ``(A, B)`` in pixels; 0 where nothing is seen.
        step_mm: from place to place along A and B, and for one pixel of height.
        wrap: the second axis closes upon itself, as rays from the middle to the ribs do: there small dents count, too.
        cliff: most depth of a dent by its width.

    Returns:
        ``(A, B)`` what is missing to the pleura, in pixels, in deep places :data:`RAISE_MM` more than to the rim; 0
        where no dent is.

    Example:
        >>> wall = np.full((40, 40), 30.0, dtype=np.float32)
        >>> wall[15:20, 15:20] = 26.0  # a nodule of 10 mm
        >>> wall[:, 30:34] = 26.0  # a vessel that runs along
        >>> dents = find_dents(wall, (2.0, 2.0, 1.0))
        >>> float(dents[17, 17]), float(dents[17, 31]), float(dents[5, 5])
        (5.5, 0.0, 0.0)
    """
    seen = height > 0
    if not seen.any():
        return np.zeros_like(height)
    gain = _to_rim(height - _trend(height, seen, step_mm), seen, step_mm, wrap)
    gain[gain * step_mm[2] > DEEPEST_MM] = 0
    return _deep_parts(gain, _to_rim(height, seen, step_mm, wrap), step_mm, cliff, small=wrap)


def _to_rim(height: Float32Array, seen: Mask, step_mm: Sequence[float], wrap: bool) -> Float32Array:
    """Tell what is missing to the least of the rims along lines of each direction."""
    surface = np.where(seen, height, np.float32(NOWHERE))
    mode = ("edge", "wrap" if wrap else "edge")
    rim = np.minimum.reduce([_close_line(surface, line, mode) for line in _lines(step_mm)])
    missing: Float32Array = np.where(seen, rim - surface, np.float32(0))
    return missing


def _deep_parts(
    gain: Float32Array, plain: Float32Array, step_mm: Sequence[float], cliff: float, small: bool
) -> Float32Array:
    """Drop dents that are nowhere deep, or bends, cliffs and rims; with ``small``, keep small steep ones.

    ``plain`` is what is missing if no slope is taken off.
    """
    labels, count = ndimage.label(gain >= 0.5)
    if not count:
        return np.zeros_like(gain)
    depth = np.asarray(ndimage.maximum(gain, labels, np.arange(count + 1)))
    area_mm2 = np.bincount(labels.ravel(), minlength=count + 1) * (step_mm[0] * step_mm[1])
    width = np.maximum(2 * np.sqrt(area_mm2 / np.pi), 1e-3)
    shape = depth * step_mm[2] / width
    hollow = np.asarray(ndimage.maximum(plain, labels, np.arange(count + 1))) > 0
    deep = (depth >= LEAST_DEPTH) & (shape >= FLAT)
    deep &= (width < ROUND_FROM_MM) | (hollow & (_roundness(labels, gain, step_mm, area_mm2) >= ROUND))
    if small:
        deep |= (width < SMALL_MM) & (depth >= SMALL_LEAST_DEPTH) & (shape >= SMALL_FLAT)
    deep &= shape <= cliff
    deep[0] = False
    raised = gain + (gain * step_mm[2] >= RAISED_FROM_MM) * np.float32(RAISE_MM / step_mm[2])
    parts: Float32Array = np.where(deep[labels], raised, 0).astype(np.float32)
    return parts


def _roundness(
    labels: NDArray[Any], gain: Float32Array, step_mm: Sequence[float], area_mm2: NDArray[Any]
) -> NDArray[np.float64]:
    """Area of each part by that of a disc of its length, ``(labels,)``: little for a line, and for a crescent.

    The length is that of an ellipse of the moments of what is missing.
    """
    rows, columns = np.nonzero(labels)
    numbers, weight = labels[rows, columns], gain[rows, columns]
    whole = np.maximum(np.bincount(numbers, weight), 1e-9)
    down, across = rows * step_mm[0], columns * step_mm[1]

    def mean(values: NDArray[Any]) -> NDArray[np.float64]:
        return np.bincount(numbers, weight * values) / whole

    covariance = mean(down * across) - mean(down) * mean(across)
    spread = [mean(x**2) - mean(x) ** 2 + mm**2 / 12 for x, mm in zip((down, across), step_mm, strict=False)]
    longest = (spread[0] + spread[1]) / 2 + np.hypot((spread[0] - spread[1]) / 2, covariance)
    roundness: NDArray[np.float64] = area_mm2 / (4 * np.pi * longest)
    return roundness


def _trend(height: Float32Array, seen: Mask, step_mm: Sequence[float]) -> Float32Array:
    """Median of a wide neighbourhood; where nothing is seen the nearest height stands in."""
    nearest = ndimage.distance_transform_edt(~seen, sampling=step_mm[:2], return_distances=False, return_indices=True)
    whole = height[tuple(nearest)]
    strides = [max(1, round(TREND_STEP_MM / mm)) for mm in step_mm[:2]]
    coarse = whole[:: strides[0], :: strides[1]]
    size = [max(1, round(TREND_MM / (mm * stride))) for mm, stride in zip(step_mm, strides, strict=False)]
    smooth = ndimage.median_filter(coarse, size=size, mode="nearest")
    places = [
        np.minimum(np.arange(n) / stride, small - 1)
        for n, stride, small in zip(height.shape, strides, smooth.shape, strict=True)
    ]
    trend: Float32Array = ndimage.map_coordinates(smooth, np.meshgrid(*places, indexing="ij"), order=1)
    return trend


def _lines(step_mm: Sequence[float]) -> list[Mask]:
    """Footprints of lines in each direction, centred."""
    lines = []
    for angle in np.arange(DIRECTIONS) * (np.pi / DIRECTIONS):
        along = np.linspace(-WIDEST_MM / 2, WIDEST_MM / 2, 4 * int(WIDEST_MM))
        rows = np.rint(along * np.sin(angle) / step_mm[0]).astype(int)
        columns = np.rint(along * np.cos(angle) / step_mm[1]).astype(int)
        footprint = np.zeros((2 * rows.max() + 1, 2 * columns.max() + 1), dtype=bool)
        footprint[rows + rows.max(), columns + columns.max()] = True
        lines.append(footprint)
    return lines


def _close_line(height: Float32Array, line: Mask, mode: Sequence[str]) -> Float32Array:
    """Dilate, then erode along a line."""
    margin = [2 * (n // 2) for n in line.shape]
    padded = height
    for axis, wide in enumerate(margin):
        pads = [(0, 0), (0, 0)]
        pads[axis] = (wide, wide)
        padded = np.pad(padded, pads, mode="wrap" if mode[axis] == "wrap" else "edge")
    closed = ndimage.grey_erosion(ndimage.grey_dilation(padded, footprint=line), footprint=line)
    rows, columns = (slice(wide, wide + n) for wide, n in zip(margin, height.shape, strict=True))
    inner: Float32Array = closed[rows, columns]
    return inner
