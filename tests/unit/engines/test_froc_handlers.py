import json
from pathlib import Path

import pytest
import torch
from ignite.engine import Engine

from lungdet.engines import FrocSaver, detections_from_engine
from lungdet.metrics import NoduleFROC

NODULE, ELSEWHERE = [0.0, 0, 0, 6, 6, 6], [50.0, 50, 50, 56, 56, 56]


def scan(boxes: list[list[float]], scores: list[float], truth: list[list[float]]) -> list[dict[str, torch.Tensor]]:
    """The decollated output of an evaluator for one scan."""
    return [
        {
            "pred_box": torch.tensor(boxes).reshape(-1, 6),
            "pred_score": torch.tensor(scores),
            "true_box": torch.tensor(truth).reshape(-1, 6),
        }
    ]


def evaluate(outputs: list[list[dict[str, torch.Tensor]]], folder: Path) -> dict:
    metric = NoduleFROC(output_transform=detections_from_engine())
    engine = Engine(lambda engine, output: output)
    metric.attach(engine, "cpm")
    FrocSaver(metric, folder).attach(engine)
    engine.run(outputs)
    return json.loads((folder / "froc.json").read_text())


def test_score_is_written_when_the_evaluation_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    # Two scans with a nodule each; the first is found, the second only at a score below a false mark.
    first = scan([NODULE], [0.9], [NODULE])
    second = scan([ELSEWHERE, NODULE], [0.8, 0.2], [NODULE])
    score = evaluate([first, second], tmp_path / "new" / "folder")
    assert (score["scans"], score["nodules"], score["true_positives"], score["false_positives"]) == (2, 2, 2, 1)
    # Half are found without any false mark, all with half a false mark a scan.
    sensitivity = dict(zip(score["fp_rates"], score["sensitivities"], strict=True))
    assert sensitivity[0.125] == pytest.approx(0.5)
    assert sensitivity[1.0] == pytest.approx(1.0)
    low, high = score["intervals"]["cpm"]
    assert low <= score["cpm"] <= high
    assert json.loads(capsys.readouterr().out) == score


def test_scans_without_marks_count(tmp_path: Path):
    score = evaluate([scan([], [], [NODULE]), scan([NODULE], [0.9], [NODULE])], tmp_path)
    assert score["scans"] == 2
    assert score["cpm"] == pytest.approx(0.5)
