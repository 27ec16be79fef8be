"""A cube about a mark to one vector: a 3D DenseNet that does not lose the small thing in the middle."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.nets import DenseNet
from torch import Tensor, nn
from torch.nn import functional


class NoduleDenseNet(nn.Module):
    """Map cubes to vectors by MONAI's 3D DenseNet (Huang et al., CVPR 2017).

    Two things differ from the published network, for nodules of 4 mm in the middle of 48 mm. Its stem, a convolution
    and a maximum that each keep every second voxel, becomes two convolutions with that stride: as fast, and what it
    keeps is learnt. And beside the mean over the last maps stand their middle cells, since what counts lies there.

    Args:
        in_channels: of the cubes.
        embed_channels: length of the vectors.
        init_features: maps after the stem.
        growth_rate: maps that each dense layer adds.
        block_config: dense layers of each block; the maps halve between blocks.
        bn_size: maps that a dense layer sees, in ``growth_rate``.

    Attributes:
        out_channels: ``embed_channels``.

    Example:
        >>> with torch.no_grad():
        ...     NoduleDenseNet(block_config=(1, 1)).eval()(torch.rand(2, 1, 48, 48, 48)).shape
        torch.Size([2, 64])
    """

    def __init__(
        self,
        in_channels: int = 1,
        embed_channels: int = 64,
        init_features: int = 32,
        growth_rate: int = 20,
        block_config: Sequence[int] = (4, 8, 8),
        bn_size: int = 2,
    ) -> None:
        super().__init__()
        if min(in_channels, embed_channels, growth_rate, bn_size, *block_config) < 1 or init_features < 2:
            raise ValueError(
                f"out of range: {in_channels=}, {embed_channels=}, {init_features=}, {growth_rate=}, {block_config=}"
            )
        dense = DenseNet(
            spatial_dims=3,
            in_channels=in_channels,
            out_channels=1,
            init_features=init_features,
            growth_rate=growth_rate,
            block_config=tuple(block_config),
            bn_size=bn_size,
        )
        self.features = dense.features
        channels = int(dense.class_layers.out.weight.shape[1])  # type: ignore[union-attr, index]
        self.features.conv0 = _stem(in_channels, init_features)
        self.features.pool0 = nn.Identity()
        self.summary = nn.Linear(2 * channels, embed_channels)
        self.out_channels = embed_channels

    def forward(self, cubes: Tensor) -> Tensor:
        """Return ``(B, embed_channels)`` vectors, none below 0, of ``(B, C, X, Y, Z)`` cubes."""
        maps = self.features(cubes.contiguous(memory_format=torch.channels_last_3d))
        seen = torch.cat([maps.mean(dim=(2, 3, 4)), middle_cells(maps)], dim=1)  # (B, 2 * maps)
        vectors: Tensor = functional.relu(self.summary(seen))
        return vectors


def middle_cells(maps: Tensor) -> Tensor:
    """Return the mean of the middle cells of ``(B, C, X, Y, Z)`` maps, ``(B, C)``; an even side has two of them.

    Example:
        >>> middle_cells(torch.arange(4.0).reshape(1, 1, 1, 1, 4)), middle_cells(torch.eye(3)[None, None, None])
        (tensor([[1.5000]]), tensor([[1.]]))
    """
    middle = tuple(slice((side - 1) // 2, side // 2 + 1) for side in maps.shape[2:])
    return maps[(slice(None), slice(None), *middle)].mean(dim=(2, 3, 4))


def _stem(in_channels: int, out_channels: int) -> nn.Sequential:
    """Return two convolutions of stride 2; the norm that follows the second is DenseNet's own."""
    between = out_channels // 2
    layers = nn.Sequential(
        nn.Conv3d(in_channels, between, 5, stride=2, padding=2, bias=False),
        nn.BatchNorm3d(between),
        nn.ReLU(inplace=True),
        nn.Conv3d(between, out_channels, 3, stride=2, padding=1, bias=False),
    )
    for layer in layers:
        if isinstance(layer, nn.Conv3d):
            nn.init.kaiming_normal_(layer.weight)
    return layers
