import math

import pytest
import torch

from lungdet.losses import LabelLoss


def test_one_label_by_hand() -> None:
    logits = torch.tensor([[2.0, 0.0, 0.0]])
    by_hand = -math.log(math.exp(2) / (math.exp(2) + 2))
    assert LabelLoss()(logits, torch.tensor([0])).item() == pytest.approx(by_hand, rel=1e-6)


def test_several_labels_by_hand_with_smoothing_and_weights() -> None:
    loss = LabelLoss(multi_label=True, weights=[3.0, 1.0], smoothing=0.2)
    value = loss(torch.tensor([[1.0, -1.0]]), torch.tensor([[1.0, 0.0]])).item()
    p, q = 1 / (1 + math.exp(-1)), 1 / (1 + math.exp(1))
    by_hand = -(3 * 0.9 * math.log(p) + 0.1 * math.log(1 - p)) - (0.1 * math.log(q) + 0.9 * math.log(1 - q))
    assert value == pytest.approx(by_hand, rel=1e-6)


def test_weights_choose_between_the_pictures_of_a_batch() -> None:
    logits, target = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([0, 1])
    right, wrong = (LabelLoss()(logits[:1], target[[place]]).item() for place in (0, 1))
    weighted = LabelLoss(weights=[1.0, 3.0])(logits, target).item()
    assert weighted == pytest.approx((right + 3 * wrong) / 4, rel=1e-6)


def test_smoothing_does_not_reward_certainty() -> None:
    loss, target = LabelLoss(smoothing=0.1), torch.tensor([0])
    sure, very_sure = torch.tensor([[4.0, 0.0]]), torch.tensor([[40.0, 0.0]])
    assert loss(sure, target) < loss(very_sure, target)


def test_half_precision_is_computed_in_float32() -> None:
    logits, target = torch.randn(5, 3, generator=torch.manual_seed(0)).bfloat16(), torch.tensor([0, 1, 2, 0, 1])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = LabelLoss()(logits, target)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, LabelLoss()(logits.float(), target))


@pytest.mark.parametrize(
    ("multi_label", "target"), [(False, torch.zeros(2, 3)), (True, torch.zeros(2, dtype=torch.int64))]
)
def test_shapes_that_do_not_fit_are_refused(multi_label: bool, target: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="logits must be"):
        LabelLoss(multi_label)(torch.zeros(2, 3), target)


@pytest.mark.parametrize("options", [{"smoothing": 1.0}, {"weights": [1.0, 0.0]}])
def test_settings_out_of_range_are_refused(options: dict) -> None:
    with pytest.raises(ValueError, match=r"must be"):
        LabelLoss(**options)
