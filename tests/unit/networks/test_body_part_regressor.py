"""Networks that score slices."""

import pytest
import torch

from lungdet.networks.nets import REGRESSORS, body_part_regressor


@pytest.mark.parametrize("name", REGRESSORS)
def test_one_score_a_slice_each_for_itself(name):
    network = body_part_regressor(name, width=0.25).eval()
    slices = torch.rand(3, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        together, alone = network(slices), network(slices[1:2])
    assert together.shape == (3, 1)
    assert torch.allclose(together[1:2], alone, atol=1e-5)


def test_the_published_network_is_that_of_the_paper():
    network = body_part_regressor("published", width=1 / 16)
    convolutions = [module for module in network.modules() if isinstance(module, torch.nn.Conv2d)]
    assert [conv.kernel_size[0] for conv in convolutions] == [3] * 13 + [1]
    assert [conv.out_channels * 16 for conv in convolutions] == [64] * 2 + [128] * 2 + [256] * 3 + [512] * 7
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules())


def test_every_weight_learns():
    network = body_part_regressor("compact")
    network(torch.rand(4, 1, 64, 64)).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_refusals():
    with pytest.raises(ValueError, match="take one of compact, published"):
        body_part_regressor("vgg")
    with pytest.raises(ValueError, match="width"):
        body_part_regressor(width=0)
    with pytest.raises(ValueError, match="must be"):
        body_part_regressor()(torch.zeros(1, 2, 64, 64))
