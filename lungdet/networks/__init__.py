"""Networks: layers only, no boxes and no files."""

from .blocks import ConvLSTM, ConvLSTMCell
from .nets import NoduleDetector, TwoStageOutput

__all__ = ["ConvLSTM", "ConvLSTMCell", "NoduleDetector", "TwoStageOutput"]
