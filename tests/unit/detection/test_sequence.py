import numpy as np
import pytest
import torch

from lungdet.detection import (
    SEQUENCE_CODER,
    BoxCoder,
    DecodeBoxesd,
    SequenceCriterion,
    assign_to_cells,
    decode_sequence,
)
from lungdet.inferers import SlabStreamInferer
from lungdet.networks import NoduleDetector

GRID = (3, 2, 8)
BOXES = torch.tensor([[9.0, 9, 4, 15, 15, 11], [2.0, 2, 5, 8, 8, 10], [36.0, 20, 3, 41, 26, 8]])
# Centres (12, 12, 7.5), (5, 5, 7.5) and (38.5, 23, 5.5): the first two share the cell (0, 0, 3).


def outputs(batch: int = 1, steps: int = 3, seed: int = 0) -> torch.Tensor:
    return torch.randn(batch, 7 * steps, *GRID, generator=torch.Generator().manual_seed(seed))


def perfect(boxes: torch.Tensor, steps: int = 3) -> torch.Tensor:
    """Return the answer that names the boxes of each cell from its first step on."""
    answer = torch.zeros(steps, 7, *GRID)
    answer[:, 0] = -20.0
    taken: dict[tuple[int, ...], int] = {}
    for box, cell in zip(boxes, SEQUENCE_CODER.cells_of(boxes), strict=True):
        at = tuple(cell.tolist())
        step = taken[at] = taken.get(at, -1) + 1
        answer[(step, slice(None), *at)] = torch.cat([torch.tensor([20.0]), *SEQUENCE_CODER.encode(box, cell)])
    return answer.flatten(0, 1)[None]


def test_boxes_go_to_the_cell_of_their_centre() -> None:
    target = assign_to_cells(BOXES, GRID)
    assert target.cells.tolist() == [[0, 0, 3], [0, 0, 3], [2, 1, 2]]
    assert target.weight.min() == 1


def test_cells_at_boxes_to_ignore_are_free() -> None:
    ignored = torch.tensor([[12.0, 2, 4, 20, 9, 8]])
    off_grid = torch.tensor([[-9.0, 2, 14, 6, 9, 16]])
    target = assign_to_cells(torch.cat([BOXES, off_grid]), GRID, ignore_boxes=ignored)
    assert len(target.boxes) == 3
    assert (target.weight == 0).nonzero().tolist() == [[0, 0, 2], [0, 0, 3], [0, 0, 7], [1, 0, 2], [1, 0, 3]]


def test_no_boxes_are_assigned_to_no_cell() -> None:
    target = assign_to_cells(torch.empty(0, 6), GRID)
    assert target.boxes.shape == (0, 6)
    assert target.cells.shape == (0, 3)


def test_a_perfect_answer_costs_nothing_and_decodes_to_the_boxes() -> None:
    answer = perfect(BOXES)
    assert SequenceCriterion()(answer, [BOXES]).item() == pytest.approx(0.0, abs=1e-4)
    boxes, scores = decode_sequence(answer)
    order = (boxes[:, 0].argsort(), BOXES[:, 0].argsort())
    torch.testing.assert_close(boxes[order[0]], BOXES[order[1]], atol=1e-4, rtol=0)
    assert scores.min() > 0.99


def test_the_order_of_boxes_does_not_matter() -> None:
    criterion, answer = SequenceCriterion(), outputs()
    wanted = criterion(answer, [BOXES])
    for order in ([1, 0, 2], [2, 1, 0], [1, 2, 0]):
        torch.testing.assert_close(criterion(answer, [BOXES[order]]), wanted)


def test_naming_the_same_boxes_the_other_way_round_costs_the_same() -> None:
    other = perfect(BOXES[[1, 0, 2]])
    assert not torch.equal(other, perfect(BOXES))
    assert SequenceCriterion()(other, [BOXES]).item() == pytest.approx(0.0, abs=1e-4)


def test_distances_are_in_voxels_over_the_reference() -> None:
    answer = perfect(BOXES[2:])
    answer[0, 1, 2, 1, 2] += 2 / 16  # 2 voxels along x: a third of the reference; smooth L1 with beta 0.25
    parts = SequenceCriterion().parts(answer, [BOXES[2:]])
    assert parts["location"].item() == pytest.approx(1 / 3 - 0.125, abs=1e-5)


def test_a_late_hit_is_matched_rather_than_an_early_miss() -> None:
    answer = perfect(BOXES[2:]).unflatten(1, (3, 7))
    answer[:, [0, 2]] = answer[:, [2, 0]].clone()  # the box is named by the last step, the others are far off
    answer[:, :2, 1] += 3.0
    parts = SequenceCriterion().parts(answer.flatten(1, 2), [BOXES[2:]])
    assert parts["location"].item() == pytest.approx(0.0, abs=1e-5)
    assert parts["confidence"].item() == pytest.approx(0.0, abs=1e-4)


def test_images_are_averaged_and_empty_ones_are_nothing_special() -> None:
    criterion, answer = SequenceCriterion(), outputs(2).requires_grad_()
    loss = criterion(answer, [BOXES, torch.empty(0, 6)])
    each = criterion(answer[:1], [BOXES]) + criterion(answer[1:], [{"box": []}])
    torch.testing.assert_close(loss, each / 2)
    loss.backward()
    located = answer.grad.unflatten(1, (3, 7))[:, :, 1:]
    assert (located[0] != 0).any()
    assert (located[1] == 0).all()


def test_more_boxes_than_steps_are_borne() -> None:
    crowd = BOXES[:1] + torch.arange(5)[:, None] * 0.5
    assert torch.isfinite(SequenceCriterion()(outputs(), [crowd]))


def test_ignored_boxes_carry_no_loss() -> None:
    criterion, answer = SequenceCriterion(), perfect(BOXES)
    loud = criterion(answer, [{"box": []}])
    assert criterion(answer, [{"box": [], "ignore_box": BOXES}]).item() == pytest.approx(0.0, abs=1e-4)
    assert loud > 50


def test_half_precision_answers_give_a_float32_loss() -> None:
    answer = outputs().bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = SequenceCriterion()(answer, [BOXES])
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, SequenceCriterion()(answer.float(), [BOXES]))


def test_gradients_are_right() -> None:
    criterion, answer = SequenceCriterion(), outputs().double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: criterion(x, [BOXES]), answer, fast_mode=True)


def test_a_missing_target_is_refused() -> None:
    with pytest.raises(ValueError, match="2 outputs for 1 targets"):
        SequenceCriterion()(outputs(2), [BOXES])


def test_decoding_keeps_the_best_by_falling_score() -> None:
    boxes, scores = decode_sequence(outputs(), score_threshold=0.5, top_k=20)
    assert boxes.shape == (20, 6)
    assert (scores.diff() <= 0).all()
    assert scores[0] == torch.sigmoid(outputs().unflatten(1, (3, 7))[:, :, 0]).max()
    assert decode_sequence(outputs(), score_threshold=1.0)[0].shape == (0, 6)


def test_another_coder_is_honoured() -> None:
    boxes, _ = decode_sequence(perfect(BOXES[2:]), BoxCoder((16, 16, 2), reference_voxels=12.0))
    torch.testing.assert_close(boxes[0, 3:] - boxes[0, :3], 2 * (BOXES[2, 3:] - BOXES[2, :3]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("shape", [(6, 2, 2, 2), (0, 2, 2, 2), (2, 7, 2, 2, 2), (7, 2, 2)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="steps"):
        decode_sequence(torch.zeros(shape))


def test_the_transform_decodes_for_the_head_it_is_told() -> None:
    item = DecodeBoxesd("pred", head="sequence")({"pred": perfect(BOXES)[0]})
    assert len(item["pred_box"]) == 3
    with pytest.raises(ValueError, match="'anchors'"):
        DecodeBoxesd("pred", head="anchors")


def test_it_learns_a_patch_by_heart_and_finds_its_boxes_streamed() -> None:
    """Three boxes, two of them in one cell, and an empty image: loss falls, and each is found once."""
    torch.manual_seed(0)
    network = NoduleDetector(channels=(8, 16, 24, 24), feature_channels=24, hidden_channels=16, head="sequence")
    images = torch.rand(2, 1, 48, 32, 16) * 0.2
    for x0, y0, z0, x1, y1, z1 in BOXES.int().tolist():
        images[0, 0, x0:x1, y0:y1, z0:z1] += 0.7
    criterion, optimizer = SequenceCriterion(), torch.optim.AdamW(network.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 120)
    losses = []
    for _ in range(120):
        loss = criterion(network(images), [BOXES, torch.empty(0, 6)])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < 0.1 * losses[0]
    answer = SlabStreamInferer(chunk=3, look_ahead=8)(images, network.eval())
    found = DecodeBoxesd("pred", min_score=0.5, head="sequence")({"pred": answer[0]})["pred_box"]
    assert len(found) == 3
    order = (found[:, 0].argsort(), BOXES[:, 0].argsort())
    assert (found[order[0]] - BOXES[order[1]]).abs().max() < 2.0
    assert len(DecodeBoxesd("pred", min_score=0.5, head="sequence")({"pred": answer[1]})["pred_box"]) == 0
