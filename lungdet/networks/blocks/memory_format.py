"""Weights in the memory order that convolutions like best."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def to_channels_last(network: Network) -> Network:
    """Lay out the weights of 2D and 3D convolutions channels last, in place, and return the network.

    ``nn.Module.to(memory_format=torch.channels_last)`` raises where a module holds a 3D convolution.
    """
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        elif parameter.ndim == 5:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last_3d)
    return network
