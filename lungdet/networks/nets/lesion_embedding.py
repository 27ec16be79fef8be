"""A lesion's crops to a vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lungdet.networks.blocks.residual_2d import ResidualBlock2D, conv_norm_act

DETAIL_CHANNELS, CONTEXT_CHANNELS = 4, 2


class LesionEmbedding(nn.Module):
    """Look at a lesion from near and from afar, and give it a vector of length 1.

    The near view holds three slices and the outline of the mark, the far one the key slice and the outline. Each goes
    through a small residual network of its own (He et al., 2016) that ends in a coarse map of ``grid x grid`` cells, so
    that the vector knows where in a view something is. Both are joined by two linear layers.

    Args:
        embed_channels: length of the vectors.
        width: channels of the first maps; doubled at each of the two further steps.
        grid: rows and columns of the coarse maps.
        dropout: share of what the two views say that is dropped in training.

    Attributes:
        in_channels: 6, four of the near view, then two of the far one.
        smallest_side: rows and columns that the crops must have at least.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> LesionEmbedding(embed_channels=128)(torch.zeros(2, 6, 64, 64)).shape
        torch.Size([2, 128])
    """

    in_channels = DETAIL_CHANNELS + CONTEXT_CHANNELS
    smallest_side = 32

    def __init__(self, embed_channels: int = 128, width: int = 24, grid: int = 4, dropout: float = 0.1) -> None:
        super().__init__()
        if min(embed_channels, width, grid) < 1 or not 0 <= dropout < 1:
            raise ValueError(f"out of range: {embed_channels=}, {width=}, {grid=}, {dropout=}")
        self.embed_channels = embed_channels
        self.detail = _view(DETAIL_CHANNELS, width, grid)
        self.context = _view(CONTEXT_CHANNELS, width, grid)
        cells = 4 * width * grid * grid
        self.detail_summary = nn.Linear(cells, 4 * width)
        self.context_summary = nn.Linear(cells, 4 * width)
        self.joined = nn.Sequential(
            nn.BatchNorm1d(8 * width), nn.ReLU(inplace=True), nn.Dropout(dropout), nn.Linear(8 * width, embed_channels)
        )

    def forward(self, crops: Tensor) -> Tensor:
        """Map crops to vectors.

        Args:
            crops: ``(B, 6, rows, columns)`` in [0, 1], as :class:`lungdet.transforms.LoadLesiond` makes them.

        Returns:
            ``(B, embed_channels)`` float32, each of length 1.

        Raises:
            ValueError: the shape is not as above.
        """
        if crops.ndim != 4 or crops.shape[1] != self.in_channels or min(crops.shape[2:]) < self.smallest_side:
            side = self.smallest_side
            raise ValueError(f"wanted (B, {self.in_channels}, {side} or more, ...) crops, got {tuple(crops.shape)}")
        near, far = crops[:, :DETAIL_CHANNELS], crops[:, DETAIL_CHANNELS:]
        seen = [self.detail_summary(self.detail(near).flatten(1)), self.context_summary(self.context(far).flatten(1))]
        vectors = self.joined(torch.cat(seen, dim=1))
        return functional.normalize(vectors.float(), dim=1)


def _view(in_channels: int, width: int, grid: int) -> nn.Sequential:
    """Return a residual network with three steps, each half as fine and, from the second, twice as wide."""
    return nn.Sequential(
        conv_norm_act(in_channels, width, "batch", stride=2),
        conv_norm_act(width, 2 * width, "batch", stride=2),
        ResidualBlock2D(2 * width, "batch"),
        conv_norm_act(2 * width, 4 * width, "batch", stride=2),
        ResidualBlock2D(4 * width, "batch"),
        nn.AdaptiveAvgPool2d(grid),
    )
