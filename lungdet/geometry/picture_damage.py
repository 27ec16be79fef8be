"""What befalls a radiograph on its way: on its side, collimated, covered, badly exposed, inverted, coarsely quantised.

Pictures are ``(C, rows, columns)`` float in ``[0, 1]`` and stay so. Nothing here draws at random.
"""

from __future__ import annotations

import torch
from torch import Tensor


def invert_picture(picture: Tensor) -> Tensor:
    """Turn bone bright into bone dark and back.

    Example:
        >>> invert_picture(torch.tensor([[[0.25, 1.0]]]))
        tensor([[[0.7500, 0.0000]]])
    """
    return 1 - picture


def quarter_turn(picture: Tensor, turns: int) -> Tensor:
    """Turn a square picture by ``turns`` times 90 degrees, anti-clockwise.

    Raises:
        ValueError: a turn would change the picture's shape.
    """
    rows, columns = picture.shape[-2:]
    if rows != columns and turns % 2:
        raise ValueError(f"a quarter turn needs a square picture, got {rows} x {columns}: put FitPictured before it")
    return torch.rot90(picture, turns % 4, dims=(-2, -1)).contiguous()


def cut_out(picture: Tensor, box: tuple[float, float, float, float], value: float = 0.5) -> Tensor:
    """Cover a rectangle of a picture.

    Args:
        picture: ``(C, rows, columns)``.
        box: ``(top, bottom, left, right)`` edges, as shares of the rows and columns, in ``[0, 1]``.
        value: of the cover.

    Example:
        >>> cut_out(torch.zeros(1, 1, 4), (0, 1, 0.25, 0.75)).tolist()
        [[[0.0, 0.5, 0.5, 0.0]]]
    """
    rows, columns = picture.shape[-2:]
    out = picture.clone()
    out[:, int(box[0] * rows) : int(box[1] * rows), int(box[2] * columns) : int(box[3] * columns)] = value
    return out


def collimate(picture: Tensor, borders: tuple[float, float, float, float], value: float = 0.0) -> Tensor:
    """Blank the borders of a picture.

    Args:
        picture: ``(C, rows, columns)``.
        borders: ``(top, bottom, left, right)`` shares of the rows and columns, each below one half.
        value: of the borders.

    Raises:
        ValueError: a share is negative, or would leave nothing.

    Example:
        >>> collimate(torch.ones(1, 1, 5), (0, 0, 0.2, 0.4)).tolist()
        [[[0.0, 1.0, 1.0, 0.0, 0.0]]]
    """
    if not all(0 <= share < 0.5 for share in borders):
        raise ValueError(f"borders must be shares from 0 to below 0.5, got {borders}")
    rows, columns = picture.shape[-2:]
    top, bottom = int(borders[0] * rows), rows - int(borders[1] * rows)
    left, right = int(borders[2] * columns), columns - int(borders[3] * columns)
    out = torch.full_like(picture, value)
    out[:, top:bottom, left:right] = picture[:, top:bottom, left:right]
    return out


def expose(
    picture: Tensor, gamma: float = 1.0, gain: float = 1.0, offset: float = 0.0, noise: float = 0.0, seed: int = 0
) -> Tensor:
    """Change the exposure: ``gain * picture ** gamma + offset``, with grain, cut to ``[0, 1]``.

    Args:
        picture: ``(C, rows, columns)``.
        gamma: above 1 darkens what is neither black nor white.
        gain: contrast.
        offset: brightness.
        noise: standard deviation of the grain where the picture is white; half as much where it is black, since bone
            lets fewer quanta through.
        seed: of the grain.
    """
    out = picture if gamma == 1 else picture.pow(gamma)
    if gain != 1 or offset:
        out = out * gain + offset
    if noise > 0:
        generator = torch.Generator().manual_seed(seed)
        grain = torch.randn(picture.shape, generator=generator).to(picture)
        out = out + grain * (picture + 1) * (noise / 2)
    return out.clamp(0, 1)


def quantise(picture: Tensor, levels: int) -> Tensor:
    """Round to ``levels`` values from 0 to 1.

    Raises:
        ValueError: there are fewer than two levels.

    Example:
        >>> quantise(torch.tensor([[[0.1, 0.3, 1.0]]]), 3)
        tensor([[[0.0000, 0.5000, 1.0000]]])
    """
    if levels < 2:
        raise ValueError(f"wanted at least 2 levels, got {levels}")
    return (picture * (levels - 1)).round_() / (levels - 1)
