"""Walking a whole scan with a network, and answering for pictures."""

from .autocast import AutocastInferer
from .fast_picture import FastPictureNetwork, fast_picture_network, fast_precision
from .marked_size import MarkedSizeInferer
from .picture_answers import EmbeddingInferer
from .slab_stream import SlabStreamInferer
from .slice_scores import SliceScorer, StackInferer, score_slices

__all__ = [
    "AutocastInferer",
    "EmbeddingInferer",
    "FastPictureNetwork",
    "MarkedSizeInferer",
    "SlabStreamInferer",
    "SliceScorer",
    "StackInferer",
    "fast_picture_network",
    "fast_precision",
    "score_slices",
]
