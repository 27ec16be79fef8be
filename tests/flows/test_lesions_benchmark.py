"""The retrieval benchmark runs, and what it compares with is what it says."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lungdet.lesions import EmbeddedLesions
from lungdet.metrics import retrieval_scores

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def benchmarks_on_path(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def test_a_quick_run_prints_two_tables(tmp_path: Path):
    command = [sys.executable, "-W", "ignore", str(BENCHMARKS / "lesions.py"), "retrieval", "--quick", "-k", "3"]
    places = ["--work", str(tmp_path / "work"), "--out", str(tmp_path / "out.jsonl")]
    done = subprocess.run([*command, *places], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    accuracy, speed = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    rows = {row["features"]: row for row in accuracy["result"]["rows"]}
    assert list(rows) == ["embedding", "raw features", "type, place and size as told", "chance", "ceiling"]
    assert all(row["type accuracy"] <= rows["ceiling"]["type accuracy"] for row in rows.values())
    assert speed["result"]["rows"][0]["search"] == "numpy"
    assert done.stdout.count("|---|") > 2


def test_the_ceiling_is_what_types_allow():
    benchmark = importlib.import_module("lesions_retrieval")
    lesions = EmbeddedLesions(
        keys=np.array(list("abcde")),
        vectors=np.zeros((5, 1)),
        lesion_type=np.array(["lung", "lung", "lung", "bone", "bone"]),
        location=np.zeros((5, 3)),
        size_mm=np.ones((5, 2)),
        patient=np.array(list("11234")),
        study=np.ones(5),
        image=np.array([""] * 5),
    )
    found = benchmark.rows_of_same_type(lesions, 2)
    # Lung of patient 1 finds that of 2, and no other: half. Lung of 2 finds one of 1. Bone finds bone, and one other.
    assert retrieval_scores(lesions, lesions, found).type_accuracy == pytest.approx(0.5)
    told = benchmark.told(lesions)
    assert np.linalg.norm(told[0] - told[2]) == 0
    assert np.linalg.norm(told[0] - told[3]) == pytest.approx(np.sqrt(8))
