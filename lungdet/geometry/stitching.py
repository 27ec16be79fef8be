"""Stitching: who owns which part of a scan when patches overlap, and blending patches back into one.

A grid is a product: the starts along each axis say it all (:func:`lungdet.geometry.patches.grid_starts`). So owners and
weights are worked out axis by axis, and no volume of weights is ever made.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from .patches import empty_in_order

Blend = Literal["average", "gaussian"]
GAUSSIAN_SIGMA = 0.125  # of the patch size, as sliding-window inference usually has it


def owned_intervals(starts: Sequence[int], patch: int) -> list[tuple[float, float]]:
    """Divide an axis among the patches that start there: each point of the axis has exactly one owner.

    Neighbours share their overlap at its middle; the first owner reaches to minus, the last one to plus infinity.

    Args:
        starts: rising starts of the patches, in voxels.
        patch: voxels of a patch.

    Returns:
        Half-open intervals in the edge frame, one for each patch.

    Example:
        >>> owned_intervals([0, 4, 6], 4)
        [(-inf, 4.0), (4.0, 7.0), (7.0, inf)]
    """
    middles = [(last + patch + first) / 2 for last, first in pairwise(starts)]
    return list(zip([-math.inf, *middles], [*middles, math.inf], strict=True))


def owned_region(
    origin: Sequence[int], starts: Sequence[Sequence[int]], patch_size: Sequence[int]
) -> tuple[list[float], list[float]]:
    """Part of the scan that the patch at ``origin`` owns: min corner and max corner, edge frame, half-open.

    Example:
        >>> owned_region((0, 4), [[0], [0, 4]], (4, 6))
        ([-inf, 5.0], [inf, inf])
    """
    intervals = [
        owned_intervals(axis, patch)[list(axis).index(start)]
        for start, axis, patch in zip(origin, starts, patch_size, strict=True)
    ]
    return [low for low, _ in intervals], [high for _, high in intervals]


def starts_of(origins: Sequence[Sequence[int]]) -> list[list[int]]:
    """Read the starts along each axis from the origins of all patches of a grid.

    Raises:
        ValueError: there are none, some are missing or some come twice.

    Example:
        >>> starts_of([(0, 0), (0, 3), (4, 0), (4, 3)])
        [[0, 4], [0, 3]]
    """
    if not origins:
        raise ValueError("there are no patches to stitch")
    starts = [sorted(set(axis)) for axis in zip(*origins, strict=True)]
    wanted, distinct = math.prod(map(len, starts)), len({tuple(origin) for origin in origins})
    if distinct != len(origins):
        raise ValueError(f"{len(origins) - distinct} of {len(origins)} patches come twice")
    if distinct != wanted:
        raise ValueError(f"{wanted - distinct} of {wanted} patches of the grid are missing")
    return starts


def axis_weights(starts: Sequence[int], patch: int, length: int, blend: Blend = "average") -> list[Tensor]:
    """Weights of the patches along one axis; at every voxel of the axis they add up to 1.

    Args:
        starts: rising starts of the patches.
        patch: voxels of a patch.
        length: voxels of the image; what sticks out gets weights, too, but they are of no use.
        blend: ``"average"`` treats all voxels of a patch alike; ``"gaussian"`` trusts its middle most.

    Returns:
        For each patch ``(patch,)``, float64.

    Raises:
        ValueError: ``blend`` is unknown.

    Example:
        >>> [weights.tolist() for weights in axis_weights([0, 2], 3, 5)]
        [[1.0, 1.0, 0.5], [0.5, 1.0, 1.0]]
    """
    if blend not in ("average", "gaussian"):
        raise ValueError(f"blend must be 'average' or 'gaussian', got {blend!r}")
    window = torch.ones(patch, dtype=torch.float64)
    if blend == "gaussian":
        distance = (torch.arange(patch, dtype=torch.float64) - (patch - 1) / 2) / (GAUSSIAN_SIGMA * patch)
        window = torch.exp(-distance.square() / 2)
    total = torch.zeros(max(length, starts[-1] + patch), dtype=torch.float64)
    for start in starts:
        total[start : start + patch] += window
    return [window / total[start : start + patch] for start in starts]


def stitch_patches(
    patches: Sequence[Tensor], origins: Sequence[Sequence[int]], image_size: Sequence[int], blend: Blend = "average"
) -> Tensor:
    """Put patches of a grid back together.

    Patches that do not overlap are copied, bit for bit. Where they overlap they are blended in float32, or in the
    patches' own type if that is float64, and rounded at the end if the patches hold integers.

    Args:
        patches: one ``(C, *patch_size)`` tensor for each origin.
        origins: first voxel of each patch; together a whole grid, in any order.
        image_size: spatial size of the result; what sticks out of it is cut off.
        blend: how to weigh patches where they overlap, see :func:`axis_weights`.

    Returns:
        ``(C, *image_size)``, type and device of the patches.

    Raises:
        ValueError: a patch is missing or comes twice, patches differ in shape, or they do not cover the image.
    """
    starts = _checked_starts(patches, origins, image_size)
    patch_size = patches[0].shape[1:]
    apart = all(b - a >= length for axis, length in zip(starts, patch_size, strict=True) for a, b in pairwise(axis))
    kind = patches[0].dtype
    working = kind if apart or kind == torch.float64 else torch.float32
    out = empty_in_order(patches[0], (patches[0].shape[0], *image_size), working)
    if not apart:
        out.zero_()
    tables = [
        dict(zip(axis, axis_weights(axis, length, total, blend), strict=True))
        for axis, length, total in zip(starts, patch_size, image_size, strict=True)
    ]
    for patch, origin in zip(patches, origins, strict=True):
        sides = [min(length, total - at) for length, total, at in zip(patch_size, image_size, origin, strict=True)]
        target = out[(slice(None), *(slice(at, at + side) for at, side in zip(origin, sides, strict=True)))]
        source = patch[(slice(None), *map(slice, sides))]
        if apart:
            target.copy_(source)
        else:
            weights = [table[at][:side] for table, at, side in zip(tables, origin, sides, strict=True)]
            target.addcmul_(source.to(working), _outer(weights).to(target))
    if working != kind and not kind.is_floating_point:
        out.round_()
    return out.to(kind)


def _outer(vectors: Sequence[Tensor]) -> Tensor:
    """Outer product of one vector for each axis."""
    product = vectors[0]
    for vector in vectors[1:]:
        product = product.unsqueeze(-1) * vector
    return product


def _checked_starts(
    patches: Sequence[Tensor], origins: Sequence[Sequence[int]], image_size: Sequence[int]
) -> list[list[int]]:
    if len(patches) != len(origins):
        raise ValueError(f"{len(patches)} patches, but {len(origins)} origins")
    starts = starts_of(origins)
    shapes = {tuple(patch.shape) for patch in patches}
    if len(shapes) != 1:
        raise ValueError(f"patches must have one shape, got {sorted(shapes)}")
    size = patches[0].shape[1:]
    for axis, (firsts, length, total) in enumerate(zip(starts, size, image_size, strict=True)):
        steps = [b - a for a, b in pairwise(firsts)]
        if firsts[0] != 0 or max(steps, default=0) > length or firsts[-1] + length < total or firsts[-1] >= total:
            raise ValueError(f"patches of {length} voxels at {firsts} do not tile {total} voxels of axis {axis}")
    return starts
