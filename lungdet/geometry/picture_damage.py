"""What befalls a radiograph on its way: turned, mirrored, collimated, badly exposed, inverted, coarsely quantised.

Pictures are ``(C, rows, columns)`` float in ``[0, 1]`` and stay so. Nothing here draws at random.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample


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


def move_picture(
    picture: Tensor,
    degrees: float = 0.0,
    scale: float = 1.0,
    shift: tuple[float, float] = (0.0, 0.0),
    mirror: bool = False,
    fill: str = "border",
) -> Tensor:
    """Mirror, turn about the centre, scale and shift a picture in one interpolation, linear between pixels.

    Args:
        picture: ``(C, rows, columns)``.
        degrees: anti-clockwise, as the picture is seen.
        scale: above 1 enlarges what is shown.
        shift: downwards and to the right, as shares of the rows and the columns.
        mirror: exchange left and right, before all else.
        fill: what comes in from outside: ``"border"`` repeats the outermost pixel, ``"zeros"`` is black.

    Raises:
        ValueError: the scale is not above 0.
    """
    if scale <= 0:
        raise ValueError(f"scale must be above 0, got {scale}")
    rows, columns = picture.shape[-2:]
    cos, sin = math.cos(math.radians(degrees)) / scale, math.sin(math.radians(degrees)) / scale
    down, right = 2 * shift[0], 2 * shift[1]  # grid_sample counts from -1 to 1
    # Where each pixel of the result comes from: undo the shift, the turn and the scale, then the mirror.
    across = [cos, -sin * rows / columns]
    along = [sin * columns / rows, cos]
    across.append(-across[0] * right - across[1] * down)
    along.append(-along[0] * right - along[1] * down)
    if mirror:
        across = [-value for value in across]
    theta = torch.tensor([[across, along]], dtype=picture.dtype, device=picture.device)
    grid = affine_grid(theta, [1, *picture.shape], align_corners=False)
    return grid_sample(picture[None], grid, mode="bilinear", padding_mode=fill, align_corners=False)[0]
