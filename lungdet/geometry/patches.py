"""Patches: where they start in a scan, and cutting them out without copying what need not be copied."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

Border = Literal["pad", "shift"]


def axis_starts(length: int, patch: int, step: int, border: Border = "pad") -> list[int]:
    """Where patches start along one axis, so that every voxel is in at least one.

    Args:
        length: voxels of the image along the axis.
        patch: voxels of a patch.
        step: voxels from one start to the next; ``step == patch`` makes a partition.
        border: ``"pad"`` keeps the step and lets the last patch stick out at the far end; ``"shift"`` moves the last
            patch back inside, so that it overlaps more (a patch longer than the image sticks out in any case).

    Returns:
        Rising starts, the first one 0.

    Raises:
        ValueError: a length is not positive, or the step leaves gaps.

    Example:
        >>> axis_starts(10, 4, 4), axis_starts(10, 4, 4, border="shift"), axis_starts(10, 4, 2)
        ([0, 4, 8], [0, 4, 6], [0, 2, 4, 6])
    """
    if min(length, patch, step) < 1 or step > patch:
        raise ValueError(f"wanted length, patch and step of 1 or more and no gaps, got {length}, {patch}, {step}")
    if border not in ("pad", "shift"):
        raise ValueError(f"border must be 'pad' or 'shift', got {border!r}")
    count = 1 + max(0, -(-(length - patch) // step))
    starts = [index * step for index in range(count)]
    if border == "shift":
        starts[-1] = max(0, min(starts[-1], length - patch))
    return starts


def grid_starts(
    image_size: Sequence[int], patch_size: Sequence[int], step: Sequence[int], border: Border = "pad"
) -> list[list[int]]:
    """:func:`axis_starts` for every axis of an image.

    Raises:
        ValueError: the three sizes have different lengths; see also :func:`axis_starts`.

    Example:
        >>> grid_starts((10, 4), (4, 4), (4, 4))
        [[0, 4, 8], [0]]
    """
    if not len(image_size) == len(patch_size) == len(step):
        raise ValueError(f"image, patch and step need as many axes: {image_size}, {patch_size}, {step}")
    return [axis_starts(*axis, border) for axis in zip(image_size, patch_size, step, strict=True)]


def grid_origins(starts: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """Origins of all patches of a grid, the last axis running fastest.

    Example:
        >>> grid_origins([[0, 4], [0, 3]])
        [(0, 0), (0, 3), (4, 0), (4, 3)]
    """
    return list(itertools.product(*starts))


def extract_patch(
    image: Tensor, origin: Sequence[int], patch_size: Sequence[int], pad_value: float | None = None
) -> Tensor:
    """Cut one patch out of an image.

    Inside the image the patch is a **view**: nothing is copied, and writing to it writes to the image. Where it sticks
    out, it alone is copied into a new block filled with ``pad_value``; the image as a whole is never padded.

    Args:
        image: ``(C, X, Y, Z)``, or any number of spatial axes after the first.
        origin: first voxel of the patch, one number for each spatial axis; may be negative.
        patch_size: voxels of the patch along each spatial axis.
        pad_value: value of voxels outside the image.

    Returns:
        ``(C, *patch_size)``, type, device and memory order of ``image``.

    Raises:
        ValueError: the patch sticks out and no ``pad_value`` was given, or the axes do not fit.

    Example:
        >>> image = torch.arange(4.0).reshape(1, 4)
        >>> extract_patch(image, (1,), (2,)), extract_patch(image, (3,), (2,), pad_value=-1)
        (tensor([[1., 2.]]), tensor([[ 3., -1.]]))
    """
    size = image.shape[1:]
    if not len(size) == len(origin) == len(patch_size):
        raise ValueError(f"image {tuple(image.shape)} needs {len(size)} axes, got {tuple(origin)}, {tuple(patch_size)}")
    ends = [start + length for start, length in zip(origin, patch_size, strict=True)]
    low = [max(0, min(start, length)) for start, length in zip(origin, size, strict=True)]
    high = [max(0, min(end, length)) for end, length in zip(ends, size, strict=True)]
    inside = image[(slice(None), *map(slice, low, high))]
    if inside.shape[1:] == tuple(patch_size):
        return inside
    if pad_value is None:
        raise ValueError(
            f"the patch at {tuple(origin)} of size {tuple(patch_size)} sticks out of the image of size {tuple(size)}: "
            "give pad_value, or border='shift' for a grid"
        )
    before = [max(0, min(-start, length)) for start, length in zip(origin, patch_size, strict=True)]
    after = [total - first - held for total, first, held in zip(patch_size, before, inside.shape[1:], strict=True)]
    return pad_image(inside, before, after, pad_value)


def pad_image(image: Tensor, before: Sequence[int], after: Sequence[int], value: float) -> Tensor:
    """Put a border of ``value`` around an image, in the memory order of the image.

    Keeping the order matters: a scan usually is an ``(X, Y, Z)`` view of a ``(Z, Y, X)`` block, and padding it into a
    C-ordered block would read it against the grain.

    Args:
        image: ``(C, X, Y, Z)``, or any number of spatial axes after the first.
        before: voxels to add in front of each spatial axis, none of them negative.
        after: voxels to add behind each spatial axis, likewise.
        value: what they hold.

    Raises:
        ValueError: a width is negative.

    Example:
        >>> pad_image(torch.ones(1, 2), (1,), (2,), 0)
        tensor([[0., 1., 1., 0., 0.]])
    """
    if min(*before, *after) < 0:
        raise ValueError(f"pad widths must not be negative, got {tuple(before)} and {tuple(after)}")
    size = [first + length + last for first, length, last in zip(before, image.shape[1:], after, strict=True)]
    out = empty_in_order(image, (image.shape[0], *size))
    rest = out
    for axis, (first, length, last) in enumerate(zip(before, image.shape[1:], after, strict=True), start=1):
        rest.narrow(axis, 0, first).fill_(value)
        rest.narrow(axis, first + length, last).fill_(value)
        rest = rest.narrow(axis, first, length)
    rest.copy_(image)
    return out


def empty_in_order(image: Tensor, shape: Sequence[int], dtype: torch.dtype | None = None) -> Tensor:
    """Make an empty tensor of ``shape`` whose axes lie in memory in the order of those of ``image``.

    Example:
        >>> scan = torch.zeros(4, 3, 2).permute(2, 1, 0)
        >>> empty_in_order(scan, (2, 5, 6)).stride() == torch.zeros(6, 5, 2).permute(2, 1, 0).stride()
        True
    """
    order = sorted(range(image.ndim), key=lambda axis: (-int(image.stride()[axis]), axis))
    block = torch.empty([shape[axis] for axis in order], dtype=dtype or image.dtype, device=image.device)
    return block.permute(sorted(range(image.ndim), key=order.__getitem__))
