from types import SimpleNamespace

import pytest
import torch
from torch import nn

from lungdet.engines import WeightAverager


def network(value: float) -> nn.Module:
    layers = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    nn.init.constant_(layers[0].weight, value)
    return layers


def step(averager: WeightAverager, iteration: int) -> None:
    averager(SimpleNamespace(state=SimpleNamespace(iteration=iteration)))


def test_two_steps_by_hand() -> None:
    trained = network(1.0)
    averager = WeightAverager(trained, decay=0.25)
    nn.init.constant_(trained[0].weight, 3.0)
    step(averager, 1)  # decay (1 + 1) / (10 + 1): 1 * 2 / 11 + 3 * 9 / 11
    assert averager.average[0].weight.item() == pytest.approx(29 / 11)
    step(averager, 10)  # decay 0.25: the formula gives 11 / 20
    assert averager.average[0].weight.item() == pytest.approx(29 / 11 * 0.25 + 3 * 0.75)


def test_buffers_are_averaged_and_counts_copied() -> None:
    trained = network(1.0)
    averager = WeightAverager(trained, decay=0.5)
    trained[1].running_mean.fill_(4.0)
    trained[1].num_batches_tracked.fill_(7)
    averager.update(0.25)
    assert averager.average[1].running_mean.item() == 1.0
    assert averager.average[1].num_batches_tracked.item() == 7


def test_without_decay_it_is_the_network() -> None:
    trained = network(1.0)
    averager = WeightAverager(trained, decay=0.0)
    nn.init.constant_(trained[0].weight, -2.0)
    step(averager, 1)
    assert averager.average[0].weight.item() == -2.0


def test_the_average_is_not_trained() -> None:
    averager = WeightAverager(network(1.0))
    assert not averager.average.training
    assert not any(parameter.requires_grad for parameter in averager.average.parameters())


def test_a_far_memory_fades() -> None:
    trained = network(100.0)
    averager = WeightAverager(trained, decay=0.9)
    nn.init.constant_(trained[0].weight, 0.0)
    for iteration in range(1, 200):
        step(averager, iteration)
    assert abs(averager.average[0].weight.item()) < 1e-6
    assert torch.isfinite(averager.average[1].running_var).all()


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_a_decay_out_of_range_is_refused(decay: float) -> None:
    with pytest.raises(ValueError, match="decay"):
        WeightAverager(network(1.0), decay=decay)
