"""Which cell of a coarse grid is to name which box."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .coder import BoxCoder
from .targets import cells_under, checked_boxes

SEQUENCE_CODER = BoxCoder(stride_xyz=(16, 16, 2))  # of NoduleDetector(head="sequence")


@dataclass(frozen=True)
class SequenceTarget:
    """What the cells of one image should name.

    Attributes:
        boxes: ``(N, 6)`` those whose centre lies on the grid, edge frame of the network's input.
        cells: ``(N, 3)`` the cell that holds the centre of each.
        weight: ``(gx, gy, gz)``: 0 where a cell is free to name what is no box, else 1.
    """

    boxes: Tensor
    cells: Tensor
    weight: Tensor


def assign_to_cells(
    boxes: Tensor, grid: tuple[int, int, int], coder: BoxCoder = SEQUENCE_CODER, ignore_boxes: Tensor | None = None
) -> SequenceTarget:
    """Give each box to the cell that holds its centre.

    A cell that touches a box to ignore, or one whose centre is off the grid, is free to name it.

    Args:
        boxes: ``(N, 6)`` in the edge frame of the network's input; often empty.
        grid: ``(gx, gy, gz)``, the output's size.
        coder: how boxes are tied to cells.
        ignore_boxes: ``(M, 6)``.

    Raises:
        ValueError: boxes are not ``(N, 6)``, not finite or not of positive size.

    Example:
        >>> target = assign_to_cells(torch.tensor([[14.0, 2, 0, 22, 10, 8]]), (2, 1, 4))
        >>> target.cells
        tensor([[1, 0, 2]])
    """
    boxes = checked_boxes(boxes, "boxes")
    cells = coder.cells_of(boxes)
    inside = ((cells >= 0) & (cells < cells.new_tensor(grid))).all(dim=1)
    free = [boxes[~inside]]
    if ignore_boxes is not None:
        free.append(checked_boxes(ignore_boxes, "ignore_boxes").to(boxes.device))
    weight = torch.ones(grid, device=boxes.device)
    for box in torch.cat(free):
        weight[cells_under(box, grid, coder)] = 0.0
    return SequenceTarget(boxes[inside], cells[inside], weight)
