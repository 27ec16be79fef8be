"""Whole networks."""

from .body_part_densenet import BodyPartDenseNet
from .nodule_detector import NoduleDetector, TwoStageOutput
from .picture_classifier import PictureClassifier
from .radiograph_network import RADIOGRAPH_NETWORKS, radiograph_network

__all__ = [
    "RADIOGRAPH_NETWORKS",
    "BodyPartDenseNet",
    "NoduleDetector",
    "PictureClassifier",
    "TwoStageOutput",
    "radiograph_network",
]
