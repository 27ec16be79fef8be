"""Bring a picture to a square of one size, its aspect kept: exact averages when it shrinks, straight lines between."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import interpolate


def fit_size(rows: int, columns: int, side: int) -> tuple[int, int]:
    """Tell the size of a picture whose longest side becomes ``side``, the other rounded to a pixel, at least 1.

    Raises:
        ValueError: the picture is empty, or ``side`` is below 1.

    Example:
        >>> fit_size(2500, 2048, 128), fit_size(1, 900, 64)
        ((128, 105), (1, 64))
    """
    if min(rows, columns, side) < 1:
        raise ValueError(f"wanted a picture and a side of at least 1 pixel, got {rows} x {columns} and side {side}")
    longest = max(rows, columns)
    return max(1, (2 * rows * side + longest) // (2 * longest)), max(1, (2 * columns * side + longest) // (2 * longest))


def centred_widths(rows: int, columns: int, side: int) -> tuple[int, int, int, int]:
    """Tell the padding ``(left, right, top, bottom)`` that centres a picture in a square; an odd pixel goes last.

    Example:
        >>> centred_widths(128, 105, 128)
        (11, 12, 0, 0)
    """
    left, top = (side - columns) // 2, (side - rows) // 2
    return left, side - columns - left, top, side - rows - top


def resize_picture(picture: Tensor, rows: int, columns: int) -> Tensor:
    """Resize a picture, each axis by itself: averages over exact areas where it shrinks, else linear between centres.

    A pixel that the new grid cuts counts by the share that is inside, so the mean of the picture is kept when it
    shrinks, and no value leaves the range of what was there.

    Args:
        picture: ``(C, rows, columns)`` float.
        rows: of the result.
        columns: of the result.

    Returns:
        ``(C, rows, columns)``, the picture itself if nothing changes.

    Raises:
        ValueError: the picture is empty, or the new size is.
    """
    old_rows, old_columns = picture.shape[-2:]
    if min(old_rows, old_columns, rows, columns) < 1:
        raise ValueError(f"cannot resize {old_rows} x {old_columns} to {rows} x {columns}: both need a pixel at least")
    if columns < old_columns:
        picture = picture @ _area_weights(old_columns, columns).to(picture).T
    if rows < old_rows:
        picture = _area_weights(old_rows, rows).to(picture) @ picture
    if picture.shape[-2:] == (rows, columns):
        return picture
    return interpolate(picture[None], size=(rows, columns), mode="bilinear", align_corners=False)[0]


def border_value(picture: Tensor) -> Tensor:
    """Median of the outermost pixels of each channel, ``(C, rows, columns)`` to ``(C,)``; half-way between two.

    So the padding of an inverted picture is the inverse of the padding of the picture.

    Example:
        >>> border_value(torch.tensor([[[0.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.5, 0.0, 1.0]]]))
        tensor([0.])
    """
    edges = [picture[:, 0], picture[:, -1], picture[:, 1:-1, 0], picture[:, 1:-1, -1]]
    ordered = torch.cat(edges, dim=1).sort(dim=1).values
    count = ordered.shape[1]
    return (ordered[:, (count - 1) // 2] + ordered[:, count // 2]) / 2


def pad_picture(picture: Tensor, widths: tuple[int, int, int, int], values: Tensor) -> Tensor:
    """Pad a picture by ``(left, right, top, bottom)`` pixels with a value for each channel.

    Args:
        picture: ``(C, rows, columns)``.
        widths: pixels to add, 0 or more.
        values: ``(C,)``.
    """
    if not any(widths):
        return picture
    left, right, top, bottom = widths
    rows, columns = picture.shape[-2:]
    out = values[:, None, None].to(picture).repeat(1, rows + top + bottom, columns + left + right)
    out[:, top : top + rows, left : left + columns] = picture
    return out


@lru_cache(maxsize=64)
def _area_weights(old: int, new: int) -> Tensor:
    """Share of each old pixel in each new one, ``(new, old)``; rows sum to 1."""
    bounds = torch.arange(new + 1, dtype=torch.float64) * old / new
    low, high = bounds[:-1, None], bounds[1:, None]
    left = torch.arange(old, dtype=torch.float64)[None]
    overlap = (torch.minimum(high, left + 1) - torch.maximum(low, left)).clamp_min(0)
    return (overlap * (new / old)).to(torch.float32)
