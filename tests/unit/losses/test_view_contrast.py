"""The loss of learning without labels, against numbers worked by hand and PyTorch's cross entropy."""

import math

import pytest
import torch
from torch.nn import functional

from lungdet.losses import ViewContrastLoss, partners_found


def test_two_opposite_cubes_by_hand():
    """Likeness 1 to the partner, -1 to both others: -ln(e^(1/t) / (e^(1/t) + 2 e^(-1/t))), t = 1/2."""
    vectors = torch.tensor([[1.0, 0], [-1, 0], [2, 0], [-3, 0]])
    loss = ViewContrastLoss(temperature=0.5)
    assert float(loss(vectors)) == pytest.approx(-math.log(math.exp(2) / (math.exp(2) + 2 * math.exp(-2))), abs=1e-6)
    assert loss.latest_parts == {"found": 1.0}


def test_it_is_a_choice_among_all_other_views():
    torch.manual_seed(0)
    vectors = torch.randn(12, 5)
    ways = functional.normalize(vectors, dim=1)
    likeness = (ways @ ways.T / 0.2).fill_diagonal_(-torch.inf)
    expected = functional.cross_entropy(likeness, torch.arange(12).roll(6))
    assert float(ViewContrastLoss(0.2)(vectors)) == pytest.approx(float(expected), rel=1e-5)


def test_one_answer_to_everything_finds_partners_by_chance():
    torch.manual_seed(1)
    found = partners_found(torch.ones(200, 4) + 1e-3 * torch.randn(200, 4))
    assert found == pytest.approx(1 / 199, abs=0.02)


def test_gradients_bring_partners_together():
    torch.manual_seed(2)
    vectors = torch.randn(8, 3, requires_grad=True)
    loss = ViewContrastLoss()
    optimizer = torch.optim.SGD([vectors], lr=1.0)
    for _ in range(200):
        optimizer.zero_grad()
        loss(vectors).backward()
        optimizer.step()
    assert loss.latest_parts["found"] == 1.0


def test_half_precision_is_compared_in_full():
    torch.manual_seed(3)
    vectors = torch.randn(6, 4)
    narrow = vectors.to(torch.bfloat16)
    assert ViewContrastLoss()(narrow).dtype == torch.float32
    assert float(ViewContrastLoss()(narrow)) == pytest.approx(float(ViewContrastLoss()(vectors)), abs=0.05)


@pytest.mark.parametrize("shape", [(3, 4), (2, 4), (0, 4), (4,)])
def test_what_are_no_pairs_is_refused(shape):
    with pytest.raises(ValueError, match="two views of two cubes or more"):
        ViewContrastLoss()(torch.zeros(shape))


def test_a_temperature_of_0_is_refused():
    with pytest.raises(ValueError, match="temperature must be positive"):
        ViewContrastLoss(0.0)
