"""The 2D network that sees one slab of slices: fine features with wide context."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from .residual_2d import Norm, ResidualBlock2D, conv_norm_act


class SlabEncoder(nn.Module):
    """Map slabs to features at a quarter of the resolution, to which strides 8 and 16 add context.

    Args:
        in_channels: channels of a slab: its slices times the image's channels.
        channels: widths at strides 2, 4, 8 and 16.
        out_channels: width of the features.
        norm: norm layer as MONAI names it.
    """

    stride = 4
    multiple = 16

    def __init__(self, in_channels: int, channels: Sequence[int], out_channels: int, norm: Norm) -> None:
        super().__init__()
        if len(channels) != 4:
            raise ValueError(f"channels must name the widths at strides 2, 4, 8 and 16, got {tuple(channels)}")
        at2, at4, at8, at16 = channels
        self.out_channels = out_channels
        self.stem = conv_norm_act(in_channels, at2, norm, stride=2)
        self.level4 = nn.Sequential(conv_norm_act(at2, at4, norm, stride=2), ResidualBlock2D(at4, norm))
        self.level8 = nn.Sequential(conv_norm_act(at4, at8, norm, stride=2), ResidualBlock2D(at8, norm))
        self.level16 = nn.Sequential(conv_norm_act(at8, at16, norm, stride=2), ResidualBlock2D(at16, norm))
        self.lateral4 = nn.Conv2d(at4, out_channels, 1)
        self.lateral8 = nn.Conv2d(at8, out_channels, 1)
        self.lateral16 = nn.Conv2d(at16, out_channels, 1)
        self.fuse = conv_norm_act(out_channels, out_channels, norm)

    def forward(self, slabs: Tensor) -> Tensor:
        """Map ``(N, in_channels, X, Y)`` to ``(N, out_channels, X/4, Y/4)``; X and Y are multiples of 16."""
        at4 = self.level4(self.stem(slabs))
        at8 = self.level8(at4)
        at16 = self.level16(at8)
        context = self.lateral8(at8) + functional.interpolate(self.lateral16(at16), scale_factor=2.0, mode="nearest")
        return self.fuse(self.lateral4(at4) + functional.interpolate(context, scale_factor=2.0, mode="nearest"))
