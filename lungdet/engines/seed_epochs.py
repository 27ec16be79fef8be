"""Seed the global random generators at every epoch."""

from __future__ import annotations

import random

import ignite.distributed as idist
import numpy as np
import torch
from ignite.engine import Engine, Events

from .seeded_dataset import draw_seed


class SeedEpochs:
    """Ignite handler: seed PyTorch, NumPy and Python anew when an epoch starts, from the seed, the epoch and the rank.

    Whatever draws from them, such as dropout, then needs no stored state for a training to go on as if it had never
    stopped.

    Args:
        seed: mixed with the epoch and the rank.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def attach(self, engine: Engine) -> None:
        """Seed when an epoch starts."""
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Seed for the epoch of ``engine.state``."""
        seed = draw_seed(self.seed, int(engine.state.epoch), idist.get_rank())
        torch.manual_seed(seed)  # CUDA's generators, too
        np.random.seed(seed)  # noqa: NPY002  # the generator that others draw from
        random.seed(seed)
