import math

import pytest
import torch
from torch.nn import functional

from lungdet.losses import LabelLoss


def test_one_label_by_hand() -> None:
    logits = torch.tensor([[2.0, 0.0, 0.0]])
    by_hand = -math.log(math.exp(2) / (math.exp(2) + 2))
    assert LabelLoss()(logits, torch.tensor([0])).item() == pytest.approx(by_hand, rel=1e-6)


def test_several_labels_by_hand_with_smoothing_and_weights() -> None:
    loss = LabelLoss("sigmoid", weights=[3.0, 1.0], smoothing=0.2)
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
    ("activation", "target"), [("softmax", torch.zeros(2, 2)), ("sigmoid", torch.zeros(2, dtype=torch.int64))]
)
def test_shapes_that_do_not_fit_are_refused(activation: str, target: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="logits must be"):
        LabelLoss(activation)(torch.zeros(2, 3), target)


@pytest.mark.parametrize("options", [{"smoothing": 1.0}, {"weights": [1.0, 0.0]}, {"activation": "tanh"}])
def test_settings_out_of_range_are_refused(options: dict) -> None:
    with pytest.raises(ValueError, match=r"must be"):
        LabelLoss(**options)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 5.0]])
def test_one_hot_targets_are_classes(smoothing: float, weights: list[float] | None) -> None:
    logits, classes = torch.randn(7, 3, generator=torch.manual_seed(0)), torch.tensor([0, 1, 2, 2, 1, 0, 0])
    loss = LabelLoss(weights=weights, smoothing=smoothing)
    torch.testing.assert_close(loss(logits, functional.one_hot(classes).float()), loss(logits, classes))


def test_several_labels_share_a_picture() -> None:
    logits, target = torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[1.0, 1.0, 0.0]])
    log_sum = math.log(math.e + 2)
    assert LabelLoss()(logits, target).item() == pytest.approx(0.5 * (log_sum - 1) + 0.5 * log_sum, rel=1e-6)


def test_a_picture_without_a_label_asks_for_ignorance() -> None:
    none = torch.zeros(1, 3)
    assert LabelLoss()(torch.zeros(1, 3), none).item() == pytest.approx(math.log(3), rel=1e-6)
    assert LabelLoss()(torch.tensor([[5.0, 0.0, 0.0]]), none) > LabelLoss()(torch.zeros(1, 3), none)
