"""Axial slices of any size as small pictures of one size in mm, the body in the middle."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

AIR_HU = -1000.0
TISSUE_HU = -500.0
COARSE_MM = 4.0  # at which it is looked where the body is
THIN_MM = 8.0  # half of what is too thin for a body, from front to back
AT_ONCE = 4  # slices that stay in a processor's cache


def shrink_slices(
    slices_hu: Tensor,
    spacing_mm: Sequence[float],
    side: int = 128,
    pixel_mm: float | None = 3.5,
    centred: bool = True,
) -> Tensor:
    """Show slices in a square field of one size, by means over exact areas.

    Args:
        slices_hu: ``(N, Y, X)`` HU of any real type; what is below -1000, as padding is, counts as air.
        spacing_mm: of a pixel, ``(x, y)``.
        side: of the field, in pixels.
        pixel_mm: size of a new pixel; None takes what shows the longer side of a slice whole, so that the same field is
            larger in a larger picture.
        centred: the field's middle is that of the body, in each slice for itself; else that of the slice.

    Returns:
        ``(N, side, side)`` float32, HU; outside of the slice it is air.

    Raises:
        ValueError: the slices are not as above, or a size is not positive.

    Example:
        >>> shrink_slices(torch.tensor([[[0.0, 100.0], [200.0, 300.0]]]), (1.0, 1.0), 1, 2.0, centred=False)
        tensor([[[150.]]])
    """
    if slices_hu.ndim != 3 or 0 in slices_hu.shape[1:]:
        raise ValueError(f"slices must be (N, Y, X) with pixels, got {tuple(slices_hu.shape)}")
    if side < 1 or min(*spacing_mm, 1.0 if pixel_mm is None else pixel_mm) <= 0:
        raise ValueError(f"sizes must be positive, got {side=}, {pixel_mm=}, spacing_mm={tuple(spacing_mm)}")
    rows, columns = slices_hu.shape[1:]
    x_mm, y_mm = (float(step) for step in spacing_mm)
    pixel = max(rows * y_mm, columns * x_mm) / side if pixel_mm is None else float(pixel_mm)
    field = (side, pixel / y_mm, pixel / x_mm)
    parts = [_shrink(part, (x_mm, y_mm), field, centred) for part in slices_hu.split(AT_ONCE)]
    return torch.cat(parts) if parts else slices_hu.new_empty((0, side, side), dtype=torch.float32)


def body_centres(slices_hu: Tensor, spacing_mm: Sequence[float]) -> Tensor:
    """Find about where the body lies in each slice: the middle of what is dense and thick.

    Layers that lie flat and are thinner than about 2 cm, such as most tables, are left out. It is no segmentation.

    Args:
        slices_hu: ``(N, Y, X)``, float.
        spacing_mm: of a pixel, ``(x, y)``.

    Returns:
        ``(N, 2)`` middle as ``(row, column)`` in pixel edges; that of the slice where nothing is dense.
    """
    shape = slices_hu.shape[1:]
    factors = [max(1, min(size, round(COARSE_MM / step))) for size, step in zip(shape, spacing_mm[::-1], strict=True)]
    coarse = functional.avg_pool2d(slices_hu[:, None], factors, ceil_mode=True, count_include_pad=False)
    half = max(1, round(THIN_MM / (factors[0] * spacing_mm[1])))
    half = min(half, (coarse.shape[2] - 1) // 2)
    thick = -functional.max_pool2d(-coarse, (2 * half + 1, 1), stride=1, padding=(half, 0))[:, 0] > TISSUE_HU
    ends = [_middle(thick.sum(dim=axis)) * factor for axis, factor in zip((2, 1), factors, strict=True)]
    whole = torch.tensor([size / 2 for size in shape]).to(slices_hu)
    middle = torch.stack(ends, dim=1).to(slices_hu)
    return torch.where(torch.isfinite(middle), middle, whole)


def _shrink(
    slices_hu: Tensor, spacing_mm: tuple[float, float], field: tuple[int, float, float], centred: bool
) -> Tensor:
    rows, columns = slices_hu.shape[1:]
    side, step_down, step_across = field
    slices = slices_hu.to(torch.float32, copy=True).clamp_(min=AIR_HU)
    middle = torch.tensor([[rows / 2, columns / 2]]).to(slices)
    middle = body_centres(slices, spacing_mm) if centred else middle.expand(len(slices), 2)
    slices -= AIR_HU  # air is 0, so that what lies outside of the slice is air
    down = _area_weights(middle[:, 0], rows, side, step_down)  # (N, side, Y)
    across = _area_weights(middle[:, 1], columns, side, step_across)  # (N, side, X)
    return torch.bmm(torch.bmm(down, slices), across.transpose(1, 2)) + AIR_HU


def _middle(counts: Tensor) -> Tensor:
    """Half way between the lines before and after which a tenth of what is dense lies; NaN if there is none."""
    total = counts.sum(dim=1, keepdim=True).float()
    first, from_last = ((each.cumsum(dim=1) >= 0.1 * total).float().argmax(dim=1) for each in (counts, counts.flip(1)))
    return torch.where(total[:, 0] > 0, (first + counts.shape[1] - from_last) / 2, torch.nan)


def _area_weights(middle: Tensor, pixels: int, side: int, step: float) -> Tensor:
    """What part of each new pixel each old one covers, ``(N, side, pixels)``; ``step`` old pixels for a new one."""
    low = middle[:, None] + (torch.arange(side, device=middle.device) - side / 2) * step  # (N, side)
    edges = torch.arange(pixels, device=middle.device, dtype=middle.dtype)
    upper = torch.minimum(low[..., None] + step, edges + 1)
    return (upper - torch.maximum(low[..., None], edges)).clamp(min=0.0) / step
