"""Draw the outline of lungs that were found on a coarse grid by the voxels of the scan."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .lung_grid import Float32Array, LungGrid, finite_hu
from .lung_pieces import LungPieces, ball, in_plane
from .lung_sides import LEFT, RIGHT, UNKNOWN

Labels: TypeAlias = NDArray[np.uint8]

SURE, DRAWN = 4, 8  # flags beside the side: in the lung whatever its HU; by the coarse outline
DRAWN_FROM = 0.35  # of the coarse outline between blocks: half would round the edges of small nodules off


def draw_outline(grid: LungGrid, pieces: LungPieces, raw: Labels, closed: Labels, voxels: NDArray[Any]) -> Labels:
    """Label the voxels of a scan.

    Well inside of a lung every voxel is lung. At its edge those are that are darker than half way to tissue; where the
    closing has put something in, such as a nodule on the pleura, the coarse outline counts, drawn smoothly.

    Args:
        grid: of the scan.
        pieces: found on it.
        raw: ``(Z, Y, X)`` of the grid, labels before closing.
        closed: and after.
        voxels: ``(Z, Y, X)`` of the scan, HU.

    Returns:
        Labels of ``voxels``.
    """
    codes = _codes(grid, pieces, raw, closed)
    labels = np.zeros(voxels.shape, dtype=np.uint8)
    places = [_places(n, factor) for n, factor in zip(voxels.shape, grid.factors, strict=True)]
    for index, plane in enumerate(voxels):
        at = min(index // grid.factors[0], len(codes) - 1)
        if codes[at].any():
            labels[index] = _draw_plane(grid, codes[at], closed, plane, (places[0], index), pieces.edge_hu)
    return labels


def _codes(grid: LungGrid, pieces: LungPieces, raw: Labels, closed: Labels) -> Labels:
    """For each block the side it may belong to, and the flags :data:`SURE` and :data:`DRAWN`."""
    structure = ball() if grid.factors[0] > 1 else in_plane()
    codes = np.zeros(closed.shape, dtype=np.uint8)
    barred = pieces.other_air | pieces.airways
    for side in (RIGHT, LEFT, UNKNOWN):
        lung = closed == side
        if not lung.any():
            continue
        near = ndimage.binary_dilation(lung, structure) & ~barred & ((closed == 0) | lung)
        codes[near & (codes == 0)] = side
        codes[ndimage.binary_erosion(lung, structure, border_value=1)] = side | SURE
        added = ndimage.binary_dilation(lung & (raw != side), structure) & (codes == side)
        codes[added] |= DRAWN
    return codes


def _draw_plane(
    grid: LungGrid, codes: Labels, closed: Labels, plane: NDArray[Any], place: tuple[Float32Array, int], edge_hu: float
) -> Labels:
    rows, columns = (np.flatnonzero(codes.any(axis=axis)) for axis in (1, 0))
    box = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    down, across = grid.factors[1:]
    fine = (
        slice(box[0].start * down, min(box[0].stop * down, plane.shape[0])),
        slice(box[1].start * across, min(box[1].stop * across, plane.shape[1])),
    )
    code = np.repeat(np.repeat(codes[box], down, axis=0), across, axis=1)
    hu = finite_hu(plane[fine])
    code = code[: hu.shape[0], : hu.shape[1]]
    inside = (code & SURE) > 0
    inside |= (code > 0) & (hu < edge_hu)
    drawn = (code & DRAWN) > 0
    if drawn.any():
        inside |= drawn & (_smooth(closed, place, fine, (down, across)) > DRAWN_FROM)
    out = np.zeros(plane.shape, dtype=np.uint8)
    out[fine] = (code & np.uint8(3)) * inside
    return out


def _smooth(
    closed: Labels, place: tuple[Float32Array, int], fine: tuple[slice, slice], factors: tuple[int, int]
) -> Float32Array:
    """Interpolate the coarse outline linearly at the voxels of a part of one slice."""
    z = float(place[0][place[1]])
    low = int(np.clip(np.floor(z), 0, len(closed) - 1))
    high, part = min(low + 1, len(closed) - 1), np.float32(min(max(z - low, 0.0), 1.0))
    plane = (closed[low] > 0) * (1 - part) + (closed[high] > 0) * part
    for axis in (0, 1):
        at = np.clip(_places(fine[axis].stop, factors[axis])[fine[axis].start :], 0, plane.shape[axis] - 1)
        base = np.minimum(at.astype(int), max(plane.shape[axis] - 2, 0))
        weight = (at - base).astype(np.float32)
        weight = weight[:, None] if axis == 0 else weight[None]
        after = np.minimum(base + 1, plane.shape[axis] - 1)
        plane = np.take(plane, base, axis=axis) * (1 - weight) + np.take(plane, after, axis=axis) * weight
    smooth: Float32Array = plane.astype(np.float32)
    return smooth


def _places(count: int, factor: int) -> Float32Array:
    """Where voxels lie on the grid, as fractional indices of its blocks."""
    places: Float32Array = ((np.arange(count, dtype=np.float32) + 0.5) / factor - 0.5).astype(np.float32)
    return places
