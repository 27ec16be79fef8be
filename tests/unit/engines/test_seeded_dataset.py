import pytest
import torch
from monai.data import DataLoader
from monai.transforms import Compose, RandGaussianNoised

from lungdet.engines import EpochItem, EpochSampler, SeededCacheDataset


def no_collation(items):
    return items


def noise(seed: int = 5, scans: int = 6) -> SeededCacheDataset:
    data = [{"image": torch.full((1, 2), float(number))} for number in range(scans)]
    transform = Compose([RandGaussianNoised("image", prob=1.0)])
    return SeededCacheDataset(data, transform, seed=seed, progress=False)


def epoch(dataset: SeededCacheDataset, number: int, workers: int = 0, **sampler) -> list[list[float]]:
    order = EpochSampler(dataset, seed=1, **sampler)
    order.set_epoch(number)
    loader = DataLoader(dataset, batch_size=2, sampler=order, num_workers=workers, collate_fn=no_collation)
    return [item["image"].flatten().tolist() for batch in loader for item in batch]


def test_an_epoch_depends_on_the_seed_and_its_number_alone():
    first = epoch(noise(), 3)
    used = noise()
    epoch(used, 1)
    epoch(used, 2)
    assert epoch(used, 3) == first
    assert epoch(noise(), 4) != first
    assert epoch(noise(seed=6), 3) != first


def test_workers_change_nothing():
    assert epoch(noise(), 3, workers=2) == epoch(noise(), 3)


def test_processes_share_the_items_of_one():
    whole = epoch(noise(), 2)
    shares = [epoch(noise(), 2, num_replicas=2, rank=rank) for rank in (0, 1)]
    assert [len(share) for share in shares] == [3, 3]
    assert sorted(shares[0] + shares[1]) == sorted(whole)


def test_shares_are_filled_up_to_one_length():
    assert len(epoch(noise(scans=5), 1, num_replicas=2, rank=1)) == 3


def test_orders_differ_between_epochs():
    dataset = noise()
    sampler = EpochSampler(dataset)
    orders = []
    for number in (1, 2):
        sampler.set_epoch(number)
        items = list(sampler)
        assert all(item.epoch == number for item in items)
        orders.append([item.item for item in items])
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(6))
    assert orders[0] != orders[1]


def test_a_plain_index_is_that_of_a_cache_dataset():
    dataset = noise()
    assert dataset[2]["image"].shape == (1, 2)
    assert len(dataset[1:3]) == 2


def test_an_item_has_an_epoch():
    item = EpochItem(epoch=2, item=7)
    with pytest.raises(AttributeError):
        item.epoch = 3
