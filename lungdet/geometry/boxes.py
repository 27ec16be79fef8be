"""Boxes: centres, volumes, cutting, and moving them with an image.

A box is a row of ``(N, 6)``, or ``(N, 4)`` in a slice: min corner then max corner in array-axis order, half-open, in
the ``edge`` frame (see :mod:`lungdet.geometry.frames`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .frames import BoxFit, edge_to_voxel, map_boxes, voxel_to_edge


def split_corners(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Split ``(N, 2 D)`` boxes into min corners and max corners, each a ``(N, D)`` view.

    Raises:
        ValueError: ``boxes`` is neither ``(N, 4)`` nor ``(N, 6)``.
    """
    if boxes.ndim != 2 or boxes.shape[1] not in (4, 6):
        raise ValueError(f"boxes must be (N, 6), or (N, 4) in a slice, got {tuple(boxes.shape)}")
    dimensions = boxes.shape[1] // 2
    return boxes[:, :dimensions], boxes[:, dimensions:]


def box_centers(boxes: Tensor) -> Tensor:
    """Centres of boxes, ``(N, D)``, in the frame of the boxes.

    Example:
        >>> box_centers(torch.tensor([[0.0, 0.0, 0.0, 2.0, 4.0, 5.0]]))
        tensor([[1.0000, 2.0000, 2.5000]])
    """
    low, high = split_corners(boxes)
    return (low + high) / 2


def box_volumes(boxes: Tensor) -> Tensor:
    """Volumes of boxes (areas in a slice), ``(N,)``; a box whose corners are swapped has none.

    Example:
        >>> box_volumes(torch.tensor([[0.0, 0.0, 0.0, 2.0, 4.0, 5.0], [1.0, 0.0, 0.0, 0.0, 4.0, 5.0]]))
        tensor([40.,  0.])
    """
    low, high = split_corners(boxes)
    return (high - low).clamp(min=0).prod(dim=1)


def shift_boxes(boxes: Tensor, offset: Sequence[float] | Tensor) -> Tensor:
    """Add ``offset``, ``(D,)``, to both corners.

    Example:
        >>> shift_boxes(torch.tensor([[0.0, 0.0, 2.0, 2.0]]), (10, -1))
        tensor([[10., -1., 12.,  1.]])
    """
    low, high = split_corners(boxes)
    move = torch.as_tensor(offset).to(boxes)
    return torch.cat([low + move, high + move], dim=1)


def clip_boxes(boxes: Tensor, low: Sequence[float] | Tensor, high: Sequence[float] | Tensor) -> Tensor:
    """Cut boxes to the region ``[low, high)``; none is dropped, a box outside the region gets sides of zero.

    Example:
        >>> clip_boxes(torch.tensor([[-3.0, 1.0, 2.0, 9.0], [7.0, 7.0, 8.0, 8.0]]), (0, 0), (4, 4))
        tensor([[0., 1., 2., 4.],
                [4., 4., 4., 4.]])
    """
    corners = split_corners(boxes)
    floor, ceiling = torch.as_tensor(low).to(boxes), torch.as_tensor(high).to(boxes)
    return torch.cat([corner.clamp(floor, ceiling) for corner in corners], dim=1)


def centers_inside(boxes: Tensor, low: Sequence[float] | Tensor, high: Sequence[float] | Tensor) -> Tensor:
    """Tell which boxes have their centre in ``[low, high)``, ``(N,)`` bool.

    Half-open, so of regions that share a face exactly one holds a centre on it.

    Example:
        >>> centers_inside(torch.tensor([[0.0, 0.0, 2.0, 2.0], [3.0, 3.0, 5.0, 5.0]]), (1, 1), (4, 4))
        tensor([ True, False])
    """
    centers = box_centers(boxes)
    floor, ceiling = torch.as_tensor(low).to(boxes), torch.as_tensor(high).to(boxes)
    return ((centers >= floor) & (centers < ceiling)).all(dim=1)


def fractions_inside(boxes: Tensor, low: Sequence[float] | Tensor, high: Sequence[float] | Tensor) -> Tensor:
    """Part of each box's volume that lies in ``[low, high)``, ``(N,)`` in ``[0, 1]``; an empty box has none.

    Example:
        >>> fractions_inside(torch.tensor([[0.0, 0.0, 4.0, 4.0]]), (0, 0), (4, 1))
        tensor([0.2500])
    """
    whole = box_volumes(boxes)
    inside = box_volumes(clip_boxes(boxes, low, high))
    return torch.where(whole > 0, inside / whole.clamp(min=torch.finfo(whole.dtype).tiny), torch.zeros_like(whole))


def move_boxes(boxes: Tensor, matrix: Tensor, fit: BoxFit = "box") -> Tensor:
    """Move boxes from one voxel grid to another.

    The result is the smallest axis-aligned box around what was moved. It is exact for shifts, flips, quarter turns and
    zooms; under other rotations it grows, and ``fit`` says what must still be inside.

    Args:
        boxes: ``(N, 6)`` in the edge frame of the image before.
        matrix: ``(4, 4)``, voxel centres before to voxel centres after: ``inv(affine_after) @ affine_before``.
        fit: ``"box"`` keeps the eight corners inside; ``"ellipsoid"`` the ellipsoid that fills the box, which suits
            nodules and does not grow for a ball.

    Returns:
        ``(N, 6)`` boxes in the edge frame of the image after; computed in float64, returned in the type of ``boxes``.

    Raises:
        ValueError: ``boxes`` is not ``(N, 6)``, or ``fit`` is unknown.

    Example:
        >>> flip_x_of_ten_voxels = torch.tensor([[-1.0, 0, 0, 9], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
        >>> move_boxes(torch.tensor([[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]]), flip_x_of_ten_voxels)
        tensor([[ 7.,  1.,  2., 10.,  4.,  5.]])
    """
    exact = edge_to_voxel(boxes.to(torch.float64))
    moved: Tensor = voxel_to_edge(map_boxes(exact, matrix.to(exact), fit))
    return moved.to(boxes.dtype)
