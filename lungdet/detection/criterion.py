"""The training loss of the detector."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from lungdet.losses import CenterFocalLoss
from lungdet.networks import TwoStageOutput

from .candidate_targets import CandidateTarget, match_candidates
from .coder import BoxCoder
from .target_boxes import target_boxes
from .targets import DetectionTarget, encode_targets, stack_targets


class DetectionCriterion(nn.Module):
    """``(outputs, targets) -> loss`` for a dense centre, offset and size head.

    The loss is the focal loss of the centres plus smooth L1 losses of offset and log size over the cells near a centre.
    An image without nodules is the normal case and trains the centres alone. Where the network takes a second look,
    binary cross-entropy of its verdicts and smooth L1 losses of the boxes of its hits are added.

    Args:
        coder: how boxes are tied to cells; that of ``NoduleDetector`` if None.
        center_weight: weight of the centre loss.
        offset_weight: weight of the offset loss.
        size_weight: weight of the size loss.
        look_weight: weight of the second look's losses.
        alpha: see :class:`~lungdet.losses.CenterFocalLoss`.
        beta: likewise.
        box_key: key of the nodules' boxes where targets are mappings.
        ignore_key: key of the boxes to ignore; it may be absent.

    Attributes:
        latest_parts: the parts of the last call, detached, for logging.

    Example:
        >>> loss = DetectionCriterion()(torch.zeros(1, 7, 4, 4, 4), [torch.tensor([[2.0, 2, 2, 8, 8, 8]])])
        >>> loss.ndim, bool(torch.isfinite(loss))
        (0, True)
    """

    def __init__(
        self,
        coder: BoxCoder | None = None,
        center_weight: float = 1.0,
        offset_weight: float = 1.0,
        size_weight: float = 1.0,
        look_weight: float = 1.0,
        alpha: float = 2.0,
        beta: float = 4.0,
        box_key: str = "box",
        ignore_key: str = "ignore_box",
    ) -> None:
        super().__init__()
        self.coder = coder or BoxCoder()
        self.weights = {"center": center_weight, "offset": offset_weight, "size": size_weight}
        self.weights |= dict.fromkeys(("look", "look_offset", "look_size"), look_weight)
        self.latest_parts: dict[str, Tensor] = {}
        self.center_loss = CenterFocalLoss(alpha, beta)
        self.box_key, self.ignore_key = box_key, ignore_key

    def forward(self, outputs: Tensor | TwoStageOutput, targets: Any) -> Tensor:
        """Return the weighted sum of :meth:`parts`, a scalar."""
        parts = self.parts(outputs, targets)
        self.latest_parts = {name: part.detach() for name, part in parts.items()}
        return torch.stack([self.weights[name] * part for name, part in parts.items()]).sum()

    def parts(self, outputs: Tensor | TwoStageOutput, targets: Any) -> dict[str, Tensor]:
        """Compute each loss apart, unweighted.

        Args:
            outputs: ``(B, 7, gx, gy, gz)`` as ``NoduleDetector`` gives it, or what it gives with a second look.
            targets: for each of the ``B`` images, ``(N, 6)`` boxes in the edge frame of the network's input, or a
                mapping that holds them; or one padded tensor ``(B, N, 6)``. Rows of zeros are padding.

        Returns:
            Scalars ``center``, ``offset`` and ``size``; with a second look also ``look``, ``look_offset`` and
            ``look_size``.

        Raises:
            ValueError: the numbers of images differ, or a target is not a set of boxes.
        """
        if isinstance(outputs, TwoStageOutput):
            return {**self.parts(outputs.dense, targets), **self._look_parts(outputs, targets)}
        target = self.encode(targets, outputs)
        with torch.autocast(device_type=outputs.device.type, enabled=False):
            outputs = outputs.to(torch.promote_types(outputs.dtype, torch.float32))
            return {
                "center": self.center_loss(outputs[:, :1], target.heat, target.center_weight),
                "offset": _weighted_smooth_l1(outputs[:, 1:4], target.offset, target.box_weight),
                "size": _weighted_smooth_l1(outputs[:, 4:7], target.log_size, target.box_weight),
            }

    def _look_parts(self, outputs: TwoStageOutput, targets: Any) -> dict[str, Tensor]:
        """Compute the losses of the second look."""
        gx, gy, gz = outputs.dense.shape[2:]
        matched = [self._match(*each, (gx, gy, gz)) for each in zip(outputs.centers, targets, strict=True)]
        hit, weight, offset, log_size = (
            torch.cat([getattr(each, name) for each in matched]) for name in ("hit", "weight", "offset", "log_size")
        )
        looks = outputs.looks.flatten(0, 1).to(torch.promote_types(outputs.looks.dtype, torch.float32))
        verdict = functional.binary_cross_entropy_with_logits(looks[:, 0], hit.to(looks), reduction="none")
        return {
            "look": (verdict * weight).sum() / weight.sum().clamp(min=1),
            "look_offset": _weighted_smooth_l1(looks[:, 1:4], offset, hit[:, None]),
            "look_size": _weighted_smooth_l1(looks[:, 4:7], log_size, hit[:, None]),
        }

    def _match(self, centers: Tensor, target: Any, grid: tuple[int, int, int]) -> CandidateTarget:
        boxes, ignore = self._boxes_of(target, centers.device)
        return match_candidates(centers, boxes, self.coder, ignore, grid)

    def encode(self, targets: Any, outputs: Tensor) -> DetectionTarget:
        """Encode the targets of a batch for the grid, and on the device, of ``outputs``."""
        if len(targets) != len(outputs):
            raise ValueError(f"{len(outputs)} outputs for {len(targets)} targets")
        gx, gy, gz = outputs.shape[2:]
        encoded = []
        for target in targets:
            boxes, ignore = self._boxes_of(target, outputs.device)
            encoded.append(encode_targets(boxes, (gx, gy, gz), self.coder, ignore))
        return stack_targets(encoded)

    def _boxes_of(self, target: Any, device: torch.device) -> tuple[Tensor, Tensor | None]:
        return target_boxes(target, device, self.box_key, self.ignore_key)


def _weighted_smooth_l1(outputs: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Mean over cells by ``weight``, ``(B, 1, ...)``, summed over the three axes; 0 where no cell counts."""
    cells = functional.smooth_l1_loss(outputs, target.to(outputs.dtype), reduction="none", beta=0.5)
    return (cells * weight).sum() / weight.sum().clamp(min=1.0)
