import numpy as np
import pytest
import torch
from monai.data.box_utils import box_iou

from lungdet.metrics import pairwise_iou
from lungdet.metrics.box_overlap import as_boxes, cubes


def test_overlaps_by_hand() -> None:
    boxes = [[0, 0, 0, 2, 2, 2], [1, 1, 1, 3, 3, 3]]
    np.testing.assert_allclose(pairwise_iou(boxes, boxes), [[1, 1 / 15], [1 / 15, 1]])


@pytest.mark.parametrize("axes", [2, 3])
def test_monai_agrees(axes: int) -> None:
    random = np.random.default_rng(axes)
    low = random.uniform(0, 10, (2, 40, axes))
    boxes, others = np.concatenate([low, low + random.uniform(0.1, 8, (2, 40, axes))], axis=2)
    theirs = box_iou(torch.from_numpy(boxes), torch.from_numpy(others)).numpy()
    np.testing.assert_allclose(pairwise_iou(boxes, others), theirs, atol=1e-6)


def test_spacing_and_order_do_not_matter() -> None:
    random = np.random.default_rng(0)
    low = random.uniform(0, 10, (2, 9, 3))
    boxes, others = np.concatenate([low, low + 3], axis=2)
    scale = np.tile([0.7, 0.7, 2.5], 2)
    np.testing.assert_allclose(pairwise_iou(boxes * scale, others * scale), pairwise_iou(others, boxes).T)


def test_boxes_that_touch_or_have_no_volume_do_not_overlap() -> None:
    assert pairwise_iou([[0, 0, 4, 4]], [[4, 0, 8, 4], [1, 1, 1, 1], [3, 3, 3, 3]]).tolist() == [[0, 0, 0]]
    assert pairwise_iou([[1, 1, 1, 1]], [[1, 1, 1, 1]]).tolist() == [[0]]


def test_nothing_overlaps_nothing() -> None:
    assert pairwise_iou([], [[0, 0, 4, 4]]).shape == (0, 1)
    assert pairwise_iou(np.empty((0, 4)), np.empty((0, 6))).shape == (0, 0)


def test_wrong_boxes_are_refused() -> None:
    with pytest.raises(ValueError, match="in a slice"):
        as_boxes([[0, 0, 1]])
    with pytest.raises(ValueError, match="finite"):
        as_boxes([[0, 0, 1, np.nan]])
    with pytest.raises(ValueError, match="do not overlap"):
        pairwise_iou([[0, 0, 1, 1]], [[0, 0, 0, 1, 1, 1]])


def test_cubes_have_the_volume_of_their_sides() -> None:
    boxes = cubes(np.zeros((2, 3)), [2.0, 4.0])
    assert np.prod(boxes[:, 3:] - boxes[:, :3], axis=1).tolist() == [8.0, 64.0]


def test_boxes_the_wrong_way_round_are_refused():
    for boxes in ([[4, 0, 0, 4]], [[0, 0, 0, 1, 1, 1], [0, 0, 5, 1, 1, 4]]):
        with pytest.raises(ValueError, match="min corner, then max corner"):
            as_boxes(boxes)
    assert len(as_boxes([[0, 0, 0, 0]])) == 1  # without size, but not inverted
