"""Cubes that stay the same, and their batches."""

import math

import pytest
import torch
from monai.data import MetaTensor
from monai.data.utils import list_data_collate

from lungdet.engines import draw_nodule_cubes, prepare_nodule_batch

SHAPE = (64, 64, 64)


def test_the_same_seeds_give_the_same_cubes() -> None:
    first, second, other = (draw_nodule_cubes([3], 2, shape=SHAPE, seed=seed) for seed in (1, 1, 2))
    assert [item["patient"] for item in first] == ["phantom-3"] * 2
    assert all(torch.equal(a["image"], b["image"]) for a, b in zip(first, second, strict=True))
    assert not torch.equal(first[0]["image"], other[0]["image"])
    assert first[0]["image"].shape == (1, 48, 48, 48)
    assert "background" not in first[0]


def test_no_patients_no_cubes() -> None:
    assert draw_nodule_cubes([]) == []


def cube(value: float, **told: object) -> dict[str, object]:
    return {"image": MetaTensor(torch.full((1, 32, 32, 32), value)), **told}


def test_batches_say_what_is_known() -> None:
    ratings = torch.rand(7, 4, generator=torch.manual_seed(0))
    batch = [[cube(1.0, nodule=1.0, kind=torch.tensor(2), ratings=ratings), cube(2.0)], [cube(3.0, nodule=0, kind=-1)]]
    cubes, told = prepare_nodule_batch(batch)
    assert cubes.shape == (3, 1, 32, 32, 32)
    assert not isinstance(cubes, MetaTensor)
    assert cubes[:, 0, 0, 0, 0].tolist() == [1.0, 2.0, 3.0]
    assert told["nodule"].tolist() == [1.0, -1.0, 0.0]
    assert told["kind"].tolist() == [2, -1, -1]
    assert torch.equal(told["ratings"][0], ratings)
    assert told["ratings"][1:].isnan().all()
    assert {name: value.dtype for name, value in told.items()} == {
        "nodule": torch.float32,
        "kind": torch.int64,
        "ratings": torch.float32,
    }


def test_a_collated_batch_is_the_same() -> None:
    items = [cube(float(row), nodule=float(row), kind=row, ratings=torch.zeros(7, 4), place="x") for row in (0, 1)]
    apart, together = prepare_nodule_batch(items), prepare_nodule_batch(list_data_collate(items))
    assert torch.equal(apart[0], together[0])
    assert all(torch.equal(apart[1][name], together[1][name]) for name in apart[1])


def test_a_scan_without_findings() -> None:
    cubes, told = prepare_nodule_batch([[]])
    assert cubes.shape == (0, 1, 48, 48, 48)
    assert told["ratings"].shape == (0, 7, 4)
    assert not math.isnan(float(told["nodule"].sum()))


def test_cubes_of_two_sizes() -> None:
    with pytest.raises(ValueError, match="one size"):
        prepare_nodule_batch([cube(0.0), {"image": torch.zeros(1, 48, 48, 48)}])
