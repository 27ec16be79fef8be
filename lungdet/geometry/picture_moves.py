"""Small moves of a picture, all in one interpolation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample


@dataclass(frozen=True)
class PictureMove:
    """Mirror, then shear, turn, scale and shift a picture, about its centre.

    Attributes:
        degrees: turn, anti-clockwise as the picture is seen.
        scale: above 1 enlarges.
        aspect: above 1 makes the picture wider and lower.
        shear: how far a row moves to the right for each row that it lies below the centre.
        down: shift downwards, as a share of the rows.
        right: shift to the right, as a share of the columns.
        mirror: exchange left and right.

    Raises:
        ValueError: scale or aspect is not above 0.
    """

    degrees: float = 0.0
    scale: float = 1.0
    aspect: float = 1.0
    shear: float = 0.0
    down: float = 0.0
    right: float = 0.0
    mirror: bool = False

    def __post_init__(self) -> None:
        if self.scale <= 0 or self.aspect <= 0:
            raise ValueError(f"scale and aspect must be above 0, got {self.scale} and {self.aspect}")

    def to_source(self, rows: int, columns: int) -> NDArray[np.float64]:
        """Matrix ``(2, 3)`` from a place in the result to its place in the picture.

        Places are ``(x, y, 1)``, from -1 at the first pixel's outer edge to 1 at the last one's, ``x`` to the right and
        ``y`` downwards, as ``torch.nn.functional.grid_sample`` has them.
        """
        cos, sin = math.cos(math.radians(self.degrees)), math.sin(math.radians(self.degrees))
        mirror = np.diag([-1.0 if self.mirror else 1.0, 1.0])
        shear = np.array([[1.0, self.shear], [0.0, 1.0]])
        turn = np.array([[cos, sin], [-sin, cos]])  # y points down
        stretch = math.sqrt(self.aspect)
        scale = np.diag([self.scale * stretch, self.scale / stretch])
        forward = scale @ turn @ shear @ mirror  # in pixels, about the centre
        half = np.diag([columns / 2, rows / 2])
        back = np.linalg.inv(half) @ np.linalg.inv(forward) @ half
        moved: NDArray[np.float64] = np.hstack([back, -back @ [[2 * self.right], [2 * self.down]]])
        return moved


def move_picture(picture: Tensor, move: PictureMove, fill: str = "border") -> Tensor:
    """Move a picture, linear between pixels.

    Args:
        picture: ``(C, rows, columns)``.
        move: how.
        fill: what comes in from outside: ``"border"`` repeats the outermost pixel, ``"zeros"`` is black.

    Example:
        >>> move_picture(torch.tensor([[[1.0, 2.0, 4.0]]]), PictureMove(mirror=True)).tolist()
        [[[4.0, 2.0, 1.0]]]
    """
    to_source = torch.from_numpy(move.to_source(*picture.shape[-2:])).to(picture)
    grid = affine_grid(to_source[None], [1, *picture.shape], align_corners=False)
    return grid_sample(picture[None], grid, mode="bilinear", padding_mode=fill, align_corners=False)[0]
