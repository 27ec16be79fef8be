"""Boxes to what a network should answer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .coder import BoxCoder

# The fall-off is a Gaussian whose sigma is this part of the box's side, and at least MIN_SIGMA_CELLS.
SIGMA_OF_SIDE = 0.25
MIN_SIGMA_CELLS = 0.5


@dataclass(frozen=True)
class DetectionTarget:
    """What a network should answer for one image, or a batch of them with a leading ``B``.

    Attributes:
        heat: ``(1, gx, gy, gz)`` in [0, 1]: exactly 1 in the cell of a centre, falling off around it.
        center_weight: ``(1, gx, gy, gz)``: 0 where the centre loss is to look away, else 1.
        offset: ``(3, gx, gy, gz)``: from the cell's centre to the box's centre, in cells.
        log_size: ``(3, gx, gy, gz)``: log of the sides over the coder's reference.
        box_weight: ``(1, gx, gy, gz)``: how much offset and size count; 0 away from any centre.
    """

    heat: Tensor
    center_weight: Tensor
    offset: Tensor
    log_size: Tensor
    box_weight: Tensor


def encode_targets(
    boxes: Tensor, grid: tuple[int, int, int], coder: BoxCoder | None = None, ignore_boxes: Tensor | None = None
) -> DetectionTarget:
    """Encode the boxes of one image.

    A cell belongs to the box with the greatest heat there. Offset and size are asked of the cells whose centre lies
    within one cell of a box's centre, so a peak beside the right cell still decodes well. A box whose centre is off the
    grid, cut off by the border of a patch, is neither nodule nor background: its cells are ignored.

    Args:
        boxes: ``(N, 6)`` in the edge frame of the network's input, min corner then max corner, in voxels; often empty.
        grid: ``(gx, gy, gz)``, the output's size.
        coder: how boxes are tied to cells; that of ``NoduleDetector`` if None.
        ignore_boxes: ``(M, 6)`` regions whose cells carry no centre loss (but a nodule's own centre cell does).

    Returns:
        The target, float32, on the device of ``boxes``.

    Raises:
        ValueError: boxes are not ``(N, 6)``, not finite or not of positive size.
    """
    coder = coder or BoxCoder()
    boxes = checked_boxes(boxes, "boxes")
    ignore = checked_boxes(boxes[:0] if ignore_boxes is None else ignore_boxes, "ignore_boxes").to(boxes.device)
    cells, inside = coder.cells_of(boxes), on_grid(boxes, grid, coder)
    target = _background(grid, boxes.device)
    for box in torch.cat([ignore, boxes[~inside]]):
        target.center_weight[0][cells_under(box, grid, coder)] = 0.0
    for box, cell in zip(boxes[inside], cells[inside], strict=True):
        _draw(target, box, cell, coder)
    return target


def on_grid(boxes: Tensor, grid: tuple[int, int, int], coder: BoxCoder) -> Tensor:
    """Say of ``(N, 6)`` boxes which have their centre in a cell of the grid: ``(N,)`` booleans.

    Example:
        >>> on_grid(torch.tensor([[0.0, 0, 0, 6, 6, 6], [-5, 0, 0, 3, 6, 6]]), (2, 2, 2), BoxCoder())
        tensor([ True, False])
    """
    cells = coder.cells_of(boxes)
    return ((cells >= 0) & (cells < cells.new_tensor(grid))).all(dim=1)


def stack_targets(targets: list[DetectionTarget]) -> DetectionTarget:
    """Stack the targets of a batch along a new first dimension."""
    fields = DetectionTarget.__dataclass_fields__
    return DetectionTarget(**{name: torch.stack([getattr(target, name) for target in targets]) for name in fields})


def _background(grid: tuple[int, int, int], device: torch.device) -> DetectionTarget:
    """Return the target of an image without nodules: everything counts as background."""
    zeros = torch.zeros((9, *grid), device=device)
    heat, box_weight, offset, log_size, _ = zeros.split([1, 1, 3, 3, 1])
    return DetectionTarget(heat, torch.ones((1, *grid), device=device), offset, log_size, box_weight)


def _draw(target: DetectionTarget, box: Tensor, cell: Tensor, coder: BoxCoder) -> None:
    """Draw one box into ``target`` where its heat exceeds what is there."""
    grid = target.heat.shape[1:]
    axes = [torch.arange(n, device=box.device) for n in grid]
    positions = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)  # (gx, gy, gz, 3)
    offset, log_size = coder.encode(box, positions)
    stride = box.new_tensor(coder.stride_xyz)
    sigma = ((box[3:] - box[:3]) / stride * SIGMA_OF_SIDE).clamp(min=MIN_SIGMA_CELLS)
    heat = torch.exp(-0.5 * ((offset / sigma) ** 2).sum(dim=-1)).clamp(max=0.999)
    heat[tuple(cell)] = 1.0
    won = heat > target.heat[0]
    target.heat[0][won] = heat[won]
    target.offset[:, won] = offset[won].T
    target.log_size[:, won] = log_size.expand_as(offset)[won].T
    near = (offset.abs() <= 1.0).all(dim=-1)
    target.box_weight[0][won] = torch.where(near, heat, torch.zeros_like(heat))[won]
    target.center_weight[0][tuple(cell)] = 1.0


def cells_under(box: Tensor, grid: tuple[int, int, int], coder: BoxCoder) -> tuple[slice, slice, slice]:
    """Return the cells that a box touches, clipped to the grid."""
    stride = box.new_tensor(coder.stride_xyz)
    low = torch.floor(box[:3] / stride).long().clamp(min=0).tolist()
    high = torch.ceil(box[3:] / stride).long().clamp(min=0).tolist()
    x, y, z = (slice(a, min(b, n)) for a, b, n in zip(low, high, grid, strict=True))
    return x, y, z


def checked_boxes(boxes: Tensor, name: str) -> Tensor:
    """Return ``(N, 6)`` boxes as float32, or raise ValueError where they are none; ``name`` says whose fault it is."""
    if boxes.ndim != 2 or boxes.shape[1] != 6:
        raise ValueError(f"{name} must be (N, 6), got {tuple(boxes.shape)}")
    boxes = boxes.to(torch.float32)
    if not torch.isfinite(boxes).all():
        raise ValueError(f"{name} must be finite, got {boxes.tolist()}")
    if (boxes[:, 3:] <= boxes[:, :3]).any():
        raise ValueError(f"{name} must be min corner then max corner with a positive size, got {boxes.tolist()}")
    return boxes
