import math

import pytest
import torch

from lungdet.detection import BoxCoder
from lungdet.networks import NoduleDetector


def test_a_box_by_hand() -> None:
    box = torch.tensor([[8.0, 9.0, 3.0, 14.0, 15.0, 9.0]])  # centre (11, 12, 6), side 6
    cells = BoxCoder().cells_of(box)
    assert cells.tolist() == [[2, 3, 3]]  # cell centres at (10, 14, 7)
    offset, log_size = BoxCoder().encode(box, cells)
    torch.testing.assert_close(offset, torch.tensor([[0.25, -0.5, -0.5]]))
    torch.testing.assert_close(log_size, torch.zeros(1, 3))


def test_sizes_are_coded_by_their_logarithm() -> None:
    box = torch.tensor([[0.0, 0.0, 0.0, 6.0, 12.0, 3.0]])
    log_size = BoxCoder().encode(box, torch.zeros(1, 3))[1]
    torch.testing.assert_close(log_size, torch.tensor([[0.0, math.log(2), -math.log(2)]]))


def test_coding_and_decoding_gives_the_box_back_from_any_cell() -> None:
    torch.manual_seed(0)
    low = torch.rand(200, 3) * 200
    boxes = torch.cat([low, low + 1 + torch.rand(200, 3) * 40], dim=1)
    cells = torch.randint(0, 60, (200, 3))
    coder = BoxCoder()
    torch.testing.assert_close(coder.decode(cells, *coder.encode(boxes, cells)), boxes, atol=1e-4, rtol=0)


def test_the_centre_lies_within_its_cell() -> None:
    torch.manual_seed(0)
    low = torch.rand(200, 3) * 200
    boxes = torch.cat([low, low + 5], dim=1)
    coder = BoxCoder()
    offset = coder.encode(boxes, coder.cells_of(boxes))[0]
    assert (offset >= -0.5).all()
    assert (offset < 0.5).all()


def test_wild_sizes_stay_finite() -> None:
    box = BoxCoder().decode(torch.zeros(1, 3), torch.zeros(1, 3), torch.full((1, 3), 1e6))
    assert torch.isfinite(box).all()


def test_no_boxes() -> None:
    assert BoxCoder().cells_of(torch.empty(0, 6)).shape == (0, 3)


def test_the_default_stride_is_that_of_the_network() -> None:
    assert BoxCoder().stride_xyz == NoduleDetector.stride_xyz


def test_a_stride_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        BoxCoder(stride_xyz=(4, 0, 2))
