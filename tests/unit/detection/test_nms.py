import time

import pytest
import torch
from monai.data.box_utils import box_iou, non_max_suppression

from lungdet.detection import nms, nms_by_distance, nms_by_iou
from lungdet.detection import nms as nms_function


def random_boxes(count: int, extent: float, side: float, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    low = torch.rand(count, 3, generator=generator) * extent
    size = side * (0.5 + torch.rand(count, 3, generator=generator))
    return torch.cat([low, low + size], dim=1), torch.rand(count, generator=generator)


def slow_distance(boxes: torch.Tensor, scores: torch.Tensor, factor: float, least: float) -> list[int]:
    """Walk down the scores, one box at a time."""
    boxes = boxes.double()
    centers = (boxes[:, :3] + boxes[:, 3:]) / 2
    radii = ((boxes[:, 3:] - boxes[:, :3]).prod(dim=1) ** (1 / 3) / 2 * factor).clamp(min=least)
    kept: list[int] = []
    for index in torch.argsort(scores, descending=True, stable=True).tolist():
        if all((centers[index] - centers[better]).norm() >= radii[better] for better in kept):
            kept.append(index)
    return kept


@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("extent", [5.0, 60.0, 500.0])
def test_iou_equals_monai(threshold: float, extent: float) -> None:
    boxes, scores = random_boxes(400, extent, side=15.0)
    torch.testing.assert_close(nms_by_iou(boxes, scores, threshold), non_max_suppression(boxes, scores, threshold))


def test_a_heap_of_boxes_equals_monai(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many pairs at once are walked down from the top; a low limit brings that about."""
    import sys

    monkeypatch.setattr(sys.modules[nms_function.__module__], "MAX_PAIRS", 500)
    for extent in (5.0, 60.0):
        boxes, scores = random_boxes(400, extent, side=15.0)
        torch.testing.assert_close(nms_by_iou(boxes, scores, 0.3), non_max_suppression(boxes, scores, 0.3))
        assert nms_by_distance(boxes, scores).tolist() == slow_distance(boxes, scores, 1.0, 0.0)


@pytest.mark.parametrize(("factor", "least"), [(1.0, 0.0), (0.5, 4.0), (2.0, 0.0)])
def test_distance_equals_the_slow_way(factor: float, least: float) -> None:
    boxes, scores = random_boxes(300, 60.0, side=12.0)
    kept = nms_by_distance(boxes, scores, factor, least).tolist()
    assert kept == slow_distance(boxes, scores, factor, least)
    assert 1 < len(kept) < 300


def test_what_is_kept_is_never_in_conflict() -> None:
    boxes, scores = random_boxes(300, 60.0, side=20.0)
    kept = nms_by_iou(boxes, scores, 0.2)
    overlap = box_iou(boxes[kept], boxes[kept]).fill_diagonal_(0)
    assert overlap.max() <= 0.2
    assert nms_by_iou(boxes[kept], scores[kept], 0.2).tolist() == list(range(len(kept)))


def test_a_dropped_box_drops_no_other() -> None:
    boxes = torch.tensor([[0.0, 0, 0, 4, 4, 4], [1.5, 0, 0, 5.5, 4, 4], [3, 0, 0, 7, 4, 4]])
    scores = torch.tensor([0.9, 0.8, 0.7])
    assert nms_by_distance(boxes, scores).tolist() == [0, 2]
    assert nms_by_iou(boxes, scores, 0.3).tolist() == [0, 2]


def test_of_equal_scores_the_earlier_box_is_kept() -> None:
    boxes = torch.tensor([[0.0, 0, 0, 4, 4, 4]] * 3)
    assert nms_by_iou(boxes, torch.tensor([0.5, 0.5, 0.5]), 0.5).tolist() == [0]
    assert nms_by_distance(boxes, torch.tensor([0.5, 0.7, 0.7])).tolist() == [1]


def test_just_as_much_overlap_as_the_threshold_is_kept() -> None:
    boxes = torch.tensor([[0.0, 0, 0, 4, 4, 4], [0, 0, 0, 4, 4, 2], [4, 0, 0, 8, 4, 4]])  # half, and side by side
    scores = torch.tensor([0.9, 0.8, 0.7])
    assert nms_by_iou(boxes, scores, 0.5).tolist() == [0, 1, 2]
    assert nms_by_iou(boxes, scores, 0.0).tolist() == [0, 2]


def test_at_most_so_many() -> None:
    boxes, scores = random_boxes(50, 500.0, side=5.0)
    assert nms(boxes, scores, max_boxes=3).tolist() == torch.argsort(scores, descending=True)[:3].tolist()


def test_each_kind_is_called_by_name() -> None:
    boxes, scores = random_boxes(100, 30.0, side=12.0)
    assert nms(boxes, scores, "iou", iou_threshold=0.2).tolist() == nms_by_iou(boxes, scores, 0.2).tolist()
    assert nms(boxes, scores, "distance").tolist() == nms_by_distance(boxes, scores).tolist()
    with pytest.raises(ValueError, match="'soft'"):
        nms(boxes, scores, "soft")


@pytest.mark.parametrize("count", [0, 1])
def test_none_and_one(count: int) -> None:
    boxes, scores = random_boxes(count, 10.0, side=5.0)
    for kept in (nms_by_iou(boxes, scores, 0.5), nms_by_distance(boxes, scores)):
        assert kept.tolist() == list(range(count))
        assert kept.dtype == torch.int64


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(N, 6\)"):
        nms_by_iou(torch.zeros(3, 4), torch.zeros(3), 0.5)
    with pytest.raises(ValueError, match=r"\(N, 6\)"):
        nms_by_distance(torch.zeros(3, 6), torch.zeros(2))


def test_five_thousand_scattered_boxes_take_no_time_to_speak_of() -> None:
    boxes, scores = random_boxes(5000, 400.0, side=15.0)
    for suppress in (lambda: nms_by_iou(boxes, scores, 0.1), lambda: nms_by_distance(boxes, scores)):
        suppress()
        start = time.process_time()
        suppress()
        # 0.03 s on a quiet machine; MONAI takes about 1 s. The limit leaves room for a busy one.
        assert time.process_time() - start < 0.3
