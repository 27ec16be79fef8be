"""The loss that teaches where in the body a slice lies."""

import itertools
import math

import pytest
import torch
from torch.nn import functional

from lungdet.losses import BodyPartOrderLoss


def test_hand_worked():
    loss = BodyPartOrderLoss()
    value = loss(torch.tensor([[0.0, 1.0, 3.0]]))
    order = (math.log(1 + math.exp(-1)) + math.log(1 + math.exp(-2))) / 2
    assert float(value) == pytest.approx(order + 0.5)  # the steps differ by 1: half of its square
    assert float(loss.latest_parts["order"]) == pytest.approx(order)
    assert float(loss.latest_parts["steps"]) == pytest.approx(0.5)


def test_large_changes_count_linearly():
    loss = BodyPartOrderLoss(order_weight=0)
    assert float(loss(torch.tensor([[0.0, 0.0, 5.0]]))) == pytest.approx(4.5)  # 5 - 1/2


def test_agrees_with_a_loop_over_terms():
    scores = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    terms, changes = [], []
    for row in scores.tolist():
        steps = [after - before for before, after in itertools.pairwise(row)]
        terms += [-math.log(1 / (1 + math.exp(-step))) for step in steps]
        differences = [after - before for before, after in itertools.pairwise(steps)]
        changes += [change**2 / 2 if abs(change) < 1 else abs(change) - 0.5 for change in differences]
    expected = sum(terms) / len(terms) + sum(changes) / len(changes)
    assert float(BodyPartOrderLoss()(scores)) == pytest.approx(expected, rel=1e-5)


def test_laws():
    loss = BodyPartOrderLoss()
    scores = torch.randn(3, 8, generator=torch.Generator().manual_seed(1))
    assert float(loss(scores + 7)) == pytest.approx(float(loss(scores)), rel=1e-5)  # the zero is arbitrary
    rising = torch.arange(8.0)[None]
    assert loss(rising) < loss(rising.flip(1))
    assert loss(2 * rising) < loss(rising)  # even and steeper is better still
    assert loss(torch.cat([scores, scores])) == pytest.approx(float(loss(scores)))


def test_gradient_pushes_slices_apart():
    scores = torch.zeros(1, 4, requires_grad=True)
    BodyPartOrderLoss()(scores).backward()
    assert scores.grad is not None
    assert scores.grad[0, 0] > 0 > scores.grad[0, -1]


def test_half_precision_is_safe():
    scores = torch.tensor([[0.0, 30.0, 61.0]], dtype=torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = BodyPartOrderLoss()(scores)
    assert value.dtype == torch.float32
    assert float(value) == pytest.approx(float(functional.smooth_l1_loss(torch.ones(1) * 2.0, torch.zeros(1))), abs=1)


def test_refusals():
    with pytest.raises(ValueError, match="3 slices or more"):
        BodyPartOrderLoss()(torch.zeros(2, 2))
    with pytest.raises(ValueError, match="in order towards the feet"):
        BodyPartOrderLoss()(torch.zeros(1, 3), torch.tensor([[0.0, 2.0, 1.0]]))
    with pytest.raises(ValueError, match="positions_mm must be"):
        BodyPartOrderLoss()(torch.zeros(1, 3), torch.zeros(1, 4))
    with pytest.raises(ValueError, match="nor both 0"):
        BodyPartOrderLoss(0, 0)


def test_the_distance_term_asks_for_mm():
    loss = BodyPartOrderLoss(0, 1, distance_weight=1, mm_per_unit=25.0, gain=10)
    positions = torch.tensor([[0.0, 50.0, 100.0]])
    assert float(loss(torch.tensor([[7.0, 7.2, 7.4]]), positions)) == pytest.approx(0, abs=1e-6)
    flat = loss(torch.zeros(1, 3), positions)  # off by 2, 0 and 2 units: two thirds of 2 - 1/2
    assert float(flat) == pytest.approx(1.0)
    assert set(loss.latest_parts) == {"order", "steps", "distance"}
    with pytest.raises(ValueError, match="needs the positions"):
        loss(torch.zeros(1, 3))
    with pytest.raises(ValueError, match="must be positive"):
        BodyPartOrderLoss(gain=0)
