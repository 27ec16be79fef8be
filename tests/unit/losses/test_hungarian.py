import itertools

import numpy as np
import pytest
import torch
from torch.nn import functional

from lungdet.losses import HungarianLoss, match_steps


def test_a_matching_by_hand() -> None:
    # Box 0 is hit by steps 1 and 2, box 1 by step 1 alone: no miss is possible, though step 0 is left out.
    missed = np.array([[True, False, False], [True, False, True]])
    rows, steps = match_steps(missed, np.array([[0.0, 5.0, 9.0], [0.0, 1.0, 0.0]]))
    assert dict(zip(rows.tolist(), steps.tolist(), strict=True)) == {0: 2, 1: 1}


def test_early_steps_come_before_near_ones() -> None:
    _, steps = match_steps(np.array([[False, False, False]]), np.array([[8.0, 0.0, 0.0]]))
    assert steps.tolist() == [0]


def test_among_equals_the_nearer_pairs_win() -> None:
    hit = np.zeros((2, 2), dtype=bool)
    assert match_steps(hit, np.array([[3.0, 1.0], [1.0, 3.0]]))[1].tolist() == [1, 0]
    assert match_steps(hit, np.array([[1.0, 3.0], [3.0, 1.0]]))[1].tolist() == [0, 1]


def test_boxes_beyond_the_steps_are_left_out() -> None:
    rows, steps = match_steps(np.array([[True], [False], [True]]), np.zeros((3, 1)))
    assert (rows.tolist(), steps.tolist()) == ([1], [0])


def test_nothing_matches_nothing() -> None:
    rows, steps = match_steps(np.zeros((0, 3), dtype=bool), np.zeros((0, 3)))
    assert len(rows) == len(steps) == 0


@pytest.mark.parametrize("seed", range(30))
def test_it_is_the_best_of_all_matchings(seed: int) -> None:
    """Every matching is tried, and the sums are compared as tuples."""
    rng = np.random.default_rng(seed)
    boxes, steps = rng.integers(1, 4), rng.integers(3, 5)
    missed, distance = rng.random((boxes, steps)) < 0.6, rng.random((boxes, steps)) * 10.0 ** rng.integers(-3, 6)

    def cost(chosen: tuple[int, ...]) -> tuple[int, int, float]:
        pairs = list(enumerate(chosen))
        return sum(int(missed[pair]) for pair in pairs), sum(chosen), sum(float(distance[pair]) for pair in pairs)

    best = min(itertools.permutations(range(steps), int(boxes)), key=cost)
    assert match_steps(missed, distance)[1].tolist() == list(best)


def example() -> tuple[torch.Tensor, ...]:
    """Return logits, boxes, true boxes, owners and misses: three sequences of two steps, the middle one empty."""
    torch.manual_seed(0)
    owners = torch.tensor([2, 0, 2])
    return torch.randn(3, 2), torch.randn(3, 2, 6), torch.randn(3, 6), owners, torch.rand(3, 2) < 0.5


def test_the_loss_by_hand() -> None:
    logits, boxes = torch.tensor([[2.0, -1.0], [0.5, 0.5]]), torch.tensor([[[1.0], [5.0]], [[0.0], [0.0]]])
    missed = torch.tensor([[True, False]])  # the second step of the first sequence hits the box, by a distance of 2
    parts = HungarianLoss(beta=0.25)(logits, boxes, torch.tensor([[7.0]]), torch.tensor([0]), missed)
    wanted = functional.softplus(torch.tensor([2.0, 1.0, 0.5, 0.5])).sum()
    torch.testing.assert_close(parts.confidence, wanted)
    assert parts.location.item() == pytest.approx(2 - 0.125)


def test_the_order_of_true_boxes_does_not_matter() -> None:
    logits, boxes, true_boxes, owners, missed = example()
    wanted = HungarianLoss()(logits, boxes, true_boxes, owners, missed)
    for order in itertools.permutations(range(3)):
        turned = HungarianLoss()(logits, boxes, true_boxes[[*order]], owners[[*order]], missed[[*order]])
        torch.testing.assert_close(tuple(turned), tuple(wanted))


def test_without_true_boxes_every_step_is_to_be_silent() -> None:
    logits, boxes = torch.randn(3, 2, requires_grad=True), torch.randn(3, 2, 6, requires_grad=True)
    nothing = torch.empty(0, 6), torch.empty(0, dtype=torch.long), torch.empty(0, 2, dtype=torch.bool)
    parts = HungarianLoss()(logits, boxes, *nothing)
    torch.testing.assert_close(parts.confidence, functional.softplus(logits).sum())
    assert parts.location.item() == 0
    (parts.confidence + parts.location).backward()
    assert (logits.grad > 0).all()
    assert (boxes.grad == 0).all()


def test_weights_are_for_the_unmatched_alone() -> None:
    logits, boxes, true_boxes, owners, missed = example()
    parts = HungarianLoss()(logits, boxes, true_boxes, owners, missed, weight=torch.zeros(3))
    kept = HungarianLoss()(logits[[0, 2]], boxes[[0, 2]], true_boxes, torch.tensor([1, 0, 1]), missed, torch.ones(2))
    torch.testing.assert_close(parts.location, kept.location)
    only_matched = functional.softplus(-logits[2]).sum()  # sequence 2 has two boxes for two steps, sequence 0 one
    assert parts.confidence > only_matched
    assert parts.confidence < only_matched + functional.softplus(-logits[0]).sum()


def test_gradients_are_right() -> None:
    logits, boxes, true_boxes, owners, missed = example()

    def loss(logits: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
        return sum(HungarianLoss()(logits, boxes, true_boxes.double(), owners, missed))

    given = logits.double().requires_grad_(), boxes.double().requires_grad_()
    assert torch.autograd.gradcheck(loss, given, fast_mode=True)


def test_a_box_at_infinity_does_not_stop_the_matching() -> None:
    distance = np.array([[np.nan, 1.0], [np.inf, 2.0]])
    assert sorted(match_steps(np.zeros((2, 2), dtype=bool), distance)[1].tolist()) == [0, 1]


@pytest.mark.parametrize(
    ("field", "shape", "message"),
    [(1, (3, 3, 6), "logits must be"), (2, (3, 5), "true_boxes"), (3, (2,), "owners"), (4, (3, 3), "missed")],
)
def test_shapes_that_do_not_fit_are_refused(field: int, shape: tuple[int, ...], message: str) -> None:
    given = list(example())
    given[field] = torch.zeros(shape, dtype=given[field].dtype)
    with pytest.raises(ValueError, match=message):
        HungarianLoss()(*given)
