import pytest
import torch

from lungdet.geometry import recist

ROW = torch.tensor([[[100.0, 50.0], [112.0, 66.0], [103.0, 61.5], [109.0, 53.5]]])
BOX = torch.tensor([[95.0, 45.0, 117.0, 71.0]])


def test_box_as_deeplesion_draws_it():
    assert torch.equal(recist.recist_to_box(ROW, margin_px=recist.DEEPLESION_MARGIN_PX), BOX)


def test_box_holds_every_endpoint():
    marks = torch.rand(50, 4, 2, generator=torch.Generator().manual_seed(0)) * 512
    x0, y0, x1, y1 = recist.recist_to_box(marks).unbind(dim=1)
    assert (marks[..., 0] >= x0[:, None]).all()
    assert (marks[..., 0] <= x1[:, None]).all()
    assert (marks[..., 1] >= y0[:, None]).all()
    assert (marks[..., 1] <= y1[:, None]).all()


def test_order_of_the_ends_does_not_matter():
    assert torch.equal(recist.recist_to_box(ROW[:, [3, 1, 0, 2]], 5), recist.recist_to_box(ROW, 5))


def test_margin_in_mm_depends_on_the_spacing():
    tight = recist.recist_to_box(ROW)
    wide = recist.recist_to_box(ROW, margin_px=1, margin_mm=4, spacing_mm=(0.5, 0.8))
    assert torch.allclose(wide - tight, torch.tensor([[-9.0, -6, 9, 6]]), atol=1e-4)
    each = recist.recist_to_box(ROW.repeat(2, 1, 1), margin_mm=4, spacing_mm=torch.tensor([[0.5, 0.5], [1.0, 1.0]]))
    assert torch.allclose(each[:, 2] - tight[:, 2], torch.tensor([8.0, 4.0]), atol=1e-4)


def test_margin_in_mm_needs_a_spacing():
    with pytest.raises(ValueError, match="spacing_mm"):
        recist.recist_to_box(ROW, margin_mm=1)


def test_depth():
    box = recist.recist_to_box_3d(BOX, torch.tensor([[103, 116]]))
    assert torch.allclose(box, torch.tensor([[95.0, 45, 103, 117, 71, 116]]))


@pytest.mark.parametrize("ranges", [torch.tensor([[5, 5]]), torch.tensor([[6, 5]])])
def test_depth_must_rise(ranges):
    with pytest.raises(ValueError, match="must rise"):
        recist.recist_to_box_3d(BOX, ranges)


def test_depth_must_fit():
    with pytest.raises(ValueError, match="ranges"):
        recist.recist_to_box_3d(BOX, torch.zeros(2, 2))
    with pytest.raises(ValueError, match="boxes"):
        recist.recist_to_box_3d(torch.zeros(1, 6), torch.zeros(1, 2))


def test_diameters():
    assert torch.allclose(recist.recist_diameters(ROW), torch.tensor([[20.0, 10.0]]))
    assert torch.allclose(recist.recist_diameters(ROW, (0.5, 0.5)), torch.tensor([[10.0, 5.0]]))


def test_diameters_keep_their_order():
    swapped = recist.recist_diameters(ROW[:, [2, 3, 0, 1]])
    assert swapped[0, 0] < swapped[0, 1]


def test_first_pixel_counted_from_one():
    assert recist.one_based_to_edge(torch.tensor([[1.0, 512.0]])).tolist() == [[0.5, 511.5]]


def test_no_marks():
    none = torch.empty(0, 4, 2)
    assert recist.recist_to_box(none).shape == (0, 4)
    assert recist.recist_to_box(none, margin_mm=1, spacing_mm=(1, 1)).shape == (0, 4)
    assert recist.recist_to_box_3d(torch.empty(0, 4), torch.empty(0, 2)).shape == (0, 6)
    assert recist.recist_diameters(none, (1, 1)).shape == (0, 2)


@pytest.mark.parametrize("shape", [(4, 2), (3, 8), (2, 4, 3), (2, 2, 2)])
def test_other_shapes_are_refused(shape):
    for function in (recist.recist_to_box, recist.recist_diameters):
        with pytest.raises(ValueError, match=r"\(N, 4, 2\), got .*put a single mark in a list"):
            function(torch.zeros(shape))
