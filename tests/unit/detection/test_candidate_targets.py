"""Which candidates count as hits."""

import pytest
import torch

from lungdet.detection import DetectionCriterion
from lungdet.detection.candidate_targets import match_candidates
from lungdet.networks import TwoStageOutput

BOX = torch.tensor([[10.0, 10, 10, 22, 18, 14]])  # centre (16, 14, 12), half sides (6, 4, 2)


def test_a_hit_lies_in_the_ellipsoid() -> None:
    centers = torch.tensor([[16.0, 14, 12], [21.9, 14, 12], [16, 18.1, 12], [20.5, 17, 12]])
    assert match_candidates(centers, BOX).hit.tolist() == [1, 1, 0, 0]


def test_offset_and_size_worked_by_hand() -> None:
    target = match_candidates(torch.tensor([[14.0, 15.0, 11.0]]), BOX)
    assert target.offset[0].tolist() == [0.5, -0.25, 0.5]
    assert target.log_size[0].tolist() == pytest.approx([0.693147, 0.287682, -0.405465], abs=1e-6)


def test_tiny_nodules_have_some_reach() -> None:
    tiny = torch.tensor([[9.5, 9.5, 9.5, 10.5, 10.5, 10.5]])
    assert match_candidates(torch.tensor([[11.5, 10.0, 10.0], [12.5, 10, 10]]), tiny).hit.tolist() == [1, 0]


def test_the_deeper_of_two_nodules_counts() -> None:
    boxes = torch.cat([BOX, BOX + torch.tensor([8.0, 0, 0, 8, 0, 0])])
    target = match_candidates(torch.tensor([[21.0, 14.0, 12.0]]), boxes)
    assert target.offset[0, 0] == pytest.approx(3 / 4)


def test_ignored_regions_weigh_nothing_unless_a_nodule_is_hit() -> None:
    centers = torch.tensor([[16.0, 14, 12], [40.0, 40, 40], [60.0, 60, 60]])
    ignore = torch.tensor([[10.0, 10, 10, 22, 18, 14], [36, 36, 36, 44, 44, 44]])
    assert match_candidates(centers, BOX, ignore_boxes=ignore).weight.tolist() == [1, 0, 1]


def test_a_box_to_ignore_is_ignored_to_its_corners() -> None:
    # half sides (6, 4, 2): in the box's corner, outside its ellipsoid; on its face; just beyond a face
    centers = torch.tensor([[21.0, 17, 13], [22.0, 14, 12], [22.5, 14, 12], [16, 14, 14.5]])
    assert match_candidates(centers, torch.zeros(0, 6), ignore_boxes=BOX).weight.tolist() == [0, 0, 1, 1]


def test_a_nodule_whose_centre_is_off_the_grid_is_neither_hit_nor_missed() -> None:
    # centres at x = -2, 31.5 and 32 of an image of 8 * 4 = 32 voxels
    boxes = torch.tensor([[-8.0, 5, 5, 4, 15, 15], [27.5, 5, 5, 35.5, 15, 15], [28, 20, 2, 36, 28, 10]])
    centers = torch.tensor([[1.0, 10, 10], [4.0, 15, 15], [31.0, 10, 10], [30.0, 24, 6], [16.0, 10, 10]])
    target = match_candidates(centers, boxes, grid=(8, 8, 8))
    assert target.hit.tolist() == [0, 0, 1, 0, 0]
    assert target.weight.tolist() == [0, 0, 1, 0, 1]
    assert target.offset[2].tolist() == [0.125, 0, 0]
    assert target.log_size[[0, 1, 3]].abs().max() == 0
    assert match_candidates(centers, boxes).hit.tolist() == [1, 0, 1, 1, 0], "without a grid all are nodules"


def test_both_stages_look_away_from_a_nodule_beyond_the_border() -> None:
    boxes = [torch.tensor([[-8.0, 5, 5, 4, 15, 15]])]
    looks = torch.zeros(1, 1, 7, requires_grad=True)
    output = TwoStageOutput(torch.zeros(1, 7, 8, 8, 8), torch.tensor([[[1.0, 10, 10]]]), looks)
    criterion = DetectionCriterion()
    criterion(output, boxes).backward()
    assert looks.grad is not None
    assert looks.grad.abs().max() == 0
    assert criterion.encode(boxes, output.dense).center_weight[0, 0, 0, 2, 5] == 0


def test_no_nodule_is_normal() -> None:
    target = match_candidates(torch.rand(3, 3), torch.zeros(0, 6))
    assert target.hit.sum() == 0
    assert target.weight.tolist() == [1, 1, 1]


def test_the_criterion_adds_the_second_looks_losses() -> None:
    dense = torch.zeros(1, 7, 8, 8, 8)
    centers = torch.tensor([[[16.0, 14, 12], [30.0, 30, 4]]])
    looks = torch.zeros(1, 2, 7)
    looks[0, 0, 4:] = torch.log(torch.tensor([12.0, 8.0, 4.0]) / 6)
    criterion = DetectionCriterion()
    total = criterion(TwoStageOutput(dense, centers, looks), [BOX])
    parts = criterion.latest_parts
    assert float(parts["look"]) == pytest.approx(0.693147, abs=1e-6)
    assert float(parts["look_offset"]) == 0
    assert float(parts["look_size"]) == pytest.approx(0)
    assert float(total) == pytest.approx(float(sum(parts.values())), rel=1e-6)


def test_an_empty_batch_trains_the_verdict_alone() -> None:
    looks = torch.zeros(1, 2, 7, requires_grad=True)
    output = TwoStageOutput(torch.zeros(1, 7, 4, 4, 4), torch.rand(1, 2, 3), looks)
    DetectionCriterion()(output, [torch.zeros(0, 6)]).backward()
    assert looks.grad is not None
    assert looks.grad[..., 0].abs().min() > 0
    assert looks.grad[..., 1:].abs().max() == 0
