import pytest
import torch

from lungdet.networks.blocks import NoduleDenseNet, to_channels_last
from lungdet.networks.nets import NoduleClassifier, split_answers

SMALL = {"block_config": (1, 1), "growth_rate": 4, "init_features": 8}


@pytest.fixture(params=["densenet", "second_look"])
def network(request: pytest.FixtureRequest) -> NoduleClassifier:
    torch.manual_seed(0)
    settings = SMALL if request.param == "densenet" else None
    return NoduleClassifier(backbone=request.param, embed_channels=64, settings=settings).eval()


def cubes(count: int = 2) -> torch.Tensor:
    return torch.rand(count, 1, 48, 48, 48, generator=torch.manual_seed(1))


def test_shapes_and_parts(network: NoduleClassifier) -> None:
    with torch.no_grad():
        logits, vectors = network(cubes()), network.embed(cubes())
    assert logits.shape == (2, 33)
    assert vectors.shape == (2, network.embed_channels)
    parts = split_answers(logits)
    assert parts.nodule.shape == (2,)
    assert parts.kind.shape == (2, 4)
    assert parts.ratings.shape == (2, 7, 4)


def test_heads_answer_from_the_embedding_alone(network: NoduleClassifier) -> None:
    with torch.no_grad():
        parts, raw = split_answers(network(cubes())), network.heads(network.embed(cubes()))
    assert torch.equal(raw[:, :5], torch.cat([parts.nodule[:, None], parts.kind], dim=1))
    assert torch.equal(raw[:, 5::4], parts.ratings[..., 0])


def test_a_higher_rating_is_never_likelier(network: NoduleClassifier) -> None:
    with torch.no_grad():
        network.heads[-1].weight.normal_(std=5)
        steps = split_answers(network(cubes(4))).ratings.diff(dim=-1)
    assert (steps <= 0).all()
    assert (steps < -0.01).any()


def test_the_order_outlives_half_precision(network: NoduleClassifier) -> None:
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        network.heads[-1].bias[5:].fill_(40.0)
        network.heads[-1].bias[6::4].fill_(-8.0)  # softplus(-8) = 3e-4, less than bfloat16 can tell from 40
        logits = network(cubes())
    assert logits.dtype == torch.float32
    assert (split_answers(logits).ratings.diff(dim=-1)[..., 0] < 0).all()


def test_a_cube_is_judged_alone(network: NoduleClassifier) -> None:
    with torch.no_grad():
        assert torch.allclose(network(cubes(3))[1:2], network(cubes(3)[1:2]), atol=1e-5)


def test_no_cube_gives_no_answer(network: NoduleClassifier) -> None:
    with torch.no_grad():
        assert network(cubes(0)).shape == (0, 33)


def test_every_weight_learns(network: NoduleClassifier) -> None:
    network.train()(cubes()).square().sum().backward()
    idle = [name for name, each in network.named_parameters() if each.grad is None or not each.grad.abs().sum() > 0]
    assert idle == []


def test_the_middle_counts_more_than_the_rim() -> None:
    torch.manual_seed(0)
    network = NoduleDenseNet(**SMALL).eval()
    image = cubes(1).requires_grad_()
    network(image).sum().backward()
    assert image.grad is not None
    slope = image.grad[0, 0].abs()
    assert slope[16:32, 16:32, 16:32].mean() > 2 * slope[:8].mean()


def test_memory_order_changes_nothing() -> None:
    torch.manual_seed(0)
    network = NoduleClassifier(settings=SMALL).eval()
    with torch.no_grad():
        before = network(cubes())
        assert torch.allclose(before, to_channels_last(network)(cubes()), atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"backbone": "resnet"}, "densenet"), ({"dropout": 1.0}, "out of range"), ({"types": 0}, "out of range")],
)
def test_bad_settings(settings: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        NoduleClassifier(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(1, 48, 48, 48), (2, 2, 48, 48, 48), (2, 1, 48, 48, 16)])
def test_bad_cubes(shape: tuple[int, ...], network: NoduleClassifier) -> None:
    with pytest.raises(ValueError, match="cubes"):
        network(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(33,), (2, 32), (2, 4)])
def test_bad_logits(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="logits"):
        split_answers(torch.zeros(shape))
