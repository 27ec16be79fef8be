"""The loss of a picture's label, or of its labels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

ACTIVATIONS = ("softmax", "sigmoid")


class LabelLoss(nn.Module):
    """Cross-entropy of labels, smoothed and weighted by class.

    ``softmax`` shares one picture among the classes: a target of several labels is divided by their number, so that it
    asks for equal shares. ``sigmoid`` asks a question of its own for each class, and is summed over them. Both are
    averaged over the pictures, and smooth the truth towards ignorance: with ``s`` the smoothing, a shared label is
    ``1 - s`` of itself plus ``s`` spread over all classes (Szegedy et al., CVPR 2016); a question's 1 becomes
    ``1 - s / 2`` and its 0 ``s / 2``. It is computed in float32, so half-precision logits are safe.

    Args:
        activation: ``"softmax"`` or ``"sigmoid"``.
        weights: for ``softmax``, how much a picture of each class counts, relative to the others of its batch; for
            ``sigmoid``, how much a present label counts against an absent one. All 1 if None.
        smoothing: in [0, 1).

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> round(float(LabelLoss()(torch.zeros(1, 4), torch.tensor([2]))), 4)  # log(4)
        1.3863
        >>> round(float(LabelLoss("sigmoid")(torch.zeros(1, 4), torch.tensor([[0.0, 1, 1, 0]]))), 4)  # 4 log(2)
        2.7726
    """

    weights: Tensor | None

    def __init__(
        self, activation: str = "softmax", weights: Sequence[float] | None = None, smoothing: float = 0.0
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation must be {' or '.join(ACTIVATIONS)}, got {activation!r}")
        if not 0 <= smoothing < 1:
            raise ValueError(f"smoothing must be in [0, 1), got {smoothing}")
        if weights is not None and not all(weight > 0 for weight in weights):
            raise ValueError(f"weights must be positive, got {list(weights)}")
        self.activation, self.smoothing = activation, smoothing
        self.register_buffer("weights", None if weights is None else torch.tensor(weights, dtype=torch.float32))

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute the loss.

        Args:
            logits: ``(B, K)``.
            target: ``(B, K)`` of 0 and 1; for ``softmax`` also ``(B,)`` int64 classes. For ``softmax`` a picture
                without a label counts as one that may be anything.

        Returns:
            A scalar.

        Raises:
            ValueError: the shapes do not fit.
        """
        one_label = self.activation == "softmax" and target.ndim == 1
        if logits.ndim != 2 or tuple(target.shape) != tuple(logits.shape[: 1 if one_label else 2]):
            raise ValueError(
                f"logits must be (B, K) and the target {'(B,) or ' if self.activation == 'softmax' else ''}(B, K), "
                f"got {tuple(logits.shape)} and {tuple(target.shape)}"
            )
        # Autocast would take the logarithms back to half precision.
        with torch.autocast(device_type=logits.device.type, enabled=False):
            logits, weights = logits.float(), None if self.weights is None else self.weights.to(logits.device)
            if one_label:
                return functional.cross_entropy(logits, target, weights, label_smoothing=self.smoothing)
            return self._shared(logits, target.float()) if self.activation == "softmax" else self._asked(logits, target)

    def _shared(self, logits: Tensor, target: Tensor) -> Tensor:
        labels = target.sum(dim=1, keepdim=True)
        shares = torch.where(labels > 0, target / labels.clamp(min=1e-6), torch.full_like(target, 1 / target.shape[1]))
        weights = torch.ones_like(logits[0]) if self.weights is None else self.weights.to(logits.device)
        soft = shares * (1 - self.smoothing) + self.smoothing / target.shape[1]
        losses = -(soft * weights * logits.log_softmax(dim=1)).sum()
        return losses / (shares * weights).sum().clamp(min=1e-6)

    def _asked(self, logits: Tensor, target: Tensor) -> Tensor:
        soft = target.float() * (1 - self.smoothing) + self.smoothing / 2
        weights = None if self.weights is None else self.weights.to(logits.device)
        cells = functional.binary_cross_entropy_with_logits(logits, soft, pos_weight=weights, reduction="none")
        return cells.sum(dim=1).mean()
