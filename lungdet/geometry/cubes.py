"""Cubes of a CT around a mark, at one voxel size and with one order of the axes whatever the scan's are."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .frames import lps_to_ras, spacing_of, world_to_voxel

Floats: TypeAlias = NDArray[np.float64]

CUBE_SIDE = 48
CUBE_SPACING_MM = 1.0
AIR_HU = -1000.0
LOWEST_HU = -1024.0  # below is padding, which must not pull what is interpolated between it and tissue
MOST_SHRINK = 1.5  # an interpolation sees two voxels, so what shrinks more is a mean of several
PERPENDICULAR = 1e-2  # cosine between axes; more is a tilted gantry
_EDGE = 0.5 + 1e-6  # of a voxel, from its middle to its edge, which belongs to it in spite of rounding


@dataclass(frozen=True, eq=False)
class Cube:
    """A cube of a CT with the mark in its exact middle.

    Attributes:
        hu: ``(1, side, side, side)`` float32; the axes are the scan's, in the order and direction that is nearest to
            Right, Anterior, Superior, as after ``Orientationd(axcodes="RAS")``.
        affine_lps: ``(4, 4)`` voxel centres of the cube to LPS mm.
        inside: share of the cube that lies in the image, above 0 and up to 1; the rest is air, -1000 HU.
    """

    hu: NDArray[np.float32]
    affine_lps: Floats
    inside: float


def cut_cube(
    volume: NDArray[Any],
    affine_lps: Floats,
    center_lps_mm: Sequence[float] | Floats,
    side: int = CUBE_SIDE,
    spacing_mm: float = CUBE_SPACING_MM,
) -> Cube:
    """Cut a cube out of a CT.

    Values are interpolated linearly between the middles of voxels, and kept constant over the outer half of the
    outermost ones. Where the voxels of the scan are more than 1.5 times finer than the cube's, each voxel of the cube
    is the mean of as many interpolations as it takes to miss none. Scans may be oblique, but not sheared.

    Args:
        volume: ``(X, Y, Z)`` HU, integers or floating point; only what the cube needs is looked at or copied.
        affine_lps: ``(4, 4)`` voxel centres to LPS mm.
        center_lps_mm: the mark.
        side: voxels of the cube along each axis.
        spacing_mm: of the cube.

    Raises:
        ValueError: the image is not 3D or has one slice only, the axes are not perpendicular, the mark is no place in
            the image, or HU in the cube are not finite.

    Example:
        >>> hu = np.arange(6.0)[:, None, None] * 10 + np.zeros((6, 6, 6))  # rises to the left: LPS
        >>> cube = cut_cube(hu, np.eye(4), (2.5, 2.5, 2.5), side=2)
        >>> cube.hu[0, :, 0, 0], cube.inside  # falls to the right: RAS
        (array([30., 20.], dtype=float32), 1.0)
    """
    center = np.asarray(center_lps_mm, dtype=np.float64)
    _check(volume, affine_lps, center, side, spacing_mm)
    order, directions = nearest_to_ras(affine_lps)
    middle = world_to_voxel(center[None], affine_lps)[0]
    _check_mark(center, middle, volume.shape)
    offsets = (np.arange(side) - (side - 1) / 2) * spacing_mm
    spacing = spacing_of(affine_lps)
    spans, weights = [], []
    for axis, length in enumerate(volume.shape):
        direction = directions[order.index(axis)]
        places = middle[axis] + direction * offsets / spacing[axis]
        span, matrix = _axis_weights(places, spacing_mm / float(spacing[axis]), length)
        spans.append(span)
        weights.append(matrix)
    piece = _finite_piece(volume[tuple(spans)], center)
    hu = _apply(piece, weights).transpose(order) + np.float32(AIR_HU)
    inside = math.prod(float(matrix.sum()) / side for matrix in weights)
    axes = affine_lps[:3, :3] / spacing
    affine = np.eye(4)
    affine[:3, :3] = axes[:, order] * directions * spacing_mm
    affine[:3, 3] = center - affine[:3, :3] @ np.full(3, (side - 1) / 2)
    return Cube(np.ascontiguousarray(hu)[None], affine, min(1.0, inside))


def nearest_to_ras(affine_lps: Floats) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Tell which axis of a volume runs along Right, Anterior and Superior, and in which direction (1 or -1).

    Of the six orders the one whose axes lie closest together, as a whole, is taken.

    Example:
        >>> nearest_to_ras(np.eye(4))
        ((0, 1, 2), (-1, -1, 1))
    """
    cosines = lps_to_ras(affine_lps)[:3, :3] / spacing_of(affine_lps)  # rows: R, A, S; columns: axes
    orders = list(itertools.permutations(range(3)))
    best = max(orders, key=lambda order: sum(abs(cosines[to, axis]) for to, axis in enumerate(order)))
    signs = [1 if cosines[to, axis] > 0 else -1 for to, axis in enumerate(best)]
    return (best[0], best[1], best[2]), (signs[0], signs[1], signs[2])


def _axis_weights(places: Floats, step: float, length: int) -> tuple[slice, NDArray[np.float32]]:
    """Weights of the voxels of one axis for each voxel of the cube; a row sums to its share inside the image.

    Args:
        places: ``(side,)`` middles of the cube's voxels, in voxels of the image.
        step: from one to the next, in voxels of the image.
        length: voxels of the image.

    Returns:
        The voxels that count, and ``(side, voxels)`` weights.
    """
    several = 1 if step <= MOST_SHRINK else math.ceil(step)
    parts = ((np.arange(several) + 0.5) / several - 0.5) * step
    points = places[:, None] + parts  # (side, several)
    is_inside = (points >= -_EDGE) & (points <= length - 1 + _EDGE)
    points = np.clip(points, 0, length - 1)
    low = np.minimum(points.astype(np.int64), max(length - 2, 0))
    share = points - low
    matrix = np.zeros((len(places), length))
    rows = np.broadcast_to(np.arange(len(places))[:, None], points.shape)
    np.add.at(matrix, (rows, low), (1 - share) * is_inside / several)
    np.add.at(matrix, (rows, np.minimum(low + 1, length - 1)), share * is_inside / several)
    used = np.flatnonzero(matrix.any(axis=0))
    span = slice(int(used[0]), int(used[-1]) + 1)
    return span, np.ascontiguousarray(matrix[:, span], dtype=np.float32)


def _apply(piece: NDArray[np.float32], weights: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Weight a piece along each of its axes, above air; the axes stay in their order."""
    out = piece - np.float32(AIR_HU)
    for matrix in weights:
        out = np.tensordot(out, matrix, axes=(0, 1))  # the new axis comes last: after three, all are in order again
    return out


def _finite_piece(piece: NDArray[Any], center: Floats) -> NDArray[np.float32]:
    values = np.asarray(piece, dtype=np.float32)
    if not np.isfinite(values).all():
        bad = int(np.count_nonzero(~np.isfinite(values)))
        raise ValueError(
            f"{bad} of {values.size} voxels around the mark {_named(center)} are no finite HU: read the CT again, or "
            "fill them, such as with air (-1000)"
        )
    return np.maximum(values, np.float32(LOWEST_HU))


def _check(volume: NDArray[Any], affine: Floats, center: Floats, side: int, spacing_mm: float) -> None:
    if np.ndim(volume) == 3 and np.shape(volume)[2] == 1:
        raise ValueError("the scan has one slice, and a cube needs several: read the whole series")
    if np.ndim(volume) != 3 or min(np.shape(volume)) < 2:
        raise ValueError(
            f"a cube needs a 3D image (X, Y, Z) with at least 2 voxels along each axis, got shape {np.shape(volume)}"
        )
    if side < 1 or not 0 < spacing_mm < math.inf:
        raise ValueError(f"side and spacing_mm must be positive, got {side} and {spacing_mm}")
    if center.shape != (3,) or not np.isfinite(center).all():
        raise ValueError(f"wanted the mark as three finite numbers in LPS mm, got {_named(center)}")
    if np.shape(affine) != (4, 4) or not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise ValueError(f"affine_lps must be a finite (4, 4) matrix that can be inverted, got {affine}")
    axes = affine[:3, :3] / spacing_of(affine)
    if np.abs(axes.T @ axes - np.eye(3)).max() > PERPENDICULAR:
        raise ValueError("the image is sheared, as by a tilted gantry: straighten it first (read_ct does), or resample")


def _check_mark(center: Floats, middle: Floats, shape: tuple[int, ...]) -> None:
    if (middle < -_EDGE).any() or (middle > np.array(shape) - 1 + _EDGE).any():
        raise ValueError(
            f"the mark {_named(center)} mm (LPS) lies outside the image: voxel {middle.round(1).tolist()} of {shape}; "
            "give a mark of this scan, in LPS mm"
        )


def _named(center: Floats) -> list[float]:
    rounded: list[float] = np.round(center, 2).tolist()
    return rounded
