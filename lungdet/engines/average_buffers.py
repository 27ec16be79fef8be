"""Batch normalisation in several processes: one set of running statistics."""

from __future__ import annotations

import torch
from ignite.engine import Engine, Events
from torch import distributed, nn


class BufferAverager:
    """Ignite handler: average the network's buffers over all processes when an epoch ends.

    ``DistributedDataParallel`` shares gradients, not what batch normalisation counts in each process, so without this
    every process would validate another network, and only the first one's statistics would be saved. With one process
    it does nothing. Attach it before the validation's handler.

    Wrap the network with ``broadcast_buffers=False``: else every step begins with the first process's buffers, and the
    other processes' share of the mean is one step's.

    Args:
        network: whose floating-point buffers are averaged; the others count steps, and are equal.

    Raises:
        ValueError: the network is a ``DistributedDataParallel`` that shares the first process's buffers.
    """

    def __init__(self, network: nn.Module) -> None:
        if getattr(network, "broadcast_buffers", False) is True:
            raise ValueError("the network overwrites all buffers with the first process's: set broadcast_buffers=False")
        self.network = network

    def attach(self, engine: Engine) -> None:
        """Act when an epoch ends."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Average now; all processes must call it."""
        if not (distributed.is_available() and distributed.is_initialized()):
            return
        buffers = [buffer for buffer in self.network.buffers() if torch.is_floating_point(buffer)]
        for buffer in buffers:
            distributed.all_reduce(buffer)
            buffer /= distributed.get_world_size()
