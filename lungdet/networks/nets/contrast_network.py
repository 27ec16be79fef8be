"""A network that is to learn without labels: what it says of a cube, mapped to where views are compared."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class ContrastNetwork(nn.Module):
    """Put a projection behind the vectors of a network; it is thrown away after the training.

    The comparison forgets what tells two views of a cube apart, so it is better done one step behind the vectors that
    are to be used (Chen et al., ICML 2020).

    Args:
        network: has ``embed``, cubes to ``(B, embed_channels)``, and ``embed_channels``.
        projected: length of the vectors that are compared.

    Attributes:
        network: as given; its weights are what is wanted.

    Example:
        >>> import torch
        >>> from lungdet.networks.nets import NoduleClassifier
        >>> network = ContrastNetwork(NoduleClassifier(backbone="second_look"))
        >>> tuple(network.eval()(torch.rand(2, 1, 48, 48, 48)).shape)
        (2, 32)
    """

    def __init__(self, network: Any, projected: int = 32) -> None:
        super().__init__()
        if projected < 1:
            raise ValueError(f"projected must be positive, got {projected}")
        self.network, width = network, int(network.embed_channels)
        self.projection = nn.Sequential(
            nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(inplace=True), nn.Linear(width, projected)
        )

    def forward(self, cubes: Tensor) -> Tensor:
        """Map ``(B, C, 48, 48, 48)`` cubes to ``(B, projected)`` vectors."""
        vectors: Tensor = self.projection(self.network.embed(cubes))
        return vectors
