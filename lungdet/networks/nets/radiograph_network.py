"""Networks for radiographs, by name."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike

from lungdet.networks.nets.body_part_densenet import BodyPartDenseNet
from lungdet.networks.nets.from_monai import efficient_network, residual_network
from lungdet.networks.nets.mobilenet_v1 import MobileNetV1
from lungdet.networks.nets.mobilenet_v2 import MobileNetV2
from lungdet.networks.nets.picture_classifier import PictureClassifier
from lungdet.networks.nets.picture_weights import load_picture_weights

Maker = Callable[[int, int, float], PictureClassifier]

RADIOGRAPH_NETWORKS: dict[str, Maker] = {
    "densenet_compact": lambda classes, channels, dropout: BodyPartDenseNet(classes, "compact", channels, dropout),
    "densenet121": lambda classes, channels, dropout: BodyPartDenseNet(classes, "121", channels, dropout),
    "mobilenet_v1": lambda classes, channels, dropout: MobileNetV1(classes, channels, dropout=dropout),
    "mobilenet_v2": lambda classes, channels, dropout: MobileNetV2(classes, channels, dropout=dropout),
    "resnet18": lambda classes, channels, dropout: residual_network(18, classes, channels, dropout),
    "resnet34": lambda classes, channels, dropout: residual_network(34, classes, channels, dropout),
    "efficientnet_b0": lambda classes, channels, dropout: efficient_network(
        "efficientnet-b0", classes, channels, dropout
    ),
    "efficientnet_b1": lambda classes, channels, dropout: efficient_network(
        "efficientnet-b1", classes, channels, dropout
    ),
    "efficientnet_b2": lambda classes, channels, dropout: efficient_network(
        "efficientnet-b2", classes, channels, dropout
    ),
}


def radiograph_network(
    name: str,
    num_classes: int,
    in_channels: int = 1,
    dropout: float = 0.0,
    weights: str | PathLike[str] | None = None,
) -> PictureClassifier:
    """Return a network for radiographs by its name.

    Args:
        name: ``densenet_compact``, ``densenet121``, ``mobilenet_v1``, ``mobilenet_v2``, ``resnet18``, ``resnet34``,
            ``efficientnet_b0``, ``efficientnet_b1`` or ``efficientnet_b2``.
        num_classes: answers for each picture.
        in_channels: channels of the pictures.
        dropout: share of the embedding that is dropped before the last layer, in training.
        weights: a file of weights to start from, see :func:`load_picture_weights`; None for random ones.

    Raises:
        ValueError: there is no such network, or the weights do not fit it.

    Example:
        >>> network = radiograph_network("mobilenet_v2", num_classes=5)
        >>> network.num_classes, network.embed_channels
        (5, 1280)
    """
    if name not in RADIOGRAPH_NETWORKS:
        raise ValueError(f"there is no network {name!r}: take one of {', '.join(RADIOGRAPH_NETWORKS)}")
    network = RADIOGRAPH_NETWORKS[name](num_classes, in_channels, dropout)
    if weights is not None:
        load_picture_weights(network, weights)
    return network
