"""DenseNets that name the body part on a radiograph: a compact one, and DenseNet121."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from lungdet.networks.nets.picture_classifier import PictureClassifier, conv_norm_relu, initialise

Size = Literal["compact", "121"]


class BodyPartDenseNet(PictureClassifier):
    """Classify radiographs with a densely connected network (Huang et al., 2017).

    ``"compact"`` has about 1.1 million parameters. Each norm stands *behind* its convolution, as in PeleeNet (Wang et
    al., 2018), and not before it: for inference all of them fold into the convolutions. It starts from random weights.
    ``"121"`` is DenseNet121 as published, parameter for parameter and, up to ``classifier``, name for name as in
    torchvision, so that its weights can be loaded.

    Args:
        num_classes: answers for each picture.
        size: ``"compact"`` or ``"121"``.
        in_channels: channels of the pictures.
        dropout: share of the embedding that is dropped before the last layer, in training.

    Raises:
        ValueError: there is no such size; see also :class:`PictureClassifier`.

    Example:
        >>> network = BodyPartDenseNet(num_classes=6).eval()
        >>> with torch.no_grad():
        ...     tuple(network(torch.rand(2, 1, 64, 80)).shape)
        (2, 6)
    """

    def __init__(self, num_classes: int, size: Size = "compact", in_channels: int = 1, dropout: float = 0.0) -> None:
        if size == "compact":
            features, channels = compact_features(in_channels)
        elif size == "121":
            features, channels = densenet_features(in_channels)
        else:
            raise ValueError(f"size must be 'compact' or '121', got {size!r}")
        super().__init__(features, channels, num_classes, in_channels, dropout)
        initialise(self)


class DenseLayer(nn.Module):
    """Add ``growth`` channels to what there is: norm, ReLU, 1x1 convolution, norm, ReLU, 3x3 convolution."""

    def __init__(self, in_channels: int, growth: int, bottleneck: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(in_channels, bottleneck * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(bottleneck * growth)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(bottleneck * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C, rows, columns)`` to ``(B, C + growth, rows, columns)``."""
        squeezed = self.conv1(self.relu1(self.norm1(x)))
        return torch.cat([x, self.conv2(self.relu2(self.norm2(squeezed)))], dim=1)


class PostNormDenseLayer(nn.Module):
    """Add ``growth`` channels to what there is: 1x1 convolution, norm, ReLU, 3x3 convolution, norm, ReLU."""

    def __init__(self, in_channels: int, growth: int, bottleneck: int) -> None:
        super().__init__()
        self.squeeze = conv_norm_relu(in_channels, bottleneck * growth, 1)
        self.grow = conv_norm_relu(bottleneck * growth, growth, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C, rows, columns)`` to ``(B, C + growth, rows, columns)``."""
        return torch.cat([x, self.grow(self.squeeze(x))], dim=1)


def compact_features(
    in_channels: int, stem: int = 32, growth: int = 24, bottleneck: int = 2, depths: Sequence[int] = (3, 6, 10, 8)
) -> tuple[nn.Sequential, int]:
    """Return the compact network up to its feature maps at stride 32, and their channels."""
    layers: list[nn.Module] = [conv_norm_relu(in_channels, stem // 2, 3, stride=2)]
    layers += [conv_norm_relu(stem // 2, stem, 3, stride=2)]
    channels = stem
    for stage, depth in enumerate(depths):
        for _ in range(depth):
            layers.append(PostNormDenseLayer(channels, growth, bottleneck))
            channels += growth
        last = stage == len(depths) - 1
        narrowed = channels if last else channels * 3 // 4
        layers.append(conv_norm_relu(channels, narrowed, 1))
        channels = narrowed
        if not last:
            layers.append(nn.AvgPool2d(2))
    return nn.Sequential(*layers), channels


def densenet_features(
    in_channels: int, stem: int = 64, growth: int = 32, bottleneck: int = 4, depths: Sequence[int] = (6, 12, 24, 16)
) -> tuple[nn.Sequential, int]:
    """Return a DenseNet as published up to its feature maps at stride 32, and their channels."""
    features = nn.Sequential(
        OrderedDict[str, nn.Module](
            conv0=nn.Conv2d(in_channels, stem, 7, stride=2, padding=3, bias=False),
            norm0=nn.BatchNorm2d(stem),
            relu0=nn.ReLU(inplace=True),
            pool0=nn.MaxPool2d(3, stride=2, padding=1),
        )
    )
    channels = stem
    for stage, depth in enumerate(depths, start=1):
        block = OrderedDict[str, nn.Module]()
        for layer in range(1, depth + 1):
            block[f"denselayer{layer}"] = DenseLayer(channels, growth, bottleneck)
            channels += growth
        features.add_module(f"denseblock{stage}", nn.Sequential(block))
        if stage < len(depths):
            features.add_module(f"transition{stage}", transition(channels, channels // 2))
            channels //= 2
    features.add_module("norm5", nn.BatchNorm2d(channels))
    features.add_module("relu5", nn.ReLU(inplace=True))
    return features, channels


def transition(in_channels: int, out_channels: int) -> nn.Sequential:
    """Return what stands between two dense blocks: norm, ReLU, 1x1 convolution, mean of 2 x 2."""
    return nn.Sequential(
        OrderedDict[str, nn.Module](
            norm=nn.BatchNorm2d(in_channels),
            relu=nn.ReLU(inplace=True),
            conv=nn.Conv2d(in_channels, out_channels, 1, bias=False),
            pool=nn.AvgPool2d(2),
        )
    )
