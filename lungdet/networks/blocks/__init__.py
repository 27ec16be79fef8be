"""Building blocks: layers that know nothing of boxes or files."""

from .conv_lstm import ConvLSTM, ConvLSTMCell
from .residual_2d import ResidualBlock2D
from .sequences import cat_channels, cat_steps, stack_steps
from .slab_encoder import SlabEncoder
from .z_mixers import ConvLSTMMixer, IdentityMixer, ZMixer

__all__ = [
    "ConvLSTM",
    "ConvLSTMCell",
    "ConvLSTMMixer",
    "IdentityMixer",
    "ResidualBlock2D",
    "SlabEncoder",
    "ZMixer",
    "cat_channels",
    "cat_steps",
    "stack_steps",
]
