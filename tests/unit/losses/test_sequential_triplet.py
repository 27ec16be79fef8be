"""Losses of triplets by hand, and by another way of counting."""

import itertools
import math

import pytest
import torch

from lungdet.losses import SequentialTripletLoss

MARGINS = (0.3, 0.2, 0.2, 0.3)


def unit(count: int, seed: int) -> torch.Tensor:
    vectors = torch.randn(count, 8, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(vectors, dim=1)


def counted_one_by_one(vectors: torch.Tensor, levels: torch.Tensor) -> float:
    sums: dict[tuple[int, int], list[float]] = {}
    for a, p, n in itertools.permutations(range(len(vectors)), 3):
        high, low = int(levels[a, p]), int(levels[a, n])
        if high > low >= 0:
            margin = sum(MARGINS[low:high])
            near, far = ((vectors[a] - vectors[other]).square().sum() for other in (p, n))
            sums.setdefault((high, low), []).append(max(0.0, float(near - far) + margin))
    means = [sum(each) / max(1, sum(loss > 0 for loss in each)) for each in sums.values()]
    return sum(means) / max(1, len(means))


def random_levels(count: int, seed: int) -> torch.Tensor:
    upper = torch.randint(-1, 5, (count, count), generator=torch.Generator().manual_seed(seed)).triu(1)
    return upper + upper.T + 4 * torch.eye(count, dtype=torch.long)


@pytest.mark.parametrize("seed", range(3))
def test_all_triplets_of_a_batch(seed: int):
    vectors, levels = unit(9, seed), random_levels(9, seed)
    loss = SequentialTripletLoss(MARGINS)(vectors, levels)
    assert float(loss) == pytest.approx(counted_one_by_one(vectors, levels), rel=1e-5)


def test_a_sequence_looks_at_its_own_first_lesion_only():
    vectors = torch.tensor([[1.0, 0], [0, 1.0], [1.0, 0], [0, 1.0], [0, -1.0], [0, 1.0]])
    levels = torch.full((6, 6), 1)
    levels[0, 2] = levels[3, 4] = 0  # 0: the alike one 2 away, the other one 0; 3: 0 - or rather 5 - against 4
    loss = SequentialTripletLoss([0.5], scope="sequence", sequence_length=3)(vectors, levels)
    # The first sequence: 2 - 0 + 0.5; the second: 0 - 4 + 0.5 is below 0.
    assert float(loss) == pytest.approx(2.5)


def at_squared_distances(*distances: float) -> torch.Tensor:
    """A lesion at 0, and others so far from it."""
    return torch.tensor([0.0, *distances]).sqrt()[:, None]


def test_steps_of_a_sequence_by_hand():
    loss = SequentialTripletLoss([0.1, 0.1, 0.1], scope="steps", sequence_length=5)
    levels = torch.tensor([3, 3, 2, 1, 0]).repeat(10, 2)
    one, two = at_squared_distances(0.5, 0.1, 0.6, 1.0), at_squared_distances(0.2, 0.25, 0.3, 0.9)
    # 0.5 - 0.1 + 0.1, then 0.1 - 0.6 + 0.1 and 0.6 - 1.0 + 0.1 below 0; half of it
    assert float(loss(one, levels[:5, :5])) == pytest.approx(0.25)
    # 0.2 - 0.25 + 0.1 and 0.25 - 0.3 + 0.1; half the mean of 0.5 and 0.1
    assert float(loss(torch.cat([one, two]), levels)) == pytest.approx(0.15)


def test_steps_between_lesions_of_one_level_or_none_count_nothing():
    loss = SequentialTripletLoss([0.1, 0.2], scope="steps", sequence_length=4)
    vectors = at_squared_distances(0.9, 0.5, 0.6)
    assert float(loss(vectors, torch.tensor([2, 2, 2, 0]).repeat(4, 1))) == pytest.approx((0.5 - 0.6 + 0.3) / 2)
    assert float(loss(vectors, torch.tensor([2, 2, 2, -1]).repeat(4, 1))) == 0
    with pytest.raises(ValueError, match="whole sequences of 4"):
        loss(vectors[:3], torch.zeros(3, 3, dtype=torch.long))


def test_no_loss_where_all_is_in_order_or_nothing_is_known():
    vectors = torch.tensor([[1.0, 0], [1.0, 0], [-1.0, 0]])
    levels = torch.tensor([[4, 4, 0], [4, 4, 0], [0, 0, 4]])
    assert float(SequentialTripletLoss(MARGINS)(vectors, levels)) == 0
    assert float(SequentialTripletLoss(MARGINS)(vectors, torch.full((3, 3), -1))) == 0


def test_neighbours_of_the_right_type_by_hand():
    vectors = torch.tensor([[0.0, 0], [0, 1], [2, 0], [0, 0]])  # squared distances of the first: 1, 4, and itself again
    levels = torch.full((4, 4), -1)
    levels[0] = torch.tensor([4, 1, 0, 4])
    loss = SequentialTripletLoss(MARGINS, neighbour_weights=[2.0], temperature=0.5)
    loss(vectors, levels)
    # exp(-2) for the right one, exp(-8) for the wrong one, nothing for the lesion at another time
    assert float(loss.latest_parts["neighbours_1"]) == pytest.approx(2 * math.log(1 + math.exp(-6)), rel=1e-4)
    assert loss.latest_parts.keys() == {"triplets", "neighbours_1"}


def test_neighbours_in_the_same_place_by_hand():
    vectors = torch.tensor([[0.0, 0], [0, 1], [2, 0]])
    levels = torch.full((3, 3), -1)
    levels[0] = torch.tensor([4, 1, 2])
    loss = SequentialTripletLoss(MARGINS, neighbour_weights=[1.0, 1.0], temperature=1.0)
    loss(vectors, levels)
    assert float(loss.latest_parts["neighbours_1"]) == 0  # no other type to pick
    assert float(loss.latest_parts["neighbours_2"]) == pytest.approx(math.log(1 + math.exp(3)), rel=1e-4)


def test_distances_by_hand():
    vectors = torch.tensor([[0.0, 0], [0, 1], [2, 0]])
    unlikeness = torch.tensor([[float("nan"), 0.5, float("nan")], [0.5, float("nan"), 1.0], [float("nan"), 1.0, 0.0]])
    loss = SequentialTripletLoss(MARGINS, distance_weight=2.0, reach=0.8)
    loss(vectors, {"levels": torch.full((3, 3), -1), "unlikeness": unlikeness})
    # |1 - 0.4| twice, |5 - 0.8| twice, and 0
    assert float(loss.latest_parts["distances"]) == pytest.approx(2 * (2 * 0.6 + 2 * 4.2) / 5)


def test_it_has_a_gradient_that_mends():
    vectors = unit(12, 0).requires_grad_()
    levels, loss = random_levels(12, 5), SequentialTripletLoss(MARGINS, neighbour_weights=[1.0, 0.5])
    before = loss(vectors, levels)
    before.backward()
    after = loss((vectors - 0.02 * vectors.grad).detach(), levels)
    assert float(after) < float(before.detach())


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="at least one margin"):
        SequentialTripletLoss([])
    with pytest.raises(ValueError, match="wanted scope batch or sequence"):
        SequentialTripletLoss(MARGINS, scope="all")
    with pytest.raises(ValueError, match="at most 3 weights of 0 or more"):
        SequentialTripletLoss(MARGINS, neighbour_weights=[1.0] * 4)
    with pytest.raises(ValueError, match=r"wanted \(B, D\)"):
        SequentialTripletLoss(MARGINS)(torch.zeros(2, 4), torch.zeros(3, 3))
    with pytest.raises(ValueError, match="level 5 has no margin"):
        SequentialTripletLoss(MARGINS)(torch.zeros(2, 4), torch.full((2, 2), 5))
