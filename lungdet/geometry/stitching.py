"""Stitching: who owns which part of a scan when patches overlap, and blending patches back into one.

A grid is a product: the starts along each axis say it all (:func:`lungdet.geometry.patches.grid_starts`). So owners and
weights are worked out axis by axis, and no volume of weights as large as the scan is ever made.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
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


def axis_window(patch: int, blend: Blend = "average") -> Tensor:
    """How much the voxels of a patch count along one axis, ``(patch,)`` float64.

    Args:
        patch: voxels of a patch.
        blend: ``"average"`` treats all voxels of a patch alike; ``"gaussian"`` trusts its middle most.

    Raises:
        ValueError: ``blend`` is unknown.

    Example:
        >>> axis_window(3), axis_window(4, "gaussian")
        (tensor([1., 1., 1.], dtype=torch.float64), tensor([0.0111, 0.6065, 0.6065, 0.0111], dtype=torch.float64))
    """
    if blend not in ("average", "gaussian"):
        raise ValueError(f"blend must be 'average' or 'gaussian', got {blend!r}")
    if blend == "average":
        return torch.ones(patch, dtype=torch.float64)
    distance = torch.arange(patch, dtype=torch.float64) - (patch - 1) / 2
    return torch.exp(-(distance / (GAUSSIAN_SIGMA * patch)).square() / 2)


def axis_total(starts: Sequence[int], window: Tensor, length: int) -> Tensor:
    """Sum of the windows of all patches at every voxel of an axis, ``(length,)``: what blended values are divided by.

    Example:
        >>> axis_total([0, 2], axis_window(3), 5)
        tensor([1., 1., 2., 1., 1.], dtype=torch.float64)
    """
    total = torch.zeros(max(length, starts[-1] + len(window)), dtype=window.dtype)
    for start in starts:
        total[start : start + len(window)] += window
    return total[:length]


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
        blend: how to weigh patches where they overlap, see :func:`axis_window`.

    Returns:
        ``(C, *image_size)``, type, device and memory order of the patches.

    Raises:
        ValueError: a patch is missing or comes twice, patches differ in shape, or they do not cover the image.
    """
    starts = _checked_starts(patches, origins, image_size)
    patch_size, kind = patches[0].shape[1:], patches[0].dtype
    apart = all(b - a >= length for axis, length in zip(starts, patch_size, strict=True) for a, b in pairwise(axis))
    working = kind if apart or kind == torch.float64 else torch.float32
    out = empty_in_order(patches[0], (patches[0].shape[0], *image_size), working)
    if apart:
        for target, source in _overlaid(out, patches, origins):
            target.copy_(source)
        return out
    windows = [axis_window(length, blend).to(out) for length in patch_size]
    weight = None if blend == "average" else _outer(windows)
    out.zero_()
    for target, source in _overlaid(out, patches, origins):
        if weight is None:
            target.add_(source)
        else:
            target.addcmul_(source.to(working), weight[tuple(map(slice, source.shape[1:]))])
    for axis, (firsts, window, length) in enumerate(zip(starts, windows, image_size, strict=True), start=1):
        shape = [length if dimension == axis else 1 for dimension in range(out.ndim)]
        out.div_(axis_total(firsts, window, length).reshape(shape))
    return out.to(kind) if kind.is_floating_point else out.round_().to(kind)


def _overlaid(
    out: Tensor, patches: Sequence[Tensor], origins: Sequence[Sequence[int]]
) -> Iterator[tuple[Tensor, Tensor]]:
    """Part of ``out`` that each patch covers, and the part of the patch that lies in ``out``; both are views."""
    for patch, origin in zip(patches, origins, strict=True):
        region = tuple(slice(at, at + length) for at, length in zip(origin, patch.shape[1:], strict=True))
        target = out[(slice(None), *region)]
        yield target, patch[(slice(None), *map(slice, target.shape[1:]))]


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
