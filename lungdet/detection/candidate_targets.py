"""What the second look should answer for the places that it is shown."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .coder import BoxCoder

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
    centers: Tensor, boxes: Tensor, coder: BoxCoder | None = None, ignore_boxes: Tensor | None = None
) -> CandidateTarget:
    """Say which candidates hit a nodule.

    A candidate hits a nodule if it lies in the ellipsoid that fills the nodule's box (whose half axes are at least
    :data:`MIN_HALF_SIDE_VOXELS`), as LUNA16 counts a hit by the radius. Of several nodules the one that it lies
    deepest in counts. A candidate in a box to ignore that hits no nodule is ignored.

    Args:
        centers: ``(K, 3)`` voxels, edge frame of the image.
        boxes: ``(N, 6)`` nodules in the same frame; often empty.
        coder: units of offsets and sizes; that of ``NoduleDetector`` if None.
        ignore_boxes: ``(M, 6)``.

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
    if ignore_boxes is not None and len(ignore_boxes):
        target.weight[_depth(centers, ignore_boxes).amin(dim=1) <= 1] = 0
    if len(boxes):
        nearest = _depth(centers, boxes).min(dim=1)
        hit, box = nearest.values <= 1, boxes[nearest.indices]
        target.hit[hit], target.weight[hit] = 1, 1
        target.offset[hit] = (((box[:, :3] + box[:, 3:]) / 2 - centers) / stride)[hit]
        target.log_size[hit] = torch.log((box[:, 3:] - box[:, :3]) / coder.reference_voxels)[hit]
    return target


def _depth(centers: Tensor, boxes: Tensor) -> Tensor:
    """How far out ``(K, 3)`` places lie in the ellipsoids of ``(N, 6)`` boxes, ``(K, N)``: squared, 1 on it."""
    middle, half = (boxes[:, :3] + boxes[:, 3:]) / 2, (boxes[:, 3:] - boxes[:, :3]) / 2
    away = (centers[:, None] - middle[None]) / half.clamp(min=MIN_HALF_SIDE_VOXELS)[None]
    return (away**2).sum(dim=-1)
