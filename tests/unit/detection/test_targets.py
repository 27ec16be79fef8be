import math

import pytest
import torch

from lungdet.detection import BoxCoder, encode_targets, stack_targets

GRID = (8, 8, 16)


def cube(center: tuple[float, float, float], side: float) -> torch.Tensor:
    middle = torch.tensor([center])
    return torch.cat([middle - side / 2, middle + side / 2], dim=1)


def test_one_nodule_by_hand() -> None:
    target = encode_targets(cube((10.0, 10.0, 9.0), 4.0), GRID)  # right at the centre of cell (2, 2, 4)
    assert target.heat[0, 2, 2, 4] == 1.0
    assert (target.heat == 1.0).sum() == 1
    # sigma is half a cell, the least, in the plane (4/4 * 0.25) and along z (4/2 * 0.25)
    assert target.heat[0, 3, 2, 4].item() == pytest.approx(math.exp(-0.5 * 2**2), rel=1e-5)
    assert target.offset[:, 2, 2, 4].tolist() == [0.0, 0.0, 0.0]
    assert target.offset[:, 3, 2, 4].tolist() == [-1.0, 0.0, 0.0]
    assert target.log_size[:, 2, 2, 4].tolist() == pytest.approx([math.log(4 / 6)] * 3)
    assert target.box_weight[0, 2, 2, 4] == 1.0
    assert target.box_weight[0, 4, 2, 4] == 0.0
    assert target.center_weight.min() == 1.0


def test_heat_falls_with_distance_and_wider_for_larger_nodules() -> None:
    small = encode_targets(cube((18.0, 18.0, 17.0), 4.0), GRID).heat[0, :, 4, 8]
    large = encode_targets(cube((18.0, 18.0, 17.0), 24.0), GRID).heat[0, :, 4, 8]
    assert (small[4:].diff() < 0).all()
    assert (large[5:] > small[5:]).all()


def test_no_nodule_is_all_background() -> None:
    target = encode_targets(torch.empty(0, 6), GRID)
    assert target.heat.shape == (1, *GRID)
    assert target.offset.shape == target.log_size.shape == (3, *GRID)
    assert target.heat.max() == target.box_weight.max() == 0.0
    assert target.center_weight.min() == 1.0


def test_a_cell_belongs_to_the_nearer_nodule() -> None:
    boxes = torch.cat([cube((10.0, 10.0, 9.0), 8.0), cube((18.0, 10.0, 9.0), 4.0)])
    target = encode_targets(boxes, GRID)
    assert target.log_size[0, 2, 2, 4].item() == pytest.approx(math.log(8 / 6), abs=1e-6)
    assert target.log_size[0, 4, 2, 4].item() == pytest.approx(math.log(4 / 6), abs=1e-6)
    assert (target.heat == 1.0).sum() == 2


def test_the_order_of_boxes_does_not_matter() -> None:
    torch.manual_seed(0)
    low = torch.rand(6, 3) * 20 + 2
    boxes = torch.cat([low, low + 3 + torch.rand(6, 3) * 6], dim=1)
    one, other = encode_targets(boxes, GRID), encode_targets(boxes.flip(0), GRID)
    torch.testing.assert_close(one.heat, other.heat)
    torch.testing.assert_close(one.box_weight, other.box_weight)


def test_cells_under_ignored_boxes_carry_no_loss_but_a_centre_does() -> None:
    ignored = cube((10.0, 10.0, 9.0), 8.0)  # voxels 6 to 14, 5 to 13 along z
    target = encode_targets(cube((10.0, 10.0, 9.0), 4.0), GRID, ignore_boxes=ignored)
    assert (target.center_weight[0, 1:4, 1:4, 2:7] == 0).sum() == 3 * 3 * 5 - 1
    assert (target.center_weight == 0).sum() == 3 * 3 * 5 - 1
    assert target.center_weight[0, 2, 2, 4] == 1.0


def test_a_nodule_cut_off_by_the_border_is_ignored() -> None:
    target = encode_targets(cube((-1.0, 10.0, 9.0), 6.0), GRID)
    assert target.heat.max() == 0.0
    assert target.center_weight[0, 0, 2, 4] == 0.0
    assert target.center_weight[0, 1:].min() == 1.0


def test_a_box_wholly_off_the_grid_changes_nothing() -> None:
    target = encode_targets(cube((-50.0, 10.0, 9.0), 6.0), GRID, ignore_boxes=cube((500.0, 10.0, 9.0), 6.0))
    assert target.center_weight.min() == 1.0
    assert target.heat.max() == 0.0


def test_a_batch_stacks() -> None:
    batch = stack_targets([encode_targets(torch.empty(0, 6), GRID), encode_targets(cube((9.0, 9.0, 9.0), 4.0), GRID)])
    assert batch.heat.shape == (2, 1, *GRID)
    assert batch.heat[0].max() == 0.0
    assert batch.heat[1].max() == 1.0


def test_another_coder_is_honoured() -> None:
    target = encode_targets(cube((10.0, 10.0, 9.0), 4.0), GRID, BoxCoder((2, 2, 2), reference_voxels=4.0))
    assert target.heat[0, 5, 5, 4] == 1.0
    assert target.log_size[:, 5, 5, 4].tolist() == pytest.approx([0.0] * 3, abs=1e-6)


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        (torch.zeros(2, 4), r"\(N, 6\)"),
        (torch.tensor([[0.0, 0, 0, 4, 0, 4]]), "positive size"),
        (torch.tensor([[0.0, 0, 0, 4, float("nan"), 4]]), "finite"),
    ],
)
def test_wrong_boxes_are_refused(boxes: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encode_targets(boxes, GRID)
    with pytest.raises(ValueError, match=message):
        encode_targets(torch.empty(0, 6), GRID, ignore_boxes=boxes)
