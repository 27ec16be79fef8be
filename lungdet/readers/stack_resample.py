"""Interpolate between and within slices: for volumes that were not sampled on a rectangular grid.

Blocks are ``(Z, Y, X)`` = (slices, rows, columns), int16 or float32; int16 results are rounded to the nearest HU.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Block: TypeAlias = NDArray[Any]
FloatArray: TypeAlias = NDArray[np.float64]

ON_PLANE = 1e-3  # a slice this close to a plane, in steps, is copied and not interpolated


def sources_of_planes(planes: FloatArray, count: int) -> list[int | None]:
    """Tell which slice each plane of the result shows unchanged; None where it is made by interpolation.

    Args:
        planes: ``(N,)`` ascending positions of the slices, in planes of the result.
        count: number of planes of the result.

    Example:
        >>> sources_of_planes(np.array([0.0, 1.0, 3.0]), 4)
        [0, 1, None, 2]
    """
    nearest = [int(np.abs(planes - plane).argmin()) for plane in range(count)]
    return [near if abs(planes[near] - plane) <= ON_PLANE else None for plane, near in enumerate(nearest)]


def interpolate_planes(block: Block, planes: FloatArray, count: int) -> Block:
    """Interpolate linearly between slices.

    Args:
        block: ``(N, Y, X)`` slices.
        planes: ``(N,)`` their ascending positions, in planes of the result; the first is 0.
        count: number of planes of the result, ``planes[-1] >= count - 1``.

    Returns:
        ``(count, Y, X)`` in the same dtype; slices that lie on a plane are copied unchanged.
    """
    result = np.empty((count, *block.shape[1:]), dtype=block.dtype)
    for plane, source in enumerate(sources_of_planes(planes, count)):
        if source is not None:
            result[plane] = block[source]
            continue
        above = min(int(np.searchsorted(planes, plane)), len(planes) - 1)
        share = (plane - planes[above - 1]) / (planes[above] - planes[above - 1])
        result[plane] = _mix(block[above - 1], block[above], share, block.dtype)
    return result


def straightened_grid(shifts_px: FloatArray, shape: tuple[int, ...]) -> tuple[FloatArray, tuple[int, int]]:
    """Find the rectangular grid that holds every shifted slice; an unshifted one lies on its pixels.

    Args:
        shifts_px: ``(N, 2)`` shift of each slice along rows (columns of pixels) and along columns, in pixels.
        shape: rows and columns of a slice.

    Returns:
        ``(2,)`` the whole shifts where the new grid begins, and its rows and columns.
    """
    low = np.floor(np.round(shifts_px.min(axis=0), 6))
    grow = np.ceil(np.round(shifts_px.max(axis=0) - low, 6)).astype(int)
    return low, (shape[0] + int(grow[1]), shape[1] + int(grow[0]))


def straighten(block: Block, shifts_px: FloatArray, fill_hu: float) -> Block:
    """Shift each slice within its plane to where it lies in the patient, by linear interpolation.

    Args:
        block: ``(N, Y, X)`` slices.
        shifts_px: ``(N, 2)`` as in :func:`straightened_grid`.
        fill_hu: what the new grid holds outside of a slice.

    Returns:
        ``(N, Y', X')`` on the grid of :func:`straightened_grid`, in the same dtype.
    """
    low, (rows, columns) = straightened_grid(shifts_px, block.shape[1:])
    result = np.full((len(block), rows, columns), fill_hu, dtype=block.dtype)
    for plane, (along_row, along_column) in zip(range(len(block)), shifts_px - low, strict=True):
        moved = _shift_rows(block[plane].astype(np.float32), float(along_column))
        moved = _shift_rows(moved.T, float(along_row)).T
        top, left = int(np.floor(along_column + ON_PLANE)), int(np.floor(along_row + ON_PLANE))
        target = result[plane, top : top + moved.shape[0], left : left + moved.shape[1]]
        target[...] = _as_dtype(moved, block.dtype)[: target.shape[0], : target.shape[1]]
    return result


def _shift_rows(image: NDArray[np.float32], shift: float) -> NDArray[np.float32]:
    """Shift along the first axis by the fraction of ``shift``; the result has a row more, and repeats the border."""
    fraction = shift - np.floor(shift + ON_PLANE)
    if fraction <= ON_PLANE:
        return image
    padded = np.concatenate([image[:1], image, image[-1:]])
    mixed: NDArray[np.float32] = (np.float32(1 - fraction) * padded[1:] + np.float32(fraction) * padded[:-1]).astype(
        np.float32
    )
    return mixed


def _mix(one: Block, two: Block, share: float, dtype: np.dtype[Any]) -> Block:
    mixed = np.float32(1 - share) * one.astype(np.float32) + np.float32(share) * two.astype(np.float32)
    return _as_dtype(mixed, dtype)


def _as_dtype(values: NDArray[np.float32], dtype: np.dtype[Any]) -> Block:
    return np.rint(values).astype(dtype) if dtype.kind == "i" else values.astype(dtype)
