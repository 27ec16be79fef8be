import numpy as np
import pytest

from lungdet.engines import BalancedSampler
from lungdet.engines.balanced_sampler import item_weights


def single(*counts: int) -> list[dict]:
    return [{"label": label} for label, count in enumerate(counts) for _ in range(count)]


def test_full_balance_draws_classes_alike() -> None:
    items = single(900, 100)
    sampler = BalancedSampler(items, 2, balance=1.0)
    drawn = [items[index.item]["label"] for epoch in range(20) if not sampler.set_epoch(epoch) for index in sampler]
    assert np.mean(drawn) == pytest.approx(0.5, abs=0.02)


def test_no_balance_draws_items_alike() -> None:
    np.testing.assert_allclose(item_weights(single(7, 3), 2, balance=0.0), 0.1)


def test_the_rarest_label_of_a_picture_counts() -> None:
    items = [{"label": [1, 0]}] * 8 + [{"label": [1, 1]}]
    weights = item_weights(items, 2, balance=1.0)
    assert weights[-1] / weights[0] == pytest.approx(9.0)


def test_weights_are_bounded() -> None:
    weights = item_weights(single(10000, 1), 2, balance=1.0, most=30.0)
    assert weights.max() / weights.min() == pytest.approx(30.0)


def test_a_picture_without_a_label_is_drawn_as_rarely_as_any() -> None:
    weights = item_weights([{"label": [1, 0]}] * 3 + [{"label": [0, 0]}], 2, balance=1.0)
    assert weights[-1] <= weights[0]


def test_the_draw_depends_on_seed_and_epoch_alone() -> None:
    first, second = BalancedSampler(single(20, 5), 2, seed=3), BalancedSampler(single(20, 5), 2, seed=3)
    first.set_epoch(1)
    second.set_epoch(2)
    assert list(first) != list(second)
    second.set_epoch(1)
    assert list(first) == list(second) == list(first)


def test_a_repeated_item_is_another_draw() -> None:
    drawn = list(BalancedSampler(single(9, 1), 2, balance=1.0))
    assert len({index.key for index in drawn}) == len(drawn) == 10
    assert len({index.item for index in drawn}) < 10


@pytest.mark.parametrize("replicas", [2, 3])
def test_processes_share_one_draw(replicas: int) -> None:
    items = single(8, 3)
    shares = [list(BalancedSampler(items, 2, num_replicas=replicas, rank=rank)) for rank in range(replicas)]
    assert len({len(share) for share in shares}) == 1
    assert len({index for share in shares for index in share}) == sum(map(len, shares))


def test_nothing_to_draw_from() -> None:
    with pytest.raises(ValueError, match="wanted items"):
        BalancedSampler([], 2)


def test_a_process_counts_its_own_share() -> None:
    items = [{"label": index % 3} for index in range(42)]
    assert [len(BalancedSampler(items, 3, num_replicas=2, rank=rank)) for rank in (0, 1)] == [21, 21]
