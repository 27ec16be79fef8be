"""The loss of a picture's label, or of its labels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class LabelLoss(nn.Module):
    """Cross-entropy of one label, or binary cross-entropy of several, smoothed and weighted by class.

    Both smooth the truth towards ignorance: with ``s`` the smoothing, a single label is ``1 - s`` plus ``s`` spread
    over all classes (Szegedy et al., CVPR 2016), and of several labels 1 becomes ``1 - s / 2`` and 0 becomes ``s / 2``.
    A binary cross-entropy is summed over the classes and averaged over the pictures, so that both losses are per
    picture. It is computed in float32, so half-precision logits are safe.

    Args:
        multi_label: pictures have any number of labels.
        weights: of one label, how much a picture of each class counts, relative to the others of its batch; of several,
            how much a present label counts against an absent one. All 1 if None.
        smoothing: in [0, 1).

    Raises:
        ValueError: ``smoothing`` is out of its range, or a weight is not positive.

    Example:
        >>> round(float(LabelLoss()(torch.zeros(1, 4), torch.tensor([2]))), 4)  # log(4)
        1.3863
        >>> round(float(LabelLoss(multi_label=True)(torch.zeros(1, 4), torch.tensor([[0.0, 1, 1, 0]]))), 4)  # 4 log(2)
        2.7726
    """

    weights: Tensor | None

    def __init__(
        self, multi_label: bool = False, weights: Sequence[float] | None = None, smoothing: float = 0.0
    ) -> None:
        super().__init__()
        if not 0 <= smoothing < 1:
            raise ValueError(f"smoothing must be in [0, 1), got {smoothing}")
        if weights is not None and not all(weight > 0 for weight in weights):
            raise ValueError(f"weights must be positive, got {list(weights)}")
        self.multi_label, self.smoothing = multi_label, smoothing
        self.register_buffer("weights", None if weights is None else torch.tensor(weights, dtype=torch.float32))

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute the loss.

        Args:
            logits: ``(B, K)``.
            target: ``(B,)`` int64 classes, or ``(B, K)`` of 0 and 1.

        Returns:
            A scalar.

        Raises:
            ValueError: the shapes do not fit.
        """
        wanted = tuple(logits.shape) if self.multi_label else tuple(logits.shape[:1])
        if logits.ndim != 2 or tuple(target.shape) != wanted:
            raise ValueError(
                f"logits must be (B, K) and the target {'(B, K)' if self.multi_label else '(B,)'}, "
                f"got {tuple(logits.shape)} and {tuple(target.shape)}"
            )
        # Autocast would take the logarithms back to half precision.
        with torch.autocast(device_type=logits.device.type, enabled=False):
            logits = logits.float()
            weights = None if self.weights is None else self.weights.to(logits.device)
            if not self.multi_label:
                return functional.cross_entropy(logits, target, weights, label_smoothing=self.smoothing)
            soft = target.float() * (1 - self.smoothing) + self.smoothing / 2
            cells = functional.binary_cross_entropy_with_logits(logits, soft, pos_weight=weights, reduction="none")
            return cells.sum(dim=1).mean()
