"""What on a coarse CT is lung: pieces of the right darkness in the trunk, without airways and gas in the belly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .airways import find_airways
from .lung_grid import Float32Array, LungGrid, Mask

Float64Array: TypeAlias = NDArray[np.float64]

FIRST_EDGE_HU = -450.0  # until the density of the lungs is known
TISSUE_HU = 30.0  # what a lung ends at; its edge is half way
EDGES_HU = (-550.0, -350.0)
LUNG_MEAN_HU = (-945.0, -480.0)  # of the inner part of a piece; below is gas, above a mix of other things
LEAST_ML, LEAST_PART = 10.0, 0.01  # of a piece, and of the largest
GAS_BELOW_HU, GAS_PART, GAS_SPREAD = -915.0, 0.2, 0.5  # of a piece; size and spread of HU by those of the largest
LEAST_ML_PER_MM = 0.4  # of the height of a scan that is low: a piece of 4 cm2 in each slice
BOX_MARGIN = 6  # blocks
REGAIN_TURNS = 5  # blocks by which pieces grow back into thin parts


@dataclass(frozen=True, eq=False)
class LungPieces:
    """Both lungs, not told apart.

    Attributes:
        lungs: ``(Z, Y, X)``; vessels, nodules and bronchi may be holes in it.
        core: of them, without a rim: pieces are apart that only touch.
        other_air: air and gas that is no lung.
        airways: windpipe and main bronchi.
        trunk: the body.
        edge_hu: half way between lung and tissue.
        body_middle: column of the middle of the trunk, and whether the field shows both its sides.
        reason: why there are no lungs; empty if there are.
    """

    lungs: Mask
    core: Mask
    other_air: Mask
    airways: Mask
    trunk: Mask
    edge_hu: float
    body_middle: tuple[float, bool]
    reason: str = ""


def airy_box(grid: LungGrid, trunk: Mask) -> tuple[slice, slice, slice] | None:
    """Bounds of all air in the trunk, with a margin; None without any."""
    air: Mask = (grid.hu < FIRST_EDGE_HU) & trunk
    spans = []
    for axis, size in enumerate(air.shape):
        places = np.flatnonzero(air.any(axis=tuple(n for n in range(3) if n != axis)))
        if not len(places):
            return None
        spans.append(slice(max(0, int(places[0]) - BOX_MARGIN), min(size, int(places[-1]) + 1 + BOX_MARGIN)))
    return spans[0], spans[1], spans[2]


def middle_of_body(trunk: Mask) -> tuple[float, bool]:
    """Column of the middle of a trunk, the mean over slices, and whether most slices show both its sides."""
    seen = np.asarray(trunk.any(axis=1))
    seen = seen[seen.max(axis=1, initial=False)]
    if not len(seen):
        return (trunk.shape[2] - 1) / 2, False
    first, last = seen.argmax(axis=1), seen.shape[1] - 1 - seen[:, ::-1].argmax(axis=1)
    whole = (first > 0) & (last < seen.shape[1] - 1)
    return float((first + last).mean() / 2), bool(whole.mean() > 0.5)


def find_pieces(grid: LungGrid, trunk: Mask, body_middle: tuple[float, bool]) -> LungPieces:
    """Find the lungs on a coarse grid.

    Args:
        grid: the scan.
        trunk: ``(Z, Y, X)``, see :func:`~lungdet.geometry.lung_grid.inside_body`.
        body_middle: see :func:`middle_of_body`; columns are those of ``grid``.
    """
    airways = find_airways(grid, trunk)
    walls = ndimage.binary_dilation(airways, in_plane(), iterations=1)
    core, mean_hu, reason = _choose(grid, (grid.hu < FIRST_EDGE_HU) & trunk & ~walls)
    edge = float(np.clip((mean_hu + TISSUE_HU) / 2, *EDGES_HU))
    air = (grid.hu < edge) & trunk & ~walls
    lungs = ndimage.binary_dilation(core, ball(), iterations=REGAIN_TURNS, mask=air) if core.any() else core
    return LungPieces(lungs, core, (grid.hu < edge) & ~lungs, airways, trunk, edge, body_middle, reason)


def in_plane() -> Mask:
    """Neighbours within a slice, ``(1, 3, 3)``, the pixel itself included."""
    structure: Mask = ndimage.generate_binary_structure(2, 1)
    return structure[None]


def ball() -> Mask:
    """The six neighbours, ``(3, 3, 3)``, and the block itself."""
    structure: Mask = ndimage.generate_binary_structure(3, 1)
    return structure


def _choose(grid: LungGrid, air: Mask) -> tuple[Mask, float, str]:
    """Choose the pieces that are lung, without their rims: ``(core, mean HU, reason)``."""
    core = ndimage.binary_erosion(air, ball() if grid.factors[0] > 1 else in_plane(), border_value=1)
    labels, count = ndimage.label(core)
    if not count:
        return core, FIRST_EDGE_HU, "there is no air in the body"
    numbers = labels[core]
    sizes = np.bincount(numbers, minlength=count + 1).astype(np.float64)
    mean = np.bincount(numbers, grid.hu[core], count + 1) / np.maximum(sizes, 1)
    large = sizes * grid.block_ml >= min(LEAST_ML, LEAST_ML_PER_MM * len(air) * grid.step_mm[0])
    fits = large & (mean > LUNG_MEAN_HU[0]) & (mean < LUNG_MEAN_HU[1])
    if not fits.any():
        found = "only gas, too dark for a lung" if large.any() else "only little air"
        return np.zeros_like(core), FIRST_EDGE_HU, f"{found} is in the body"
    fits &= sizes >= LEAST_PART * sizes[fits].max()
    _drop_gas(fits, mean, sizes, (numbers, grid.hu[core]))
    chosen: Mask = fits[labels]
    return chosen, float((sizes[fits] * mean[fits]).sum() / sizes[fits].sum()), ""


def _drop_gas(fits: Mask, mean: Float64Array, sizes: Float64Array, blocks: tuple[NDArray[Any], Float32Array]) -> None:
    """Take back, in place, small pieces that are dark and even: gas has no vessels in it, lung does.

    Args:
        fits: ``(pieces,)``, what was chosen by density.
        mean: likewise, HU.
        sizes: likewise, blocks.
        blocks: the piece and the HU of each block.
    """
    numbers, hu = blocks
    largest = int(np.where(fits, sizes, 0).argmax())
    doubtful = np.flatnonzero(fits & (mean < GAS_BELOW_HU) & (sizes < GAS_PART * sizes[largest]))
    if not len(doubtful):
        return
    spread = {piece: np.ptp(np.percentile(hu[numbers == piece], (10, 90))) for piece in (largest, *doubtful)}
    fits[[piece for piece in doubtful if spread[piece] < GAS_SPREAD * spread[largest]]] = False
