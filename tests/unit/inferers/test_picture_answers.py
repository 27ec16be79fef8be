import pytest
import torch

from lungdet.inferers import EmbeddingInferer
from lungdet.networks.nets import BodyPartDenseNet


@pytest.fixture(scope="module")
def network() -> BodyPartDenseNet:
    torch.manual_seed(0)
    return BodyPartDenseNet(num_classes=4).eval()


@torch.no_grad()
def test_both_steps_are_the_network(network: BodyPartDenseNet) -> None:
    pictures = torch.rand(3, 1, 32, 32)
    answers = EmbeddingInferer()(pictures, network)
    torch.testing.assert_close(answers["logits"], network(pictures))
    assert answers["embedding"].shape == (3, network.embed_channels)


@torch.no_grad()
def test_half_precision_comes_back_as_float32(network: BodyPartDenseNet) -> None:
    answers = EmbeddingInferer("bfloat16")(torch.rand(2, 1, 32, 32), network)
    assert {value.dtype for value in answers.values()} == {torch.float32}


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="dtype must be"):
        EmbeddingInferer("int8")
