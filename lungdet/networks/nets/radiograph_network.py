"""Networks for radiographs, by name."""

from __future__ import annotations

from collections.abc import Callable

from lungdet.networks.nets.body_part_densenet import BodyPartDenseNet
from lungdet.networks.nets.picture_classifier import PictureClassifier

Maker = Callable[[int, int, float], PictureClassifier]

RADIOGRAPH_NETWORKS: dict[str, Maker] = {
    "densenet_compact": lambda classes, channels, dropout: BodyPartDenseNet(classes, "compact", channels, dropout),
    "densenet121": lambda classes, channels, dropout: BodyPartDenseNet(classes, "121", channels, dropout),
}


def radiograph_network(name: str, num_classes: int, in_channels: int = 1, dropout: float = 0.0) -> PictureClassifier:
    """Return a network by its name.

    Args:
        name: one of :data:`RADIOGRAPH_NETWORKS`.
        num_classes: answers for each picture.
        in_channels: channels of the pictures.
        dropout: share of the embedding that is dropped before the last layer, in training.

    Raises:
        ValueError: there is no such network.
    """
    if name not in RADIOGRAPH_NETWORKS:
        raise ValueError(f"there is no network {name!r}: take one of {', '.join(RADIOGRAPH_NETWORKS)}")
    return RADIOGRAPH_NETWORKS[name](num_classes, in_channels, dropout)
