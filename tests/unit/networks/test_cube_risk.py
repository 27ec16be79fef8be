"""The network that learns from voxels says what the one with frozen features says."""

import pytest
import torch

from lungdet.networks.nets import CubeRisk, NoduleClassifier, pack_candidates

SIDE = 48


@pytest.fixture(scope="module")
def network() -> CubeRisk:
    torch.manual_seed(0)
    made = CubeRisk(NoduleClassifier(settings={"block_config": (1, 1)}))
    torch.nn.init.normal_(made.risk.answer.weight)
    return made


def scan(count: int, room: int = 3, seed: int = 0) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return pack_candidates(torch.rand(count, SIDE**3, generator=random), torch.rand(count, generator=random), room)


def test_it_pools_what_the_classifier_says(network: CubeRisk):
    network.eval()
    batch = torch.stack([scan(2), scan(0), scan(3, seed=1)])
    with torch.no_grad():
        found = network(batch)
        for row, packed in enumerate(batch):
            cubes = packed[packed[:, -1] > 0, :-2].unflatten(1, (1, SIDE, SIDE, SIDE))
            alone = pack_candidates(network.describe(cubes), packed[: len(cubes), -2], 3)
            assert found[row].item() == pytest.approx(network.risk(alone[None]).item(), abs=1e-4)


def test_gradients_reach_the_first_layer_and_the_norms_keep_their_counts(network: CubeRisk):
    network.train()
    norms = [module for module in network.classifier.modules() if isinstance(module, torch.nn.BatchNorm3d)]
    before = [norm.running_mean.clone() for norm in norms]
    network(torch.stack([scan(2), scan(0)])).sum().backward()
    assert next(network.classifier.parameters()).grad is not None
    assert next(network.classifier.parameters()).grad.abs().sum() > 0
    assert norms
    assert all(torch.equal(old, norm.running_mean) for old, norm in zip(before, norms, strict=True))


def test_scans_without_candidates_alone(network: CubeRisk):
    network.eval()
    assert torch.isfinite(network(torch.zeros(2, 3, SIDE**3 + 2))).all()
    with pytest.raises(ValueError, match="packed cubes"):
        network(torch.zeros(2, 3, 99))


def test_it_goes_on_from_a_pooling_that_was_trained_alone(network: CubeRisk, tmp_path):
    file = tmp_path / "model.pt"
    torch.save(network.risk.state_dict(), file)
    again = CubeRisk(network.classifier, file)
    assert all(torch.equal(value, network.risk.state_dict()[name]) for name, value in again.risk.state_dict().items())
    with pytest.raises(ValueError, match=r"model\.pt: weights of another network"):
        CubeRisk(network.classifier, file, pooling="attention")
