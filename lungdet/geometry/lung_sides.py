"""Tell the right lung from the left one, also where they touch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .airways import middle_of
from .lung_borders import cut_borders
from .lung_cut import right_of_cut
from .lung_grid import LungGrid, Mask
from .lung_pieces import LungPieces

Labels: TypeAlias = NDArray[np.uint8]

RIGHT, LEFT, UNKNOWN = 1, 2, 3
APART_MM = 60.0  # the middles of two lungs, from side to side
FAIR_PART, LEAST_PART = 0.2, 0.03  # of the other lung: surely a lung; perhaps one
SEED_STEP_MM = 4.0
MOST_CROSSED = 0.12  # of the rows of lung: a cut between two lungs crosses tissue, one through a lung does not
MOST_IN_MIDDLE = 0.5  # of the rows of lung: the middle of a chest is mostly heart, great vessels and spine
EDGE_MM = 12.0  # air so near to the side of the scan is no windpipe


@dataclass(frozen=True)
class _Pair:
    """Two lungs as labels, or what is surely theirs, and how large the smaller one is by the larger."""

    seeds: Labels
    part: float


def split_lungs(grid: LungGrid, pieces: LungPieces) -> tuple[Labels, tuple[str, ...]]:
    """Label each lung, :data:`RIGHT` or :data:`LEFT` of the patient.

    Two pieces on two sides are the lungs, and what is left goes to the nearer one. Where there is one piece only, lungs
    that touch are cut apart, if there is tissue between them. A single lung is named by the side of the windpipe, or
    else of the middle of the trunk, that it lies on.

    Returns:
        ``(Z, Y, X)``, 0 elsewhere, and what a reader should know; :data:`UNKNOWN` where a small field shows one
        lung and nothing that tells which.
    """
    windpipe = middle_of(_off_the_edge(grid, pieces.airways), pieces.lungs)
    pair = _two_sides(grid, pieces.core)
    if pair is None or pair.part < FAIR_PART:
        pair = _cut(grid, pieces.lungs, windpipe, pieces.body_middle[0]) or pair
    if pair is not None:
        return _assign(grid, pieces.lungs, pair.seeds), ()
    side, by = _side_of(pieces, windpipe)
    labels: Labels = pieces.lungs.astype(np.uint8) * np.uint8(side)
    return labels, (f"only one lung is seen: {by}",)


def _off_the_edge(grid: LungGrid, airways: Mask) -> Mask:
    """Leave out what is at the sides of the scan."""
    edge = max(1, round(EDGE_MM / grid.step_mm[2]))
    inner = np.zeros_like(airways)
    inner[:, :, edge:-edge] = airways[:, :, edge:-edge]
    return inner


def _cut(grid: LungGrid, lungs: Mask, *middles: float | None) -> _Pair | None:
    """Cut what is one piece at the first of these columns that lies between two lungs; None if none does."""
    for middle in middles:
        if middle is None or _in_middle(lungs, middle) > MOST_IN_MIDDLE:
            continue
        right = right_of_cut(grid, lungs, middle)
        labels = np.where(right, np.uint8(RIGHT), np.uint8(LEFT)) * lungs
        sizes = np.bincount(labels.ravel(), minlength=3)[1:]
        part = float(sizes.min() / sizes.max())
        if part >= FAIR_PART and _crossed(labels) <= MOST_CROSSED:
            return _Pair(labels, part)
    return None


def _in_middle(lungs: Mask, middle: float) -> float:
    """Part of the rows with lung that have it in this column."""
    column = int(np.clip(round(middle), 0, lungs.shape[2] - 1))
    return float(lungs[:, :, column].sum() / max(1, lungs.any(axis=2).sum()))


def _crossed(labels: Labels) -> float:
    """Part of the rows with lung in which the two sides touch."""
    touching = (labels[:, :, :-1] == RIGHT) & (labels[:, :, 1:] == LEFT)
    return float(touching.any(axis=2).sum() / max(1, labels.any(axis=2).sum()))


def _two_sides(grid: LungGrid, core: Mask) -> _Pair | None:
    """Take the largest piece, and the largest one to the side of it."""
    labels, count = ndimage.label(core)
    if count < 2:
        return None
    places = np.flatnonzero(labels)
    numbers, columns = labels.ravel()[places], places % core.shape[2]
    sizes = np.bincount(numbers, minlength=count + 1).astype(np.float64)
    x_mm = np.bincount(numbers, columns, count + 1) / np.maximum(sizes, 1) * grid.step_mm[2]
    first = int(sizes.argmax())
    beside = np.where(np.abs(x_mm - x_mm[first]) >= APART_MM, sizes, 0)
    second = int(beside.argmax())
    if beside[second] < LEAST_PART * sizes[first]:
        return None
    names = np.zeros(count + 1, dtype=np.uint8)
    names[first], names[second] = (RIGHT, LEFT) if x_mm[first] < x_mm[second] else (LEFT, RIGHT)
    return _Pair(names[labels], float(beside[second] / sizes[first]))


def _assign(grid: LungGrid, lungs: Mask, seeds: Labels) -> Labels:
    """Give what is in no seed to the nearer one."""
    strides = [max(1, round(SEED_STEP_MM / mm)) for mm in grid.step_mm]
    coarse = seeds[:: strides[0], :: strides[1], :: strides[2]]
    step = [mm * stride for mm, stride in zip(grid.step_mm, strides, strict=True)]
    nearest = ndimage.distance_transform_edt(coarse == 0, sampling=step, return_distances=False, return_indices=True)
    owner = coarse[tuple(nearest)]
    for axis, stride in enumerate(strides):
        owner = np.repeat(owner, stride, axis=axis)
    z, y, x = lungs.shape
    labels: Labels = np.where(seeds > 0, seeds, owner[:z, :y, :x]) * lungs
    return labels


def _side_of(pieces: LungPieces, windpipe: float | None) -> tuple[int, str]:
    """Side of a single lung, and by what."""
    columns = pieces.lungs.sum(axis=(0, 1), dtype=np.float64)
    lung_x = float((columns * np.arange(len(columns))).sum() / columns.sum())
    middle, sure = pieces.body_middle if windpipe is None else (windpipe, True)
    side, name = (RIGHT, "the right one") if lung_x < middle else (LEFT, "the left one")
    if sure and not (_in_middle(pieces.lungs, middle) > MOST_IN_MIDDLE and _outer_part_is_cut(pieces.lungs, side)):
        return side, name
    return UNKNOWN, "which one cannot be told, since neither the windpipe nor both sides of the body are"


def _outer_part_is_cut(lungs: Mask, side: int) -> bool:
    """Whether the scan cuts a lung of this side where the ribs are: its bronchi tell nothing of the middle then."""
    return ("right" if side == RIGHT else "left") in cut_borders(lungs)
