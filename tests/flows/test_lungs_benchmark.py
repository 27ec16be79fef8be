"""The benchmark of the lungs' mask: its voxels of nodules and of the windpipe are those of the phantom."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from lungdet.phantoms import chest_lungs, make_chest
from lungdet.phantoms.chest import NODULE_STREAM
from lungdet.phantoms.patient import draw_patient
from lungdet.phantoms.placement import place_nodules

SEED, STEP = 5, 3.0


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    return importlib.import_module("nodules_lungs")


def test_nodules_and_windpipe_are_where_the_image_shows_them(benchmark):
    volume = make_chest(SEED, spacing_mm=(STEP, STEP, STEP), shape=(124, 100, 94), nodules=4, dose="none").volume
    patient = draw_patient(SEED)
    placed = place_nodules(patient, np.random.default_rng([SEED, NODULE_STREAM]), 4)
    largest = max(placed, key=lambda item: item.truth.diameter_mm)
    voxels = benchmark.nodule_voxels(largest, patient, volume)
    expected = np.pi / 6 * largest.truth.diameter_mm**3
    assert len(voxels) * STEP**3 == pytest.approx(expected, rel=0.8, abs=8 * STEP**3)
    truth = chest_lungs(patient, volume)
    inside, count = benchmark.windpipe_in((volume.array < -700).astype(np.uint8), truth, patient, volume)
    assert count > 500
    assert inside > 0.7 * count  # of its voxels, most are air
    assert benchmark.windpipe_in(truth, truth, patient, volume) == (0, count)


def test_scores_of_a_mask_by_hand(benchmark):
    truth = np.zeros((10, 10, 10), dtype=np.uint8)
    truth[:4], truth[6:] = 1, 2
    labels = truth.copy()
    labels[3], labels[4], labels[6] = 0, 1, 1
    scores = benchmark.compare(labels, truth, 0.0)
    assert scores["worst Dice"] == pytest.approx(2 * 300 / (500 + 400))
    assert (scores["too much"], scores["missed"], scores["wrong side"]) == (0.125, 0.125, 0.125)
    assert scores["volume error"] == 0
