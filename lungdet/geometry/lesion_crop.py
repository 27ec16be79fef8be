"""Square pieces of a slice around a lesion, at a size in mm that does not depend on the scanner."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample

from .hounsfield import scale_hu

AIR_HU = -1000.0
# The mean of a wide and a narrow window shows lung and bone, and still parts soft tissues.
TONES_HU = ((-1000.0, 1000.0), (-160.0, 240.0))


def crop_at_mm(
    image: Tensor,
    center_edge: Sequence[float],
    spacing_mm: Sequence[float],
    side_mm: float,
    side_px: int,
    fill: float = 0.0,
) -> Tensor:
    """Cut a square out of an image, and bring it to a fixed pixel size.

    Each pixel of the result is the mean of as many linear interpolations as it takes to miss no pixel of the image, so
    that shrinking does not alias.

    Args:
        image: ``(C, rows, columns)`` floating point.
        center_edge: ``(x, y)`` of the square's centre, column then row, in the edge frame.
        spacing_mm: pixel size ``(x, y)``; more values are not looked at.
        side_mm: of the square.
        side_px: rows and columns of the result.
        fill: value outside the image.

    Returns:
        ``(C, side_px, side_px)``.

    Raises:
        ValueError: the image has another shape, or a size is not positive.

    Example:
        >>> crop_at_mm(torch.arange(16.0).reshape(1, 4, 4), (2, 2), (1, 1), side_mm=2, side_px=2)
        tensor([[[ 5.,  6.],
                 [ 9., 10.]]])
    """
    if image.ndim != 3 or not image.dtype.is_floating_point:
        raise ValueError(f"wanted (C, rows, columns) of floating point, got {tuple(image.shape)} of {image.dtype}")
    if min(side_mm, side_px, *spacing_mm[:2]) <= 0:
        raise ValueError(f"sizes must be positive, got {side_mm} mm, {side_px} pixels, spacing {tuple(spacing_mm)}")
    step = [side_mm / side_px / spacing for spacing in spacing_mm[:2]]  # pixels of the image for one of the result
    several = max(1, math.ceil(max(step) / 2))  # an interpolation sees two pixels
    count = side_px * several
    offsets = (torch.arange(count, dtype=torch.float64) + 0.5) * side_px / count - side_px / 2
    places = [center + offsets * size for center, size in zip(center_edge[:2], step, strict=True)]
    rows, columns = image.shape[1:]
    x, y = 2 * places[0] / columns - 1, 2 * places[1] / rows - 1  # -1 and 1 are the outer edges
    grid = torch.stack(torch.broadcast_tensors(x[None, :], y[:, None]), dim=-1)[None].to(image)
    found = grid_sample((image - fill)[None], grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return avg_pool2d(found, several)[0] + fill


def tone_hu(image_hu: Tensor, windows_hu: Sequence[tuple[float, float]] = TONES_HU) -> Tensor:
    """Map HU to ``[0, 1]`` by the mean of several windows: rising everywhere, steepest where they overlap.

    Raises:
        ValueError: there is no window, or one does not rise.

    Example:
        >>> tone_hu(torch.tensor([-1000.0, -160.0, 40.0, 240.0, 1000.0]))
        tensor([0.0000, 0.2100, 0.5100, 0.8100, 1.0000])
    """
    if not windows_hu:
        raise ValueError("wanted at least one window (low_hu, high_hu)")
    tones = [scale_hu(image_hu, low, high, clip=True) for low, high in windows_hu]
    return torch.stack(tones).mean(dim=0)
