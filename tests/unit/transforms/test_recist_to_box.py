import numpy as np
import pytest
import torch
from monai.transforms import Compose

from lungdet.transforms import RecistToBox, RecistToBoxd

MARK = torch.tensor([[[10.0, 20.0], [16.0, 28.0], [11.0, 26.0], [14.0, 22.0]]])  # axes of 10 and 5 pixels


@pytest.mark.parametrize(("origin", "shift"), [("edge", 0), ("voxel", 0.5), ("one_based", -0.5)])
def test_frames_of_the_marks(origin, shift):
    box = RecistToBox(margin_px=1, origin=origin)(MARK)
    assert box.tolist() == [[9 + shift, 19 + shift, 17 + shift, 29 + shift]]


@pytest.mark.parametrize(
    "make", [lambda marks: marks, lambda marks: marks.reshape(1, 8), np.asarray, lambda marks: marks.tolist()]
)
def test_what_marks_may_be(make):
    box = RecistToBox(origin="edge")(make(MARK))
    assert isinstance(box, torch.Tensor)
    assert box.tolist() == [[10, 20, 16, 28]]


def test_depth_and_margin_in_mm():
    box = RecistToBox(margin_mm=2, origin="edge")(MARK, spacing_mm=(0.5, 1), slice_ranges=[[3, 6]])
    assert box.tolist() == [[6, 18, 3, 20, 30, 6]]


def test_dictionary_takes_the_spacing_of_the_image(item):
    item.update(recist=MARK, slices=[[3, 6]])
    to_box = RecistToBoxd(
        "recist", margin_mm=1.4, origin="edge", ref_image_key="image", slice_range_key="slices", diameter_key="mm"
    )
    out = Compose([to_box])(item)
    assert torch.allclose(out["box"], torch.tensor([[8.0, 18.25, 3, 18, 29.75, 6]]))
    expected = [[np.hypot(6 * 0.7, 8 * 0.8), np.hypot(3 * 0.7, 4 * 0.8)]]
    assert torch.allclose(out["mm"], torch.tensor(expected, dtype=torch.float32))
    assert out["recist"] is MARK


def test_several_keys():
    out = RecistToBoxd(
        ["a", "b", "c"], ["box_a", "box_b", "box_c"], diameter_key=["px_a", "px_b", "px_c"], allow_missing_keys=True
    )({"a": MARK, "b": []})
    assert out["px_a"].tolist() == [[10, 5]]
    assert out["box_b"].shape == (0, 4)
    assert out["px_b"].shape == (0, 2)
    assert "box_c" not in out


def test_no_marks_with_a_depth():
    assert RecistToBox(margin_mm=1)([], (1, 1), []).shape == (0, 6)


def test_mistakes():
    with pytest.raises(ValueError, match="origin"):
        RecistToBox(origin="center")
    with pytest.raises(ValueError, match="needs one key for each of the 2 keys"):
        RecistToBoxd(["a", "b"], "box")
    with pytest.raises(ValueError, match="spacing_mm"):
        RecistToBoxd("a", margin_mm=1)({"a": MARK})
    with pytest.raises(ValueError, match="without affine"):
        RecistToBoxd("a", ref_image_key="image")({"a": MARK, "image": torch.zeros(1, 2, 2, 2)})
    with pytest.raises(KeyError, match="a"):
        RecistToBoxd("a")({})
