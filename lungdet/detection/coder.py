"""The one rule that ties boxes to the cells of a network's output grid."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class BoxCoder:
    """Turn boxes into (cell, offset, log size) and back.

    Cell ``(a, b, c)`` covers voxels ``[a * 4, (a + 1) * 4)`` and so on, so its centre is ``(a + 0.5) * 4`` in the edge
    frame. The offset is the distance from the cell's centre to the box's centre, in cells; within the cell it lies in
    [-0.5, 0.5). The size is the natural logarithm of the sides in voxels over ``reference_voxels``.

    Attributes:
        stride_xyz: voxels of a cell along each axis; the default is that of ``networks.NoduleDetector``.
        reference_voxels: the side, in voxels, whose logarithm is coded as 0; at 1.4 mm, 6 voxels are 8.4 mm.
        max_log_size: decoded sizes are kept within ``exp(+-max_log_size)`` of the reference, so that an untrained
            network still gives finite boxes.

    Raises:
        ValueError: a stride or the reference is not positive.
    """

    stride_xyz: tuple[int, int, int] = (4, 4, 2)
    reference_voxels: float = 6.0
    max_log_size: float = 4.0

    def __post_init__(self) -> None:
        if min(self.stride_xyz) <= 0 or self.reference_voxels <= 0:
            raise ValueError(f"strides and reference must be positive, got {self.stride_xyz}, {self.reference_voxels}")

    def encode(self, boxes: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Describe boxes as seen from cells.

        Args:
            boxes: ``(..., 6)`` in the edge frame, min corner then max corner, in voxels.
            cells: ``(..., 3)`` indices into the output grid.

        Returns:
            Offsets in cells and log sizes, each ``(..., 3)``.
        """
        center, size = (boxes[..., :3] + boxes[..., 3:]) / 2, boxes[..., 3:] - boxes[..., :3]
        offset = center / self._stride(boxes) - (cells + 0.5)
        return offset, torch.log(size / self.reference_voxels)

    def decode(self, cells: Tensor, offset: Tensor, log_size: Tensor) -> Tensor:
        """Invert :meth:`encode`; the result is ``(..., 6)``.

        Example:
            >>> boxes = torch.tensor([[3.0, 4.0, 5.0, 9.0, 10.0, 11.0]])
            >>> cells = torch.tensor([[1, 1, 4]])
            >>> BoxCoder().decode(cells, *BoxCoder().encode(boxes, cells))
            tensor([[ 3.,  4.,  5.,  9., 10., 11.]])
        """
        center = (cells + 0.5 + offset) * self._stride(offset)
        size = self.reference_voxels * torch.exp(log_size.clamp(-self.max_log_size, self.max_log_size))
        return torch.cat([center - size / 2, center + size / 2], dim=-1)

    def cells_of(self, boxes: Tensor) -> Tensor:
        """Return the cell of each box's centre: ``(N, 3)`` integers for ``(N, 6)``, perhaps off the grid."""
        center = (boxes[:, :3] + boxes[:, 3:]) / 2
        return torch.floor(center / self._stride(boxes)).long()

    def _stride(self, like: Tensor) -> Tensor:
        return torch.tensor(self.stride_xyz, dtype=like.dtype, device=like.device)
