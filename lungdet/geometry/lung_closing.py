"""Close a lung on a coarse grid: vessels and nodules in it belong to it."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .lung_grid import LungGrid, Mask
from .lung_lumps import find_lumps
from .lung_pieces import LungPieces, ball, in_plane
from .lung_sides import LEFT, RIGHT, UNKNOWN
from .lung_surface import smooth_surfaces

Labels: TypeAlias = NDArray[np.uint8]

CLOSED_MM = 5.0  # vessels up to twice this thick
LARGEST_HOLE_CM2 = 8.0  # of a slice; the dome of the diaphragm is larger, but for its top
MARGIN = 4  # blocks around a lung


def close_lungs(grid: LungGrid, pieces: LungPieces, labels: Labels) -> Labels:
    """Close each lung, ``(Z, Y, X)`` labels.

    Gaps up to 10 mm are closed; dents of the surface, lumps in its nooks and holes are filled.
    """
    closed = labels.copy()
    free = (labels == 0) & pieces.trunk & ~pieces.airways
    for side in (RIGHT, LEFT, UNKNOWN):
        lung = labels == side
        if not lung.any():
            continue
        box = _box(lung, MARGIN)
        whole = _close_gaps(grid, lung[box])
        part = closed[box]
        part[whole & free[box] & (part == 0)] = side
    smooth_surfaces(closed, grid.hu, grid.step_mm, pieces.edge_hu)
    for side in (RIGHT, LEFT, UNKNOWN):
        lung = closed == side
        if lung.any():
            box = _box(lung, MARGIN)
            part = closed[box]
            part[find_lumps(grid, lung[box]) & free[box] & (part == 0)] = side
            lung = closed == side
            part[_fill_holes(grid, lung[box]) & pieces.trunk[box] & (part == 0)] = side  # bronchi, too
    return closed


def _close_gaps(grid: LungGrid, lung: Mask) -> Mask:
    """Close with a ball, as blocks have it, and fill holes."""
    turns = max(1, int(CLOSED_MM / grid.step_mm[2]))
    thin = grid.step_mm[0] <= CLOSED_MM / 2
    structures = [ball() if thin and turn % 2 == 0 else _disc(turn) for turn in range(turns)]
    margin = turns + 1
    grown = np.pad(lung, margin, mode="edge")
    for structure in structures:
        grown = ndimage.binary_dilation(grown, structure)
    for structure in structures:
        grown = ndimage.binary_erosion(grown, structure, border_value=1)
    inner = slice(margin, -margin)
    return _fill_holes(grid, grown[inner, inner, inner] | lung)


def _disc(turn: int) -> Mask:
    """Four neighbours and eight by turns make an octagon."""
    structure: Mask = in_plane() if turn % 2 == 0 else np.ones((1, 3, 3), dtype=bool)
    return structure


def _fill_holes(grid: LungGrid, lung: Mask) -> Mask:
    """Fill what no side is open of, and small holes of slices."""
    filled: Mask = ndimage.binary_fill_holes(lung)
    most = LARGEST_HOLE_CM2 * 100 / (grid.step_mm[1] * grid.step_mm[2])
    for plane in filled:
        labels, count = ndimage.label(~plane)
        small = np.bincount(labels.ravel(), minlength=count + 1) <= most
        small[0] = False
        for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
            small[edge] = False
        plane |= small[labels]
    return filled


def _box(mask: Mask, margin: int) -> tuple[slice, slice, slice]:
    """Bounds of a mask with a margin, within the array."""
    bounds = []
    for axis in range(3):
        places = np.flatnonzero(mask.any(axis=tuple(n for n in range(3) if n != axis)))
        bounds.append(slice(max(0, int(places[0]) - margin), min(mask.shape[axis], int(places[-1]) + 1 + margin)))
    return bounds[0], bounds[1], bounds[2]
