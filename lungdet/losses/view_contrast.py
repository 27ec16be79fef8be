"""The loss of learning without labels: two views of one cube are to lie together, apart from all others."""

from __future__ import annotations

from typing import Any

import torch
from monai.losses import ContrastiveLoss
from torch import Tensor, nn


class ViewContrastLoss(nn.Module):
    """MONAI's contrastive loss (Chen et al., ICML 2020) of a batch that holds the first views and then the second.

    Args:
        temperature: of the similarities: lower looks at the nearest others only.

    Attributes:
        latest_parts: ``found``, see :func:`partners_found`, of the latest batch.

    Raises:
        ValueError: the temperature is not positive.
    """

    def __init__(self, temperature: float = 0.2) -> None:
        super().__init__()
        if not temperature > 0:
            raise ValueError(f"temperature must be positive, got {temperature}")
        self.contrast = ContrastiveLoss(temperature)
        self.latest_parts: dict[str, float] = {}

    def forward(self, vectors: Tensor, targets: Any = None) -> Tensor:
        """Return the mean loss of a view.

        Args:
            vectors: ``(2 B, P)``: vector ``n`` and vector ``B + n`` are of two views of one cube; ``B`` of 2 or more.
            targets: not looked at, for a trainer gives some.

        Raises:
            ValueError: the vectors are not pairs, or of one pair alone.
        """
        first, second = _halves(vectors)
        self.latest_parts = {"found": partners_found(vectors.detach())}
        loss: Tensor = self.contrast(first.float(), second.float())
        return loss


def partners_found(vectors: Tensor) -> float:
    """Return the share of views whose nearest other is the other view of the same cube.

    By chance it is ``1 / (2 B - 1)``. A network that gives one answer to everything stays there.

    Args:
        vectors: ``(2 B, P)``, as for :class:`ViewContrastLoss`.

    Example:
        >>> partners_found(torch.tensor([[1.0, 0], [0, 1], [1, 0.1], [0.1, 1]]))
        1.0
        >>> partners_found(torch.tensor([[1.0, 0], [0, 1], [0.1, 1], [1, 0.1]]))
        0.0
    """
    first, _ = _halves(vectors)
    ways = nn.functional.normalize(vectors.float(), dim=1)
    likeness = (ways @ ways.T).fill_diagonal_(-torch.inf)
    partner = torch.arange(len(vectors), device=vectors.device).roll(len(first))
    return float((likeness.argmax(dim=1) == partner).float().mean())


def _halves(vectors: Tensor) -> tuple[Tensor, Tensor]:
    if vectors.ndim != 2 or len(vectors) % 2 or len(vectors) < 4:
        raise ValueError(f"wanted two views of two cubes or more, (2 B, P), got {tuple(vectors.shape)}")
    first, second = vectors.chunk(2)
    return first, second
