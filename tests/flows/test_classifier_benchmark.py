"""The benchmark of the nodule classifier: what the rule without a network says, and tables of any result."""

import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from lungdet.engines import read_scored_cube, score_cubes
from lungdet.records import NODULE_TYPES, ORDINAL_RATINGS, NoduleAnswer, RatingAnswer


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    return importlib.import_module("nodules_classifier")


def item(kind: str, diameter_mm: float = 14.0) -> dict[str, object]:
    """A ball in even lung."""
    away = np.linalg.norm(np.stack(np.indices((48, 48, 48))) - 23.5, axis=0)
    weight = np.clip(0.5 + diameter_mm / 2 - away, 0, 1)
    hu = -850 + weight * ({"solid": 40, "ground_glass": -550, "calcified": 600}[kind] + 850)
    noise = np.random.default_rng(0).normal(0, 15, hu.shape)
    image = MetaTensor(torch.from_numpy(hu + noise).float()[None], affine=np.diag([1.0, 1, 1, 1]))
    level = 4 if diameter_mm > 10 else 1
    shares = (np.arange(1, 5) < level).astype(np.float32)
    return {"image": image, "kind": NODULE_TYPES.index(kind), "ratings": np.tile(shares, (7, 1))}


def test_the_rule_measures_the_cubes_in_their_middle(benchmark):
    for kind in ("solid", "ground_glass", "calcified"):
        said, long_mm = benchmark.measured(item(kind))
        assert said == kind
        assert long_mm == pytest.approx(14, abs=1.5)
    air = {**item("solid"), "image": MetaTensor(torch.full((1, 48, 48, 48), -850.0), affine=np.eye(4))}
    assert benchmark.measured(air) == ("", 0.0)
    scores = benchmark.rule_scores([item("solid", 8.0), item("solid", 20.0), {"kind": -1}])
    assert scores == {"type_accuracy": 1.0, "malignancy_auc": 1.0, "not_measured": 0.0}


def test_tables_hold_every_head_and_leave_out_what_is_not_known(benchmark):
    ratings = tuple(RatingAnswer.of_levels(name, (0.2,) * 5) for name in ORDINAL_RATINGS)
    cubes = [
        read_scored_cube(
            {"nodule": row % 2, "kind": row % 4 if row % 2 else -1, "diameter_mm": 5.0 + row, "place": f"p{row % 2}"},
            NoduleAnswer(0.1 + 0.08 * row, (0.4, 0.3, 0.2, 0.1), ratings),
        )
        for row in range(10)
    ]
    result = {"milliseconds": 1.0, **score_cubes(cubes, resamples=20).to_json()}
    heads, types, rated, sizes, places, confusion = benchmark.tables({"as in training": result})
    assert heads[0]["AUC"] == pytest.approx(15 / 25)
    assert len(heads[0]["95 %, AUC"]) == 2
    assert (types[0]["nodules"], types[0]["by rule"]) == (5, None)
    assert [row["rating"] for row in rated] == list(ORDINAL_RATINGS)
    assert rated[0]["95 %, kappa"] is None  # no nodule was rated
    assert sum(row["nodules"] for row in sizes) == 5
    assert [row["place"] for row in places] == ["p1", "p0"]
    assert sum(row[name] for row in confusion for name in ("solid", "part solid", "ground glass", "calcified")) == 5


def test_marks_of_the_detector_are_hits_or_false_and_those_that_do_not_count_are_left_out(benchmark, monkeypatch):
    marks = importlib.import_module("nodules_filter_marks")
    scan = marks.ScanMarks(
        7, 1.0, np.array([[0.0, 0, 1], [0, 0, 50], [0, 0, 99]]), np.array([0.9, 0.8, 0.7]),
        np.arange(3, dtype=np.int16)[:, None, None, None] * np.ones((3, 4, 4, 4), np.int16), np.zeros((1, 3)),
        np.array([6.0]), ("solid",), np.array([[0.0, 0, 100]]), np.array([5.0]),
    )  # fmt: skip
    monkeypatch.setattr(benchmark, "marked_scans", lambda folder, seeds, slices: [scan])
    items = benchmark.marked(Path("nowhere"), [7])
    assert [(each["nodule"], float(each["image"].max())) for each in items] == [(1.0, 0.0), (0.0, 1.0)]
    assert items[0]["diameter_mm"] == 6.0
    assert np.isnan(items[1]["diameter_mm"])
    assert benchmark.rule_scores(items) == {}  # no type is known
