import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from lungdet.losses import NoduleHeadsLoss


def told(nodule: list[float], kind: list[int], ratings: Tensor | None = None) -> dict[str, Tensor]:
    shares = torch.full((len(nodule), 7, 4), torch.nan) if ratings is None else ratings
    return {"nodule": torch.tensor(nodule), "kind": torch.tensor(kind), "ratings": shares}


def test_by_hand() -> None:
    logits = torch.zeros(3, 33)
    logits[0, 0], logits[1, 0], logits[2, 0] = 2.0, -1.0, 50.0  # the third is not known
    logits[0, 1] = 1.0
    ratings = torch.full((3, 7, 4), torch.nan)
    ratings[0, 0] = torch.tensor([1.0, 0.75, 0.25, 0.0])
    logits[0, 5:9] = torch.tensor([3.0, 1.0, -1.0, -3.0])
    loss = NoduleHeadsLoss(weights=(1.0, 2.0, 3.0))
    value = float(loss(logits, told([1.0, 0.0, -1.0], [0, -1, -1], ratings)))
    nodule = (math.log(1 + math.exp(-2)) + math.log(1 + math.exp(-1))) / 2
    kind = -math.log(math.e / (math.e + 3))
    pairs = [(3.0, 1.0), (1.0, 0.75), (-1.0, 0.25), (-3.0, 0.0)]
    rating = sum(math.log(1 + math.exp(z)) - share * z for z, share in pairs) / 4
    assert value == pytest.approx(nodule + 2 * kind + 3 * rating, rel=1e-6)
    assert {name: float(part) for name, part in loss.latest_parts.items()} == pytest.approx(
        {"nodule": nodule, "kind": kind, "ratings": rating}, rel=1e-6
    )


def test_against_torch_where_all_is_known() -> None:
    draw = torch.manual_seed(0)
    logits, ratings = torch.randn(5, 33, generator=draw), torch.rand(5, 7, 4, generator=draw)
    truth = told([1.0, 0, 1, 1, 0], [0, 3, 2, 1, 0], ratings)
    by_torch = (
        functional.binary_cross_entropy_with_logits(logits[:, 0], truth["nodule"])
        + functional.cross_entropy(logits[:, 1:5], truth["kind"], label_smoothing=0.0)
        + functional.binary_cross_entropy_with_logits(logits[:, 5:], ratings.flatten(1))
    )
    assert float(NoduleHeadsLoss()(logits, truth)) == pytest.approx(float(by_torch), rel=1e-6)


def test_least_where_the_answer_is_the_readers_share() -> None:
    ratings = torch.full((1, 7, 4), 0.25)
    right = torch.zeros(1, 33)
    right[:, 5:] = math.log(0.25 / 0.75)
    loss, truth = NoduleHeadsLoss(), told([-1.0], [-1], ratings)
    assert all(float(loss(right + shift, truth)) > float(loss(right, truth)) for shift in (-0.1, 0.1))


def test_nothing_known_costs_nothing_and_moves_nothing() -> None:
    logits = torch.randn(4, 33, generator=torch.manual_seed(0)).requires_grad_()
    loss = NoduleHeadsLoss()(logits, told([-1.0] * 4, [-1] * 4))
    loss.backward()
    assert loss.item() == 0.0
    assert logits.grad is not None
    assert float(logits.grad.abs().sum()) == 0.0


def test_unknown_ratings_leave_no_nan_in_the_gradient() -> None:
    logits = torch.randn(2, 33, generator=torch.manual_seed(0)).requires_grad_()
    ratings = torch.full((2, 7, 4), torch.nan)
    ratings[0, 2] = 0.5
    NoduleHeadsLoss()(logits, told([1.0, 0.0], [1, -1], ratings)).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert float(logits.grad[0, 5:].abs().count_nonzero()) == 4


def test_smoothing_does_not_reward_certainty() -> None:
    sure, very_sure = torch.zeros(1, 33), torch.zeros(1, 33)
    sure[0, :2], very_sure[0, :2] = 4.0, 40.0
    loss, truth = NoduleHeadsLoss(smoothing=0.1), told([1.0], [0])
    assert loss(sure, truth) < loss(very_sure, truth)


def test_half_precision_is_computed_in_float32() -> None:
    logits = torch.randn(3, 33, generator=torch.manual_seed(0)).bfloat16()
    truth = told([1.0, 0, 1], [1, -1, 2], torch.rand(3, 7, 4, generator=torch.manual_seed(1)))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = NoduleHeadsLoss()(logits, truth)
    assert half.dtype == torch.float32
    assert float(half) == pytest.approx(float(NoduleHeadsLoss()(logits.float(), truth)), rel=1e-6)


@pytest.mark.parametrize("settings", [{"weights": (1.0, 1.0)}, {"weights": (1, 1, -1)}, {"smoothing": 1.0}])
def test_bad_settings(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="out of range"):
        NoduleHeadsLoss(**settings)  # type: ignore[arg-type]


def test_bad_shapes() -> None:
    with pytest.raises(ValueError, match="logits must be"):
        NoduleHeadsLoss()(torch.zeros(2, 32), told([1.0, 0.0], [0, 0]))
    with pytest.raises(ValueError, match="logits must be"):
        NoduleHeadsLoss()(torch.zeros(3, 33), told([1.0, 0.0], [0, 0]))
