"""Networks: layers only, no boxes, and no files but those of weights."""

from .blocks import ConvLSTM, ConvLSTMCell
from .nets import BodyPartDenseNet, NoduleDetector, PictureClassifier, TwoStageOutput, radiograph_network

__all__ = [
    "BodyPartDenseNet",
    "ConvLSTM",
    "ConvLSTMCell",
    "NoduleDetector",
    "PictureClassifier",
    "TwoStageOutput",
    "radiograph_network",
]
