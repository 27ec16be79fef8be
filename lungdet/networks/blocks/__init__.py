"""Building blocks: layers that know nothing of boxes or files."""

from .candidates import cell_centers, cut_cubes, peak_logits, top_cells
from .conv_lstm import ConvLSTM, ConvLSTMCell
from .fold_norms import fold_norms
from .memory_format import to_channels_last
from .nodule_densenet import NoduleDenseNet
from .residual_2d import ResidualBlock2D
from .second_look import SecondLook
from .second_look_backbone import SecondLookBackbone
from .sequence_head import SequenceHead
from .sequences import cat_channels, cat_steps, stack_steps, unbind_steps
from .slab_encoder import SlabEncoder
from .z_mixers import Conv3dMixer, ConvLSTMMixer, IdentityMixer, ZMixer

__all__ = [
    "Conv3dMixer",
    "ConvLSTM",
    "ConvLSTMCell",
    "ConvLSTMMixer",
    "IdentityMixer",
    "NoduleDenseNet",
    "ResidualBlock2D",
    "SecondLook",
    "SecondLookBackbone",
    "SequenceHead",
    "SlabEncoder",
    "ZMixer",
    "cat_channels",
    "cat_steps",
    "cell_centers",
    "cut_cubes",
    "fold_norms",
    "peak_logits",
    "stack_steps",
    "to_channels_last",
    "top_cells",
    "unbind_steps",
]
