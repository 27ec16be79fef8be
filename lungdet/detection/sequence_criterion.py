"""The training loss of the sequence head."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lungdet.losses import HungarianLoss

from .coder import BoxCoder
from .sequence_decode import split_steps
from .sequence_targets import SEQUENCE_CODER, SequenceTarget, assign_to_cells
from .target_boxes import target_boxes


class SequenceCriterion(nn.Module):
    """``(outputs, targets) -> loss`` for ``NoduleDetector(head="sequence")``.

    The boxes of an image go to the cells that hold their centres; within a cell they are matched with steps of its
    sequence, and the loss is that of :class:`~lungdet.losses.HungarianLoss`. A step overlaps a box if its centre lies
    in it. Distances are those of the centres, in units of ``coder.reference_voxels``, and of the log sides. Losses are
    summed over the cells of an image and averaged over images, so an image without nodules is nothing special.

    Args:
        coder: how boxes are tied to cells; that of the sequence head if None.
        confidence_weight: weight of the confidences.
        location_weight: weight of the boxes.
        box_key: key of the nodules' boxes where targets are mappings.
        ignore_key: key of the boxes to ignore; it may be absent.

    Attributes:
        latest_parts: the parts of the last call, detached, for logging.

    Example:
        >>> loss = SequenceCriterion()(torch.zeros(1, 21, 2, 2, 4), [torch.tensor([[2.0, 2, 2, 8, 8, 8]])])
        >>> loss.ndim, bool(torch.isfinite(loss))
        (0, True)
    """

    def __init__(
        self,
        coder: BoxCoder | None = None,
        confidence_weight: float = 1.0,
        location_weight: float = 1.0,
        box_key: str = "box",
        ignore_key: str = "ignore_box",
    ) -> None:
        super().__init__()
        self.coder = coder or SEQUENCE_CODER
        self.weights = {"confidence": confidence_weight, "location": location_weight}
        self.latest_parts: dict[str, Tensor] = {}
        self.hungarian_loss = HungarianLoss()
        self.box_key, self.ignore_key = box_key, ignore_key

    def forward(self, outputs: Tensor, targets: Any) -> Tensor:
        """Return the weighted sum of :meth:`parts`, a scalar."""
        parts = self.parts(outputs, targets)
        self.latest_parts = {name: part.detach() for name, part in parts.items()}
        return torch.stack([self.weights[name] * part for name, part in parts.items()]).sum()

    def parts(self, outputs: Tensor, targets: Any) -> dict[str, Tensor]:
        """Compute both losses apart, unweighted.

        Args:
            outputs: ``(B, 7 * steps, gx, gy, gz)`` as the sequence head gives it.
            targets: as for :meth:`~lungdet.detection.DetectionCriterion.parts`.

        Returns:
            Scalars ``confidence`` and ``location``.

        Raises:
            ValueError: the numbers of images differ, or a target is not a set of boxes.
        """
        if len(targets) != len(outputs):
            raise ValueError(f"{len(outputs)} outputs for {len(targets)} targets")
        with torch.autocast(device_type=outputs.device.type, enabled=False):
            outputs = outputs.to(torch.promote_types(outputs.dtype, torch.float32))
            each = [self._image(*pair) for pair in zip(outputs, targets, strict=True)]
            confidence, location = torch.stack([torch.stack(parts) for parts in each]).mean(dim=0)
        return {"confidence": confidence, "location": location}

    def _image(self, output: Tensor, target: Any) -> tuple[Tensor, Tensor]:
        """Compute both losses of one image, ``(7 * steps, gx, gy, gz)``."""
        boxes, ignore = target_boxes(target, output.device, self.box_key, self.ignore_key)
        gx, gy, gz = output.shape[1:]
        wanted = assign_to_cells(boxes, (gx, gy, gz), self.coder, ignore)
        answers = split_steps(output).flatten(0, 2)  # (M, S, 7)
        owners = (wanted.cells[:, 0] * gy + wanted.cells[:, 1]) * gz + wanted.cells[:, 2]
        stride = answers.new_tensor(self.coder.stride_xyz)
        centers, sizes = answers[..., 1:4] * stride, answers[..., 4:]
        true_centers, true_sizes = self._encode(wanted, stride)
        half = (wanted.boxes[:, 3:] - wanted.boxes[:, :3]).to(answers)[:, None] / 2
        missed = ((centers[owners] - true_centers[:, None]).abs() > half).any(dim=-1)
        scale = self.coder.reference_voxels
        return self.hungarian_loss(
            answers[..., 0],
            torch.cat([centers / scale, sizes], dim=-1),
            torch.cat([true_centers / scale, true_sizes], dim=-1),
            owners,
            missed,
            wanted.weight.flatten(),
        )

    def _encode(self, wanted: SequenceTarget, stride: Tensor) -> tuple[Tensor, Tensor]:
        """Return where the true boxes lie from their cells' centres, in voxels, and their log sides, ``(N, 3)``."""
        offset, log_size = self.coder.encode(wanted.boxes, wanted.cells)
        return offset.to(stride) * stride, log_size.to(stride)
