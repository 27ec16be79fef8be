import math

import pytest
import torch

from lungdet.losses import CenterFocalLoss


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def test_a_centre_a_neighbour_and_background_by_hand() -> None:
    logits = torch.tensor([logit(0.8), logit(0.3), logit(0.1)], dtype=torch.float64)
    target = torch.tensor([1.0, 0.5, 0.0], dtype=torch.float64)
    by_hand = -(0.2**2 * math.log(0.8) + 0.5**4 * 0.3**2 * math.log(0.7) + 0.1**2 * math.log(0.9))
    assert CenterFocalLoss()(logits, target).item() == pytest.approx(by_hand, rel=1e-9)


def test_it_is_divided_by_the_number_of_centres() -> None:
    logits, target = torch.zeros(2, 1, 1, 1, 1), torch.ones(2, 1, 1, 1, 1)
    loss = CenterFocalLoss()
    torch.testing.assert_close(loss(logits, target), loss(logits[:1], target[:1]))


def test_no_centre_is_finite_and_pushes_down() -> None:
    logits = torch.zeros(1, 1, 4, 4, 4, requires_grad=True)
    loss = CenterFocalLoss()(logits, torch.zeros(1, 1, 4, 4, 4))
    loss.backward()
    assert loss.item() == pytest.approx(64 * 0.25 * math.log(2), rel=1e-6)
    assert (logits.grad > 0).all()


def test_cells_without_weight_do_not_count() -> None:
    logits, target = torch.tensor([3.0, 2.0, -1.0]), torch.tensor([0.0, 1.0, 0.0])
    weighted = CenterFocalLoss()(logits, target, torch.tensor([0.0, 1.0, 1.0]))
    torch.testing.assert_close(weighted, CenterFocalLoss()(logits[1:], target[1:]))


def test_gradients_are_right() -> None:
    torch.manual_seed(0)
    target = torch.rand(1, 1, 2, 3, 2, dtype=torch.float64)
    target[0, 0, 0, 1, 1] = 1.0
    logits = torch.randn(1, 1, 2, 3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: CenterFocalLoss()(x, target), logits)


@pytest.mark.parametrize("value", [-1000.0, 1000.0])
def test_extreme_logits_are_finite(value: float) -> None:
    logits = torch.full((2,), value, requires_grad=True)
    loss = CenterFocalLoss()(logits, torch.tensor([0.0, 1.0]))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    logits, target = torch.randn(1, 1, 40, 40, 40).to(dtype), torch.zeros(1, 1, 40, 40, 40)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = CenterFocalLoss()(logits, target)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, CenterFocalLoss()(logits.float(), target))


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="target must be"):
        CenterFocalLoss()(torch.zeros(1, 1, 2), torch.zeros(1, 2, 2))
