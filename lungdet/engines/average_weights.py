"""A running mean of a network's weights, which is better and steadier than the weights of any one step."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from ignite.engine import Engine, Events
from torch import nn

from .save_model import unwrapped


class WeightAverager:
    """Ignite handler of a trainer: after each step, move an average of the network a little towards it.

    Validate, save and use ``average``; train ``network``. Parameters and the floating-point buffers (what batch
    normalisation counts) are averaged alike, others are copied. The share that stays is ``decay``, and less in the
    first steps, ``(1 + k) / (10 + k)`` at step ``k``, so that the random start is soon forgotten. The share depends on
    the iteration alone: with ``average`` among the extras of :class:`TrainingState`, a training goes on as if it had
    never stopped. In a distributed run give ``average`` to a :class:`BufferAverager`, too.

    Args:
        network: what is trained, perhaps wrapped in ``DistributedDataParallel``.
        average: what is moved, see :func:`averaged_copy`; made here if None.
        decay: in [0, 1); 0 makes the average the network itself.

    Attributes:
        average: the running mean.

    Raises:
        ValueError: ``decay`` is out of its range.
    """

    def __init__(self, network: nn.Module, average: nn.Module | None = None, decay: float = 0.998) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be in [0, 1), got {decay}")
        self.network, self.decay = unwrapped(network), decay
        self.average = averaged_copy(network) if average is None else average

    def attach(self, engine: Engine) -> None:
        """Act after every step."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, engine: Any) -> None:
        """Move the average."""
        step = int(engine.state.iteration)
        self.update(1 - min(self.decay, (1 + step) / (10 + step)))

    @torch.no_grad()
    def update(self, share: float) -> None:
        """Move the average by ``share``, in [0, 1], of the way."""
        now = self.network.state_dict()
        for name, value in self.average.state_dict().items():
            if torch.is_floating_point(value):
                value.lerp_(now[name].to(value.dtype), share)
            else:
                value.copy_(now[name])


def averaged_copy(network: nn.Module) -> nn.Module:
    """Copy a network, or what ``DistributedDataParallel`` wraps, for :class:`WeightAverager` to move.

    Returns:
        The copy, in evaluation mode and without gradients.
    """
    return deepcopy(unwrapped(network)).eval().requires_grad_(False)
