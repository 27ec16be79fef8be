from pathlib import Path

import pytest
import torch
from ignite.engine import Engine

from lungdet.engines import ValidationPictures, detections_from_engine
from lungdet.metrics import NoduleFROC

pytest.importorskip("tensorboard")


def scan(number: int) -> list[dict]:
    box = torch.tensor([[2.0, 2, 2, 6, 6, 6]])
    return [{"image": torch.rand(1, 16, 16, 8), "true_box": box, "pred_box": box + number, "pred_score": torch.ones(1)}]


def tags(folder: Path) -> dict[str, int]:
    """Tags of the images in a folder of TensorBoard, with the number of steps of each."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"images": 0})
    events.Reload()
    return {tag: len(events.Images(tag)) for tag in events.Tags()["images"]}


def test_each_validation_adds_slices_and_a_curve(tmp_path: Path):
    metric = NoduleFROC(output_transform=detections_from_engine())
    evaluator = Engine(lambda engine, number: scan(number))
    metric.attach(evaluator, "cpm")
    ValidationPictures(metric, tmp_path, max_slices=2).attach(evaluator)
    for _ in range(2):
        evaluator.run([0, 1, 2])
    found = tags(tmp_path)
    assert found["validation/scan_0"] == found["validation/scan_1"] == 2
    assert "validation/scan_2" not in found
    assert found.get("validation/froc", 2) == 2  # without matplotlib there is none


def test_weak_marks_are_not_drawn(tmp_path: Path):
    pictures = ValidationPictures(NoduleFROC(), tmp_path, max_slices=2)
    weak, none = scan(0)[0], scan(0)[0]
    weak["pred_score"] = torch.tensor([0.1])
    none["pred_box"], none["pred_score"] = torch.empty(0, 6), torch.empty(0)
    none["image"] = weak["image"]
    for item in (weak, none):
        engine = Engine(lambda engine, batch, item=item: [item])
        engine.state.output = [item]
        pictures.collect(engine)
    first, second = pictures._slices
    assert (first == second).all()
