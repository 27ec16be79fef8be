"""MobileNet V1: convolutions taken apart into depth-wise and point-wise ones (Howard et al., 2017)."""

from __future__ import annotations

from torch import nn

from lungdet.networks.nets.picture_classifier import PictureClassifier, conv_norm_relu, initialise

# (out_channels, stride) of each pair of a depth-wise and a point-wise convolution; table 1 of the paper.
PAIRS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
STEM_CHANNELS = 32


class MobileNetV1(PictureClassifier):
    """Classify pictures with MobileNet V1 (Howard et al., 2017, table 1).

    Args:
        num_classes: answers for each picture.
        in_channels: channels of the pictures.
        width: factor on all channel counts.
        dropout: share of the embedding that is dropped before the last layer, in training.

    Raises:
        ValueError: ``width`` is not positive; see also :class:`PictureClassifier`.
    """

    def __init__(self, num_classes: int, in_channels: int = 1, width: float = 1.0, dropout: float = 0.0) -> None:
        if width <= 0:
            raise ValueError(f"width must be positive, got {width}")
        channels = max(8, int(STEM_CHANNELS * width))
        layers = [conv_norm_relu(in_channels, channels, kernel=3, stride=2)]
        for base, stride in PAIRS:
            layers.append(conv_norm_relu(channels, channels, kernel=3, stride=stride, groups=channels))
            layers.append(conv_norm_relu(channels, max(8, int(base * width)), kernel=1))
            channels = max(8, int(base * width))
        super().__init__(nn.Sequential(*layers), channels, num_classes, in_channels, dropout)
        initialise(self)
