"""What the second look should answer for the places that it is shown."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .coder import BoxCoder
from .targets import on_grid

MIN_HALF_SIDE_VOXELS = 2.0  # a candidate this near to the centre of a tiny nodule still counts as a hit


@dataclass(frozen=True)
class CandidateTarget:
    """Targets of the ``K`` candidates of one image.

    Attributes:
        hit: ``(K,)`` 1 where a nodule lies in the middle, else 0.
        weight: ``(K,)`` 0 where the candidate is to be ignored, else 1.
        offset: ``(K, 3)`` from the cube's centre to the nodule's centre, in cells; 0 without a hit.
        log_size: ``(K, 3)`` log of the sides over the coder's reference; 0 without a hit.
    """

    hit: Tensor
    weight: Tensor
    offset: Tensor
    log_size: Tensor


def match_candidates(
    centers: Tensor,
    boxes: Tensor,
    coder: BoxCoder | None = None,
    ignore_boxes: Tensor | None = None,
    grid: tuple[int, int, int] | None = None,
) -> CandidateTarget:
    """Say which candidates hit a nodule.

    A candidate hits a nodule if it lies in the ellipsoid that fills the nodule's box (whose half axes are at least
    :data:`MIN_HALF_SIDE_VOXELS`), as LUNA16 counts a hit by the radius. Of several nodules the one that it lies
    deepest in counts. A candidate in a box to ignore (of at least the same half sides) that hits no nodule is ignored.
    As in :func:`encode_targets`, a box whose centre is off the grid, cut off by a patch's border, is one to ignore.

    Args:
        centers: ``(K, 3)`` voxels, edge frame of the image.
        boxes: ``(N, 6)`` nodules in the same frame; often empty.
        coder: units of offsets and sizes; that of ``NoduleDetector`` if None.
        ignore_boxes: ``(M, 6)``.
        grid: ``(gx, gy, gz)``, size of the dense answer; None takes every box for a nodule of the image.

    Example:
        >>> box = torch.tensor([[0.0, 0, 0, 8, 8, 8]])
        >>> match_candidates(torch.tensor([[4.0, 4, 5], [9, 9, 9]]), box).hit
        tensor([1., 0.])
    """
    coder = coder or BoxCoder()
    stride = torch.tensor(coder.stride_xyz, dtype=torch.float32, device=centers.device)
    target = CandidateTarget(
        centers.new_zeros(len(centers)),
        centers.new_ones(len(centers)),
        torch.zeros_like(centers),
        torch.zeros_like(centers),
    )
    ignore = boxes[:0] if ignore_boxes is None else ignore_boxes
    if grid is not None:
        inside = on_grid(boxes, grid, coder)
        boxes, ignore = boxes[inside], torch.cat([ignore, boxes[~inside]])
    in_box = (_half_sides_away(centers, ignore).abs() <= 1).all(dim=-1)
    target.weight[in_box.any(dim=1)] = 0
    if len(boxes):
        # Squared distance in the ellipsoid: 1 on its surface.
        nearest = (_half_sides_away(centers, boxes) ** 2).sum(dim=-1).min(dim=1)
        hit, box = nearest.values <= 1, boxes[nearest.indices]
        target.hit[hit], target.weight[hit] = 1, 1
        target.offset[hit] = (((box[:, :3] + box[:, 3:]) / 2 - centers) / stride)[hit]
        target.log_size[hit] = torch.log((box[:, 3:] - box[:, :3]) / coder.reference_voxels)[hit]
    return target


def _half_sides_away(centers: Tensor, boxes: Tensor) -> Tensor:
    """How far ``(K, 3)`` places lie from the middles of ``(N, 6)`` boxes: ``(K, N, 3)``, in half sides of the box."""
    middle, half = (boxes[:, :3] + boxes[:, 3:]) / 2, (boxes[:, 3:] - boxes[:, :3]) / 2
    away: Tensor = (centers[:, None] - middle[None]) / half.clamp(min=MIN_HALF_SIDE_VOXELS)[None]
    return away
