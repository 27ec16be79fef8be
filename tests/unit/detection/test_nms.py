import sys
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
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


def lattice_boxes(count: int, extent: int, seed: int, step: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Boxes and scores of few distinct values: ties of scores, of boxes, and of the IoU with the threshold abound."""
    generator = torch.Generator().manual_seed(seed)
    low = torch.randint(0, extent, (count, 3), generator=generator)
    size = torch.randint(0, 5, (count, 3), generator=generator)  # some have no volume
    scores = torch.randint(0, 8, (count,), generator=generator) / 8
    return torch.cat([low, low + size], dim=1) * step, scores


THRESHOLDS = st.sampled_from([0.0, 0.1, 0.2, 0.25, 0.29, 1 / 3, 0.5, 0.55, 2 / 3, 0.9, 1.0])


@given(
    count=st.integers(1, 150),
    extent=st.integers(1, 40),
    seed=st.integers(0, 2**31),
    step=st.sampled_from([1.0, 0.5, 0.1, 1e-3]),
    threshold=THRESHOLDS,
    dtype=st.sampled_from([torch.float32, torch.float64]),
    limits=st.sampled_from([(100_000, 3_000_000, 6), (0, 50, 0), (0, 0, 0)]),
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_iou_equals_monai_where_everything_ties(
    count: int, extent: int, seed: int, step: float, threshold: float, dtype: torch.dtype, limits: tuple[int, int, int]
) -> None:
    boxes, scores = (each.to(dtype) for each in lattice_boxes(count, extent, seed, step))
    with pytest.MonkeyPatch.context() as patch:  # every mixture of pairs and walks gives the same
        set_limits(patch, *limits)
        kept = nms_by_iou(boxes, scores, threshold)
    assert kept.tolist() == non_max_suppression(boxes, scores, threshold).tolist()


@given(
    count=st.integers(1, 80),
    extent=st.integers(1, 40),
    seed=st.integers(0, 2**31),
    factor=st.sampled_from([0.5, 1.0, 2.0]),
    limits=st.sampled_from([(100_000, 3_000_000, 6), (0, 50, 0), (0, 0, 0)]),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_distance_equals_the_slow_way_where_everything_ties(
    count: int, extent: int, seed: int, factor: float, limits: tuple[int, int, int]
) -> None:
    boxes, scores = lattice_boxes(count, extent, seed, 1.0)
    with pytest.MonkeyPatch.context() as patch:
        set_limits(patch, *limits)
        kept = nms_by_distance(boxes, scores, factor, 0.75)
    assert kept.tolist() == slow_distance(boxes, scores, factor, 0.75)


def set_limits(patch: pytest.MonkeyPatch, few_pairs: int, max_pairs: int, worth_a_walk: int) -> None:
    """Choose when boxes are walked down one at a time."""
    module = sys.modules[nms_function.__module__]
    patch.setattr(module, "FEW_PAIRS", few_pairs)
    patch.setattr(module, "MAX_PAIRS", max_pairs)
    patch.setattr(module, "WORTH_A_WALK", worth_a_walk)


def test_a_heap_of_boxes_equals_monai(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many pairs at once are walked down from the top; a low limit brings that about."""
    set_limits(monkeypatch, 500, 500, 6)
    for extent in (5.0, 60.0):
        boxes, scores = random_boxes(400, extent, side=15.0)
        torch.testing.assert_close(nms_by_iou(boxes, scores, 0.3), non_max_suppression(boxes, scores, 0.3))
        assert nms_by_distance(boxes, scores).tolist() == slow_distance(boxes, scores, 1.0, 0.0)


def test_just_as_much_overlap_as_a_threshold_without_binary_end_is_kept() -> None:
    boxes = torch.tensor([[0.0, 0, 0, 100, 1, 1], [0, 0, 0, 29, 1, 1]])  # 0.29 * 100 < 29 in float64
    scores = torch.tensor([0.9, 0.8])
    assert nms_by_iou(boxes, scores, 0.29).tolist() == [0, 1]
    assert non_max_suppression(boxes, scores, 0.29).tolist() == [0, 1]


@pytest.mark.parametrize(
    "box", [[0.0, 0, 0, float("nan"), 1, 1], [0.0, 0, 0, float("inf"), 1, 1], [2.0, 0, 0, 1, 1, 1]]
)
def test_boxes_that_are_none_are_refused(box: list[float]) -> None:
    boxes, scores = torch.tensor([[0.0, 0, 0, 1, 1, 1], box]), torch.tensor([0.9, 0.8])
    for suppress in (lambda: nms_by_iou(boxes, scores, 0.1), lambda: nms_by_distance(boxes, scores)):
        with pytest.raises(ValueError, match="box 1"):
            suppress()


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


@pytest.mark.parametrize("extent", [400.0, 150.0, 60.0, 20.0, 2.0])
def test_five_thousand_boxes_take_no_time_to_speak_of(extent: float) -> None:
    boxes, scores = random_boxes(5000, extent, side=15.0)
    for suppress in (lambda: nms_by_iou(boxes, scores, 0.1), lambda: nms_by_distance(boxes, scores)):
        suppress()
        start = time.process_time()
        suppress()
        # 0.002 to 0.07 s on a quiet machine, MONAI up to 1.5 s. The limit leaves room for a busy one.
        assert time.process_time() - start < 0.3
