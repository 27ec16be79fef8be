"""A part of the grid that a whole image would be resampled to, without the rest: the same voxels, the same values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from monai.data import MetaTensor
from monai.transforms import Orientation, Spacing, SpatialCrop, SpatialResample
from torch import Tensor

from lungdet.geometry import frames

from .conversion import image_affine

Span = tuple[slice, slice, slice]
EDGE_TOLERANCE = 1e-6  # voxels: a box that ends on a voxel's edge does not take the next one for a rounding error


class Grid(NamedTuple):
    """Voxels in space: ``affine_ras``, ``(4, 4)`` float64, voxel centres to RAS mm; ``shape``, how many there are."""

    affine_ras: Tensor
    shape: tuple[int, int, int]


def resampled_grid(image: Tensor, spacing_mm: Sequence[float]) -> Grid:
    """Return the grid that MONAI's ``Orientation("RAS")`` and ``Spacing(spacing_mm)`` make of an image, unmade.

    Args:
        image: ``(C, X, Y, Z)`` with its affine; its values are not looked at.
        spacing_mm: distance of the voxels along each axis of the grid.
    """
    affine = image_affine(image, "image")
    stub = MetaTensor(torch.zeros(1).expand(1, *image.shape[1:]), affine=affine)
    planned: Any = Spacing(spacing_mm, lazy=True)(Orientation("RAS", labels=None, lazy=True)(stub))
    x, y, z = (int(size) for size in planned.peek_pending_shape())
    return Grid(torch.as_tensor(planned.peek_pending_affine(), dtype=torch.float64), (x, y, z))


def span_of(box: Span, image: Tensor, grid: Grid, margin_mm: float, multiple: Sequence[int]) -> Span:
    """Return the voxels of a grid that hold a box of an image, with a margin.

    Args:
        box: voxels of the image.
        image: ``(C, X, Y, Z)`` with its affine.
        grid: the grid.
        margin_mm: around the box.
        multiple: where spans may begin and end along each axis; the grid's own end may always be one.
    """
    edges = torch.tensor([[side.start, side.stop] for side in box], dtype=torch.float64)
    to_grid = torch.linalg.solve(grid.affine_ras, image_affine(image, "image"))
    boxes = frames.map_boxes(edges.T.reshape(1, 6) - frames.HALF_VOXEL, to_grid) + frames.HALF_VOXEL
    wide = margin_mm / torch.from_numpy(frames.spacing_of(grid.affine_ras.numpy()))
    step = torch.tensor(tuple(multiple), dtype=torch.float64)
    low = ((boxes[0, :3] - wide + EDGE_TOLERANCE) / step).floor() * step
    high = ((boxes[0, 3:] + wide - EDGE_TOLERANCE) / step).ceil() * step
    x, y, z = (
        slice(max(0, int(first)), min(size, int(last))) for first, last, size in zip(low, high, grid.shape, strict=True)
    )
    return x, y, z


def resample_part(image: Tensor, grid: Grid, span: Span) -> Tensor:
    """Resample an image to a part of a grid, linearly; beyond the image its border is repeated, as ``Spacing`` does.

    Only that part of the image is touched that takes part in it.

    Args:
        image: ``(C, X, Y, Z)`` with its affine.
        grid: see :func:`resampled_grid`.
        span: voxels of the grid.

    Returns:
        The part, float32, with its affine.
    """
    affine = grid.affine_ras.clone()
    first = torch.tensor([side.start for side in span], dtype=torch.float64)
    affine[:3, 3] += affine[:3, :3] @ first
    size = [side.stop - side.start for side in span]
    seen = SpatialCrop(roi_slices=list(_needed(image, affine, size)))(image)
    seen = Orientation("RAS", labels=None)(seen)
    seen = seen.to(torch.float64, memory_format=torch.contiguous_format)  # MONAI needs both, and would copy twice
    part: Tensor = SpatialResample(mode="bilinear", padding_mode="border")(seen, affine, spatial_size=size)
    return part


def _needed(image: Tensor, affine_ras: Tensor, size: Sequence[int]) -> Span:
    """Return the voxels of an image between which the voxels of a grid lie, and one more."""
    to_image = torch.linalg.solve(image_affine(image, "image"), affine_ras)
    centers = torch.tensor([[0.0, 0.0, 0.0, *(n - 1.0 for n in size)]], dtype=torch.float64)
    places = frames.map_boxes(centers, to_image)[0]
    spans = []
    for low, high, count in zip(places[:3].floor(), places[3:].ceil(), image.shape[1:], strict=True):
        start = min(max(0, int(low) - 1), count - 1)
        spans.append(slice(start, max(start + 1, min(count, int(high) + 2))))
    return spans[0], spans[1], spans[2]
