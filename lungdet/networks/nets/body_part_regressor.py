"""Networks that give an axial CT slice one number: how far towards the feet it lies."""

from __future__ import annotations

from torch import Tensor, nn

from lungdet.networks.nets.picture_classifier import PictureClassifier, conv_norm_relu, initialise

REGRESSORS = ("compact", "published")
# Convolutions of each stage of VGG-16, configuration D; a maximum over 2 x 2 follows each of them.
VGG_STAGES = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
# (channels, convolutions) at stride 8, 16 and 32 of the compact network; each stage but the first halves the side.
COMPACT_STAGES = ((32, 1), (64, 2), (128, 2))
COMPACT_STEM = 16


class BodyPartRegressor(PictureClassifier):
    """Score axial slices: feature maps, their mean, one linear layer with one output.

    A score means nothing by itself. Trained by :class:`lungdet.losses.BodyPartOrderLoss` it rises evenly towards the
    feet, alike in all bodies; its zero and its unit are arbitrary.

    ``"published"`` is the network of the self-supervised body-part regressor (Yan, Lu, Summers, ISBI 2018,
    arXiv:1707.03891): the 13 convolutions of VGG-16, one more of 1 x 1, and no norms. ``"compact"`` has batch norms, a
    fiftieth of the parameters, and a five-hundredth of the multiplications.

    Args:
        name: ``"compact"`` or ``"published"``.
        in_channels: channels of a slice.
        width: factor on all channel counts.

    Raises:
        ValueError: there is no such network, or ``width`` is not positive; see also :class:`PictureClassifier`.

    Example:
        >>> import torch
        >>> with torch.no_grad():
        ...     tuple(BodyPartRegressor("compact").eval()(torch.rand(2, 1, 128, 128)).shape)
        (2, 1)
    """

    def __init__(self, name: str = "compact", in_channels: int = 1, width: float = 1.0) -> None:
        if name not in REGRESSORS:
            raise ValueError(f"there is no network {name!r}: take one of {', '.join(REGRESSORS)}")
        if width <= 0:
            raise ValueError(f"width must be positive, got {width}")
        make = vgg_features if name == "published" else compact_features
        features, channels = make(in_channels, width)
        super().__init__(features, channels, num_classes=1, in_channels=in_channels)
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        """Score slices.

        Args:
            images: ``(B, in_channels, rows, columns)`` in [0, 1], rows to the back, columns to the patient's left.

        Returns:
            Scores ``(B, 1)``.
        """
        return super().forward(images)


def body_part_regressor(name: str = "compact", in_channels: int = 1, width: float = 1.0) -> BodyPartRegressor:
    """Return a network that scores slices by its name; see :class:`BodyPartRegressor`.

    Example:
        >>> sum(parameter.numel() for parameter in body_part_regressor("published").parameters())
        14976705
    """
    return BodyPartRegressor(name, in_channels, width)


def vgg_features(in_channels: int, width: float = 1.0) -> tuple[nn.Sequential, int]:
    """Return the published network up to its feature maps at stride 32, and their channels."""
    layers: list[nn.Module] = []
    for depth, base in VGG_STAGES:
        channels = _scaled(base, width)
        for _ in range(depth):
            layers += [nn.Conv2d(in_channels, channels, 3, padding=1), nn.ReLU(inplace=True)]
            in_channels = channels
        layers.append(nn.MaxPool2d(2))
    layers += [nn.Conv2d(in_channels, in_channels, 1), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers), in_channels


def compact_features(in_channels: int, width: float = 1.0) -> tuple[nn.Sequential, int]:
    """Return the compact network up to its feature maps at stride 32, and their channels."""
    stem = _scaled(COMPACT_STEM, width)
    # Means of 2 x 2 first: shapes tell the height, and fine grain tells a scanner or a phantom.
    layers: list[nn.Module] = [nn.AvgPool2d(2), conv_norm_relu(in_channels, stem, 5, stride=2)]
    in_channels = stem
    for base, depth in COMPACT_STAGES:
        channels = _scaled(base, width)
        layers.append(conv_norm_relu(in_channels, channels, 3, stride=2))
        layers += [conv_norm_relu(channels, channels, 3) for _ in range(depth - 1)]
        in_channels = channels
    return nn.Sequential(*layers), in_channels


def _scaled(channels: int, width: float) -> int:
    return max(4, round(channels * width))
