"""The benchmark of where the classifier starts from: the same batches for all ways, and ranges over trainings."""

import importlib
from pathlib import Path

import pytest
import torch
from monai.transforms import Compose, RandFlipd


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    return importlib.import_module("nodules_initialisation")


def item(number: int):
    return {
        "image": torch.full((1, 48, 48, 48), number / 100).half(),
        "nodule": torch.tensor(float(number % 2)),
        "kind": torch.tensor(number % 4 if number % 2 else -1),
        "ratings": torch.full((7, 4), torch.nan),
    }


def shown(benchmark, seed: int) -> list[list[int]]:
    flips = Compose([RandFlipd("image", 0.5, spatial_axis=0)])
    drawn = benchmark.batches([item(number) for number in range(10)], 4, 6, flips, seed)
    return [[round(100 * float(each["image"].mean())) for each in batch] for batch in drawn]


def test_every_way_sees_the_same_batches_and_every_cube_as_often(benchmark):
    first = shown(benchmark, 1)
    assert first == shown(benchmark, 1)
    assert first != shown(benchmark, 2)
    assert [len(batch) for batch in first] == [4] * 6
    flat = [number for batch in first for number in batch]
    assert sorted(flat[:10]) == sorted(flat[10:20]) == list(range(10))


def test_a_line_is_the_mean_and_the_range(benchmark):
    trainings = [dict.fromkeys(benchmark.PARTS.values(), value) | {"seconds": 2.0} for value in (0.5, 0.7)]
    line = benchmark.row(benchmark.WAYS[1], 200, trainings)
    assert line["nodule AUC"] == pytest.approx(0.6)
    assert line["nodule AUC: range"] == [0.5, 0.7]
    assert (line["labelled cubes"], line["trainings"], line["seconds"]) == (200, 2, 2.0)


def test_scores_are_those_of_the_metric(benchmark):
    class Honest(torch.nn.Module):
        def forward(self, cubes):
            numbers = (100 * cubes.mean(dim=(1, 2, 3, 4))).round().long()
            logits = torch.zeros(len(cubes), 33)
            logits[:, 0] = numbers % 2
            logits[torch.arange(len(cubes)), 1 + numbers % 4] = 1.0
            return logits

    scores = benchmark.score(Honest(), [item(number) for number in range(12)], 5)
    assert scores["nodule AUC"] == 1.0
    assert scores["type, mean recall"] == 1.0
