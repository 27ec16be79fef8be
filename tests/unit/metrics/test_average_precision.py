import math
import warnings

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from ignite.exceptions import NotComputableError

from lungdet.metrics import AveragePrecision, match_detections

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from monai.apps.detection.metrics.coco import COCOMetric
    from monai.apps.detection.metrics.matching import matching_batch
    from monai.data.box_utils import box_iou

BOX = [0.0, 0.0, 0.0, 4.0, 4.0, 4.0]
AWAY = [50.0, 50.0, 50.0, 54.0, 54.0, 54.0]
Scan = tuple[np.ndarray, np.ndarray, np.ndarray]


def random_scans(count: int, seed: int) -> list[Scan]:
    """True boxes, shifted copies of them and boxes elsewhere; no two scores are equal."""
    random = np.random.default_rng(seed)
    scores, scans = random.permutation(10_000) / 10_000, []
    for _ in range(count):
        low = random.uniform(0, 60, (random.integers(1, 4), 3))
        true = np.concatenate([low, low + random.uniform(5, 15, low.shape)], axis=1)
        near = np.tile(true, (2, 1)) + random.normal(0, 1, (2 * len(true), 6))
        far = random.uniform(0, 60, (random.integers(1, 8), 3))
        boxes = np.concatenate([near, np.concatenate([far, far + 8], axis=1)])
        scans.append((boxes, scores[: len(boxes)], true))
        scores = scores[len(boxes) :]
    return scans


def score(metric: AveragePrecision, scans: list[Scan]) -> AveragePrecision:
    for boxes, scores, true in scans:
        metric.update(([{"box": torch.from_numpy(boxes), "score": scores}], [{"box": true}]))
    return metric


@pytest.mark.parametrize("seed", range(3))
def test_monais_coco_metric_agrees(seed: int) -> None:
    scans, ious = random_scans(12, seed), (0.1, 0.5)
    boxes, scores, true = (list(part) for part in zip(*scans, strict=True))
    matches = matching_batch(
        iou_fn=lambda a, b: box_iou(torch.from_numpy(a), torch.from_numpy(b)).numpy(),
        iou_thresholds=ious,
        pred_boxes=boxes,
        pred_classes=[np.zeros(len(each), dtype=int) for each in boxes],
        pred_scores=scores,
        gt_boxes=true,
        gt_classes=[np.zeros(len(each), dtype=int) for each in true],
    )
    coco = COCOMetric(classes=["nodule"], iou_list=ious, iou_range=(0.1, 0.5, 0.4), max_detection=(100,))
    theirs, _ = coco(matches)
    ours = score(AveragePrecision(ious, "coco"), scans).by_iou()
    for iou in ious:
        assert ours[iou] == pytest.approx(theirs[f"nodule_AP_IoU_{iou:.2f}_MaxDet_100"], abs=1e-9)


def test_a_second_detection_is_an_error() -> None:
    metric = AveragePrecision((0.5,))
    metric.update(([([BOX, BOX, AWAY], [0.9, 0.8, 0.7])], [[BOX, AWAY]]))
    assert metric.curve(0.5).precisions.tolist() == [1.0, 0.5, 2 / 3]
    assert metric.compute() == pytest.approx((1 + 2 / 3) / 2)


def test_slices_count_as_in_2017() -> None:
    metric = AveragePrecision((0.5,), max_detections=None)
    metric.update(([([[0, 0, 4, 4], [9, 9, 12, 12]], [0.9, 0.8])], [[[0, 0, 4, 3]]]))
    metric.update(([([], [])], [[[0, 0, 4, 3]]]))
    assert metric.curve(0.5).equal_error_rate == 0.5


def test_ignored_boxes_and_the_number_of_detections() -> None:
    target = {"box": [BOX], "ignore_box": [AWAY]}
    metric = AveragePrecision((0.5,))
    metric.update(([([AWAY, BOX], [0.9, 0.8])], [target]))
    assert metric.compute() == 1.0
    metric = AveragePrecision((0.5,), max_detections=1)
    metric.update(([([AWAY, BOX], [0.9, 0.8])], [target]))
    assert metric.compute() == 0.0


def test_it_attaches_to_an_engine_and_forgets() -> None:
    engine = Engine(lambda engine, batch: batch)
    AveragePrecision((0.1, 0.5)).attach(engine, "ap")
    batches = [([([BOX], [0.9])], [[BOX]]), ([([], [])], [[]])]
    assert engine.run(batches).metrics["ap"] == 1.0
    assert engine.run(batches[1:]).metrics["ap"] is not None
    assert math.isnan(engine.state.metrics["ap"])


def test_without_scans_there_is_no_answer() -> None:
    with pytest.raises(NotComputableError, match="update"):
        AveragePrecision().compute()


def test_wrong_arguments_are_refused() -> None:
    for ious in ((), (0.0,), (1.5,)):
        with pytest.raises(ValueError, match="min_ious"):
            AveragePrecision(ious)
    with pytest.raises(ValueError, match="one of"):
        AveragePrecision((0.5,)).curve(0.7)
    with pytest.raises(ValueError, match="as many scores"):
        match_detections([BOX], [], [BOX], [0.5])
    with pytest.raises(ValueError, match="finite"):
        match_detections([BOX], [math.nan], [BOX], [0.5])


def test_the_better_overlap_is_taken_and_a_free_one_is_left_for_the_next() -> None:
    true = [[0, 0, 4, 4], [0, 0, 4, 3]]
    assert match_detections([[0, 0, 4, 3], [0, 0, 4, 3]], [0.9, 0.8], true, [0.5, 0.8]).tolist() == [
        [True, True],
        [True, False],
    ]
    assert match_detections([], [], true, [0.5]).shape == (1, 0)
    assert match_detections(true, [0.5, 0.4], [], [0.5]).tolist() == [[False, False]]


def test_processes_share_their_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes that saw one scan each, seen from the first."""

    def all_gather_object(parts: list[list], own: list) -> None:
        parts[:] = [own, own]

    metric = AveragePrecision((0.5,))
    metric.update(([([BOX], [0.9])], [[BOX, AWAY]]))
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    monkeypatch.setattr(torch.distributed, "all_gather_object", all_gather_object)
    assert metric.curve(0.5).truths == 4
