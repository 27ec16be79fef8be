import random

import numpy as np
import torch
from ignite.engine import Engine

from lungdet.engines import SeedEpochs


def draws(seed: int, epoch: int) -> tuple[float, float, float]:
    engine = Engine(lambda engine, batch: None)
    engine.state.epoch = epoch
    SeedEpochs(seed)(engine)
    return torch.rand(()).item(), float(np.random.rand()), random.random()  # noqa: NPY002


def test_draws_depend_on_seed_and_epoch_alone():
    first = draws(3, 5)
    draws(1, 1)
    assert draws(3, 5) == first
    for other in (draws(4, 5), draws(3, 6)):
        assert all(one != two for one, two in zip(first, other, strict=True))
