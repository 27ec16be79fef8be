"""The benchmark of the crop: which marks count as the same, and which lie in the lungs' box."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import pytest


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    return importlib.import_module("nodules_crop")


def test_marks_are_compared_by_their_middles(benchmark):
    finding = SimpleNamespace(box_voxel=(0, 0, 0, 4, 4, 4), center_lps_mm=(1.0, 2.0, 3.0), score=0.5)
    other = SimpleNamespace(center_lps_mm=(1.0, 2.0, 7.0), score=0.25)
    assert benchmark.in_lungs(finding, (slice(2, 9), slice(0, 3), slice(1, 3)))
    assert not benchmark.in_lungs(finding, (slice(3, 9), slice(0, 3), slice(1, 3)))
    assert benchmark.nearest(finding, SimpleNamespace(findings=(other,))) == (4.0, 0.25)
    assert benchmark.nearest(finding, SimpleNamespace(findings=())) == (float("inf"), 0.0)
