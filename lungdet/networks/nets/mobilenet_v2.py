"""MobileNet V2: inverted residuals with a linear bottleneck (Sandler et al., 2018)."""

from __future__ import annotations

from torch import Tensor, nn

from lungdet.networks.nets.picture_classifier import PictureClassifier, conv_norm_relu, initialise

# Expansion, channels, repeats, stride of the first repeat; table 2 of the paper.
STAGES = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip
STEM_CHANNELS, LAST_CHANNELS = 32, 1280


class MobileNetV2(PictureClassifier):
    """Classify pictures with MobileNet V2 (Sandler et al., 2018, table 2).

    The features are named as in torchvision, so that its weights can be loaded.

    Args:
        num_classes: answers for each picture.
        in_channels: channels of the pictures.
        width: factor on all channel counts; the last, 1280, never shrinks.
        dropout: share of the embedding that is dropped before the last layer, in training.

    Raises:
        ValueError: ``width`` is not positive; see also :class:`PictureClassifier`.
    """

    def __init__(self, num_classes: int, in_channels: int = 1, width: float = 1.0, dropout: float = 0.0) -> None:
        if width <= 0:
            raise ValueError(f"width must be positive, got {width}")
        channels = round_to_eights(STEM_CHANNELS * width)
        layers: list[nn.Module] = [conv_norm_relu(in_channels, channels, 3, stride=2, most=6.0)]
        for expansion, base, repeats, first_stride in STAGES:
            wanted = round_to_eights(base * width)
            for repeat in range(repeats):
                layers.append(InvertedResidual(channels, wanted, first_stride if repeat == 0 else 1, expansion))
                channels = wanted
        last = round_to_eights(LAST_CHANNELS * max(1.0, width))
        layers.append(conv_norm_relu(channels, last, 1, most=6.0))
        super().__init__(nn.Sequential(*layers), last, num_classes, in_channels, dropout)
        initialise(self)


class InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow; with a shortcut where nothing changes shape.

    Args:
        in_channels: channels in.
        out_channels: channels out.
        stride: of the depth-wise convolution.
        expansion: factor by which the middle is wider; 1 leaves the widening out.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        middle = in_channels * expansion
        layers: list[nn.Module] = [] if expansion == 1 else [conv_norm_relu(in_channels, middle, 1, most=6.0)]
        layers.append(conv_norm_relu(middle, middle, 3, stride, groups=middle, most=6.0))
        layers += [nn.Conv2d(middle, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)]
        self.conv = nn.Sequential(*layers)
        self.shortcut = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, in_channels, rows, columns)`` to ``(B, out_channels, rows / stride, columns / stride)``."""
        mapped: Tensor = self.conv(x)
        return x + mapped if self.shortcut else mapped


def round_to_eights(channels: float) -> int:
    """Round to a multiple of 8, but not by more than a tenth downwards; 8 at least.

    Example:
        >>> [round_to_eights(each) for each in (16, 16 * 0.75, 18, 24 * 0.35)]
        [16, 16, 24, 8]
    """
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded
