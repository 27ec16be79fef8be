"""Neighbours of the right type, and lesions found again, by hand."""

import math

import numpy as np
import pytest
import torch
from ignite.exceptions import NotComputableError

from lungdet.metrics import LesionNeighbours


def item(lesion_type: int, patient: str, study: int = 1, identity: str = "") -> dict:
    return {"lesion_type": lesion_type, "patient": patient, "study": study, "identity": identity}


def score(items: list[dict], places: list[float], neighbours: int = 10) -> tuple[float, dict[str, float]]:
    metric = LesionNeighbours(items, neighbours)
    metric.update((torch.tensor(places)[:, None], torch.arange(len(items))))
    return metric.compute(), metric.latest_parts


def test_types_by_hand():
    items = [item(4, "a"), item(4, "b"), item(5, "c"), item(5, "d"), item(-1, "e")]
    # One other patient has each type, so one neighbour is looked at; the unknown one is none.
    value, parts = score(items, [0.0, 1.0, 1.4, 9.0, 0.1])
    # a -> b right, b -> c wrong, c -> b wrong, d -> c right
    assert parts == {"type_accuracy": 0.5}
    assert value == 0.5


def test_a_patient_answers_once_and_never_itself():
    items = [item(4, "a"), item(4, "a"), item(5, "b"), item(5, "b"), item(4, "c"), item(5, "d")]
    _, parts = score(items, [0.0, 0.1, 0.2, 0.3, 0.4, 5.0], neighbours=2)
    # One other patient has each type. From a's the nearest is b, wrong; from c's b, wrong; from b's c or a, wrong;
    # from d's c, wrong.
    assert parts["type_accuracy"] == 0.0
    _, parts = score(items, [0.0, 0.1, 4.9, 4.8, 0.4, 5.0], neighbours=2)
    assert parts["type_accuracy"] == 1.0


def test_rare_types_count_as_much():
    items = [item(4, name) for name in "abcdefgh"] + [item(5, "x"), item(5, "y")]
    _, parts = score(items, [*np.linspace(0, 1, 8).tolist(), -3.0, 4.0], neighbours=1)
    assert parts["type_accuracy"] == 0.5  # all of type 4 right, both of type 5 wrong


def test_found_again_by_hand():
    items = [
        item(4, "a", 1, "1"), item(4, "a", 2, "1"), item(4, "a", 2, "2"), item(4, "a", 1, "3"), item(4, "b", 2, "1"),
    ]  # fmt: skip
    _, parts = score(items, [0.0, 0.5, 0.2, 0.6, 0.01])
    # 1 in study 1: the nearest in study 2 is 2, wrong; in study 2: the nearest in study 1 is 3, wrong; others: no pair.
    assert parts["found_again"] == 0.0
    _, parts = score(items, [0.0, 0.1, 0.4, 0.6, 0.01])
    assert parts["found_again"] == 1.0


def test_rows_may_come_in_any_order():
    items = [item(4, "a"), item(4, "b"), item(5, "c"), item(5, "d")]
    whole, parts = LesionNeighbours(items), LesionNeighbours(items)
    vectors = torch.rand(4, 3, generator=torch.Generator().manual_seed(0))
    whole.update((vectors, torch.arange(4)))
    parts.update(([vectors[3], vectors[1]], [3, 1]))
    parts.update(([vectors[0], vectors[2]], [torch.tensor(0), torch.tensor(2)]))
    assert whole.compute() == parts.compute()


def test_nothing_to_tell():
    with pytest.raises(NotComputableError):
        LesionNeighbours([item(4, "a")]).compute()
    assert math.isnan(score([item(-1, "a"), item(-1, "b")], [0.0, 1.0])[0])
    assert math.isnan(score([item(4, "a"), item(4, "b")], [0.0, math.nan])[0])
    with pytest.raises(ValueError, match="at least 1"):
        LesionNeighbours([], 0)
