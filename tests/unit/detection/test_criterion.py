import pytest
import torch
from monai.data import MetaTensor

from lungdet.detection import BoxCoder, DetectionCriterion, decode, encode_targets
from lungdet.losses import CenterFocalLoss

GRID = (6, 6, 8)
BOX = torch.tensor([[8.0, 8.0, 4.0, 13.0, 14.0, 11.0]])


def outputs(batch: int = 1, seed: int = 0) -> torch.Tensor:
    return torch.randn(batch, 7, *GRID, generator=torch.Generator().manual_seed(seed))


def perfect(boxes: torch.Tensor) -> torch.Tensor:
    target = encode_targets(boxes, GRID)
    # a target below 1 wants a logit as low as can be
    logits = torch.where(target.heat == 1.0, 20.0, -20.0)
    return torch.cat([logits, target.offset, target.log_size])[None]


def test_parts_by_hand() -> None:
    box = torch.tensor([[10.0, 10.0, 9.0, 10.0, 10.0, 9.0]]) + torch.tensor([-3.0, -3, -3, 3, 3, 3])
    answer = perfect(box)
    answer[0, 1, 2, 2, 4] += 2.0  # smooth L1 with beta 0.5: 2 - 0.25
    parts = DetectionCriterion().parts(answer, [box])
    weight = encode_targets(box, GRID).box_weight.sum()
    assert parts["offset"].item() == pytest.approx(1.75 / weight.item(), rel=1e-5)
    assert parts["size"].item() == 0.0
    assert parts["center"].item() == pytest.approx(0.0, abs=1e-5)


def test_a_perfect_answer_costs_nothing_and_decodes_to_the_box() -> None:
    assert DetectionCriterion()(perfect(BOX), [BOX]).item() == pytest.approx(0.0, abs=1e-5)
    torch.testing.assert_close(decode(perfect(BOX))[0], BOX, atol=1e-4, rtol=0)


def test_the_loss_is_the_weighted_sum_of_its_parts() -> None:
    criterion = DetectionCriterion(center_weight=1.0, offset_weight=2.0, size_weight=3.0)
    parts = criterion.parts(outputs(), [BOX])
    wanted = parts["center"] + 2 * parts["offset"] + 3 * parts["size"]
    torch.testing.assert_close(criterion(outputs(), [BOX]), wanted)


def test_no_nodules_train_the_centres_alone() -> None:
    answer = outputs(2).requires_grad_()
    loss = DetectionCriterion()(answer, [torch.empty(0, 6), torch.empty(0, 6)])
    loss.backward()
    torch.testing.assert_close(loss, CenterFocalLoss()(answer[:, :1], torch.zeros(2, 1, *GRID)))
    assert (answer.grad[:, 0] != 0).all()
    assert (answer.grad[:, 1:] == 0).all()


def test_every_form_of_target_means_the_same() -> None:
    answer, other = outputs(2), torch.cat([BOX, BOX + 8])
    criterion = DetectionCriterion()
    wanted = criterion(answer, [BOX, other])
    padded = torch.stack([torch.cat([BOX, torch.zeros(1, 6)]), other])
    for targets in (
        [{"box": BOX}, {"box": other, "ignore_box": torch.empty(0, 6)}],
        (MetaTensor(BOX), MetaTensor(other)),
        [BOX.tolist(), other.double().numpy()],
        padded,
    ):
        torch.testing.assert_close(criterion(answer, targets), wanted)


def test_ignored_boxes_carry_no_loss() -> None:
    criterion, answer = DetectionCriterion(), outputs()
    answer[0, 0, 2, 2, 4] = 8.0
    loud = criterion(answer, [{"box": []}])
    quiet = criterion(answer, [{"box": [], "ignore_box": BOX}])
    assert loud > quiet + 5


def test_other_keys_are_honoured() -> None:
    answer = outputs()
    renamed = DetectionCriterion(box_key="nodules")(answer, [{"nodules": BOX}])
    torch.testing.assert_close(renamed, DetectionCriterion()(answer, [BOX]))
    with pytest.raises(ValueError, match="'nodules'"):
        DetectionCriterion(box_key="nodules")(answer, [{"box": BOX}])


def test_half_precision_answers_give_a_float32_loss() -> None:
    answer = outputs().bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = DetectionCriterion()(answer, [BOX])
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, DetectionCriterion()(answer.float(), [BOX]))


def test_gradients_are_right() -> None:
    answer = outputs().double().requires_grad_()
    criterion = DetectionCriterion()
    assert torch.autograd.gradcheck(lambda x: criterion(x, [BOX]), answer, fast_mode=True)


def test_another_coder_is_honoured() -> None:
    coder = BoxCoder(reference_voxels=3.0)
    assert DetectionCriterion(coder).encode([BOX], outputs()).log_size.max() > 0.5


def test_a_missing_target_is_refused() -> None:
    with pytest.raises(ValueError, match="2 outputs for 1 targets"):
        DetectionCriterion()(outputs(2), [BOX])
