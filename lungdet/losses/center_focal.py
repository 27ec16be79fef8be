"""The penalty-reduced focal loss of centre heat-maps."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class CenterFocalLoss(nn.Module):
    r"""Focal loss whose negatives count less the nearer they lie to a centre.

    With ``p`` the sigmoid of a logit and ``t`` the target (Law and Deng, "CornerNet", ECCV 2018, eq. 1; Zhou et al.,
    "Objects as Points", 2019)::

        t = 1:  -(1 - p)^alpha * log(p)
        t < 1:  -(1 - t)^beta * p^alpha * log(1 - p)

    summed over all cells and divided by the number of centres, or by 1 where there is none. It is computed in float32
    (float64 for float64 inputs), so it is safe for float16 and bfloat16 logits.

    Args:
        alpha: how much less an easy cell counts.
        beta: how fast the penalty grows away from a centre.

    Example:
        >>> loss = CenterFocalLoss()(torch.zeros(1, 1, 1, 1, 2), torch.tensor([1.0, 0.0]).view(1, 1, 1, 1, 2))
        >>> round(float(loss), 4)  # twice 0.25 * log(2)
        0.3466
    """

    def __init__(self, alpha: float = 2.0, beta: float = 4.0) -> None:
        super().__init__()
        self.alpha, self.beta = alpha, beta

    def forward(self, logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Compute the loss.

        Args:
            logits: any shape.
            target: same shape, in [0, 1]; exactly 1 marks a centre.
            weight: same shape; 0 leaves a cell out. All cells count if None.

        Returns:
            A scalar.

        Raises:
            ValueError: the shapes differ.
        """
        for name, other in (("target", target), ("weight", weight)):
            if other is not None and other.shape != logits.shape:
                raise ValueError(f"{name} must be {tuple(logits.shape)} like the logits, got {tuple(other.shape)}")
        # Autocast would take the products back to half precision.
        with torch.autocast(device_type=logits.device.type, enabled=False):
            logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
            target = target.to(logits.dtype)
            is_center = target == 1
            cells = torch.where(is_center, self._positive(logits), (1 - target) ** self.beta * self._negative(logits))
            if weight is not None:
                cells, is_center = cells * weight.to(cells.dtype), is_center & (weight > 0)
            return cells.sum() / is_center.sum().clamp(min=1)

    def _positive(self, logits: Tensor) -> Tensor:
        """-(1 - p)^alpha * log(p), finite for any finite logit."""
        return torch.sigmoid(-logits) ** self.alpha * functional.softplus(-logits)

    def _negative(self, logits: Tensor) -> Tensor:
        """-p^alpha * log(1 - p), finite for any finite logit."""
        return torch.sigmoid(logits) ** self.alpha * functional.softplus(logits)
