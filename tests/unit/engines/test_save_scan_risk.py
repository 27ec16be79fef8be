"""What is written of scans that were answered."""

import csv
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss, roc_auc_score

from lungdet.engines import ScanRiskSaver


def run(folder: Path, items: list[dict], logits: torch.Tensor, collated: bool = False) -> None:
    saver = ScanRiskSaver(folder, resamples=50)
    saver._start(SimpleNamespace())  # type: ignore[arg-type]
    batch: object = items
    if collated:
        batch = {"id": [item["id"] for item in items], "label": torch.stack([item["label"] for item in items])}
    saver(SimpleNamespace(state=SimpleNamespace(batch=batch, output={"pred": logits})))  # type: ignore[arg-type]
    saver.write()


@pytest.mark.parametrize("collated", [False, True])
def test_scores_are_those_of_scikit_learn(tmp_path: Path, collated: bool):
    random = np.random.default_rng(0)
    logits = torch.from_numpy(random.normal(size=(40, 1)))
    truth = (random.random(40) < 0.4).astype(float)
    items = [{"id": f"{place:02d}", "label": torch.tensor([value])} for place, value in enumerate(truth)]
    run(tmp_path, items, logits, collated)
    scores = json.loads((tmp_path / "metrics.json").read_text())
    said = logits[:, 0].sigmoid().numpy()
    assert scores["auc"]["value"] == pytest.approx(roc_auc_score(truth, said))
    assert scores["log_loss"]["value"] == pytest.approx(log_loss(truth, said))
    assert scores["positives"] == truth.sum()
    with (tmp_path / "submission.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows] == [item["id"] for item in items]
    assert [float(row["cancer"]) for row in rows] == pytest.approx(said.tolist(), abs=1e-6)
    assert {"roc.png", "reliability.png", "scans.csv"} <= {path.name for path in tmp_path.iterdir()}


def test_scans_without_labels_get_answers_alone(tmp_path: Path):
    run(tmp_path, [{"id": "b"}, {"id": "a"}], torch.tensor([[0.0], [2.0]]))
    assert [path.name for path in tmp_path.iterdir()] == ["submission.csv"]
    lines = (tmp_path / "submission.csv").read_text().splitlines()
    assert lines[0] == "id,cancer"
    assert lines[1:] == ["a,0.880797", "b,0.5"]  # 1 / (1 + exp(-2)) = 0.88079708


def test_no_answer_is_rounded_to_certainty(tmp_path: Path):
    run(tmp_path, [{"id": "a"}, {"id": "b"}], torch.tensor([[-30.0], [40.0]]))
    assert (tmp_path / "submission.csv").read_text().splitlines()[1:] == ["a,1e-06", "b,0.999999"]


def test_labels_of_some_scans_are_enough(tmp_path: Path):
    known = [{"id": "a", "label": torch.tensor([1.0])}, {"id": "b", "label": torch.tensor([0.0])}, {"id": "c"}]
    run(tmp_path, known, torch.tensor([[1.0], [-1.0], [0.0]]))
    assert json.loads((tmp_path / "metrics.json").read_text())["cases"] == 2
    assert len((tmp_path / "submission.csv").read_text().splitlines()) == 4
