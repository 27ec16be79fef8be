"""Plain 2D convolution blocks that keep to ``channels_last``."""

from __future__ import annotations

from typing import Any

from monai.networks.layers.utils import get_norm_layer
from torch import Tensor, nn

Norm = str | tuple[str, dict[str, Any]]


def conv_norm_act(in_channels: int, out_channels: int, norm: Norm, stride: int = 1) -> nn.Sequential:
    """Return a 3x3 convolution, a norm as MONAI names it (``"batch"``, ``("group", {"num_groups": 8})``) and a ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False),
        get_norm_layer(norm, spatial_dims=2, channels=out_channels),
        nn.ReLU(inplace=True),
    )


class ResidualBlock2D(nn.Module):
    """Two 3x3 convolutions around a shortcut (He et al., 2016).

    Args:
        channels: channels in and out.
        norm: norm layer as MONAI names it.
    """

    def __init__(self, channels: int, norm: Norm) -> None:
        super().__init__()
        self.first = conv_norm_act(channels, channels, norm)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            get_norm_layer(norm, spatial_dims=2, channels=channels),
        )
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, channels, X, Y)`` to the same shape."""
        return self.act(x + self.second(self.first(x)))
