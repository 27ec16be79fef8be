"""Where a dense answer points to, and the cubes of the image around those places."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def peak_logits(logits: Tensor, peak_cells: int = 3) -> Tensor:
    """Keep the logits of local maxima and put minus infinity elsewhere.

    Args:
        logits: ``(B, gx, gy, gz)``.
        peak_cells: odd side of the neighbourhood, in cells, in which a peak must be the greatest.

    Returns:
        ``(B, gx, gy, gz)``.

    Raises:
        ValueError: ``peak_cells`` is even.

    Example:
        >>> peak_logits(torch.tensor([[[[0.0, 2.0, 1.0, 3.0]]]]))
        tensor([[[[-inf, 2., -inf, 3.]]]])
    """
    if peak_cells % 2 == 0:
        raise ValueError(f"peak_cells must be odd, got {peak_cells}")
    highest = functional.max_pool3d(logits[:, None], peak_cells, stride=1, padding=peak_cells // 2)[:, 0]
    return torch.where(logits == highest, logits, torch.full_like(logits, -torch.inf))


def top_cells(logits: Tensor, count: int, peak_cells: int = 3) -> tuple[Tensor, Tensor]:
    """Find the highest peaks of each image.

    Args:
        logits: ``(B, gx, gy, gz)``.
        count: how many to keep; fewer where the grid has fewer cells.
        peak_cells: see :func:`peak_logits`.

    Returns:
        Flat indices into the grid, ``(B, K)`` by falling logit, and which of them are peaks at all, ``(B, K)``: a grid
        may have fewer than ``count``.
    """
    peaks = peak_logits(logits, peak_cells).flatten(1)
    values, index = peaks.topk(min(count, peaks.shape[1]), dim=1)
    return index, torch.isfinite(values)


def cell_centers(index: Tensor, grid: tuple[int, int, int], stride_xyz: tuple[int, int, int]) -> Tensor:
    """Return the centres of cells in the edge frame of the image: ``(..., 3)`` voxels for flat indices ``(...)``.

    Example:
        >>> cell_centers(torch.tensor([5]), (2, 2, 2), (4, 4, 2))
        tensor([[6., 2., 3.]])
    """
    _, size_y, size_z = grid
    rest = torch.div(index, size_z, rounding_mode="floor")
    x, y, z = torch.div(rest, size_y, rounding_mode="floor"), rest % size_y, index % size_z
    cells = torch.stack([x, y, z], dim=-1)
    return (cells + 0.5) * torch.tensor(stride_xyz, dtype=torch.float32, device=index.device)


def cut_cubes(image: Tensor, centers: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Cut cubes of whole voxels out of images; beyond the border the edge is repeated.

    Args:
        image: ``(B, C, X, Y, Z)``.
        centers: ``(B, K, 3)`` voxels, edge frame; they may lie outside.
        side: voxels of a cube's side.

    Returns:
        The cubes, ``(B, K, C, side, side, side)``, and their true centres after rounding, ``(B, K, 3)``.
    """
    start = torch.round(centers - side / 2)
    steps = torch.arange(side, device=image.device)
    wanted = start.to(image.device).long()[..., None] + steps  # (B, K, 3, side)
    x, y, z = (wanted[:, :, axis].clamp(0, image.shape[2 + axis] - 1) for axis in range(3))
    batch = torch.arange(len(image), device=image.device)[:, None, None, None, None]
    cubes = image.movedim(1, -1)[
        batch, x[:, :, :, None, None], y[:, :, None, :, None], z[:, :, None, None, :]
    ]  # (B, K, side, side, side, C)
    return cubes.movedim(-1, 2), start + side / 2
