import pytest
import torch
from torch import Tensor, nn

from lungdet.networks.blocks import fold_norms


def test_a_fold_by_hand():
    convolution, norm = nn.Conv2d(1, 1, 1, bias=False), nn.BatchNorm2d(1, eps=0.0)
    nn.init.constant_(convolution.weight, 2.0)
    norm.running_mean.fill_(3.0)
    norm.running_var.fill_(4.0)
    nn.init.constant_(norm.weight, 5.0)
    nn.init.constant_(norm.bias, 7.0)
    network = nn.Sequential(convolution, norm).eval()
    assert fold_norms(network) == 1
    # (2 x - 3) / sqrt(4) * 5 + 7 = 5 x - 0.5
    assert network[0].weight.item() == pytest.approx(5.0)
    assert network[0].bias.item() == pytest.approx(-0.5)
    assert isinstance(network[1], nn.Identity)


class Branching(nn.Module):
    """The first convolution is used twice, so its norm must stay; the second norm has no convolution before it."""

    def __init__(self):
        super().__init__()
        self.convolution, self.norm, self.alone = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.BatchNorm2d(1)

    def forward(self, x: Tensor) -> Tensor:
        raw = self.convolution(self.alone(x))
        return raw + self.norm(raw)


def test_norms_that_cannot_be_folded_stay():
    network, image = Branching().eval(), torch.rand(1, 1, 5, 5)
    with torch.no_grad():
        wanted = network(image)
        assert fold_norms(network) == 0
        assert torch.equal(network(image), wanted)


def test_nothing_to_fold():
    assert fold_norms(nn.Sequential(nn.ReLU()).eval()) == 0


def test_a_network_in_training_is_refused():
    with pytest.raises(ValueError, match="evaluation mode"):
        fold_norms(nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)))
