import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Flipd

from lungdet.geometry.recist_ellipse import recist_ellipse_mask
from lungdet.transforms import RecistToEllipseMask, RecistToEllipseMaskd

MARK = torch.tensor([[[3.0, 8.0], [13.0, 8.0], [8.0, 5.0], [8.0, 11.0]]])
OTHER = MARK + torch.tensor([4.0, 2.0])


@pytest.mark.parametrize(("origin", "shift"), [("edge", 0.0), ("voxel", 0.5), ("one_based", -0.5)])
def test_frames_of_the_marks(origin, shift):
    mask = RecistToEllipseMask(origin)(MARK.reshape(1, 8), (20, 18))
    assert mask.shape == (1, 20, 18)
    assert mask.dtype == torch.uint8
    assert torch.equal(mask[0] > 0, torch.from_numpy(recist_ellipse_mask(MARK[0].numpy() + shift, (20, 18))))


def test_instances_are_numbered_and_the_last_is_on_top():
    marks = torch.cat([MARK, OTHER])
    numbered = RecistToEllipseMask("edge", instances=True)(marks, (24, 20))
    assert numbered.unique().tolist() == [0, 1, 2]
    assert torch.equal(numbered > 0, RecistToEllipseMask("edge")(marks, (24, 20)) > 0)
    assert torch.equal(numbered == 2, RecistToEllipseMask("edge")(OTHER, (24, 20)) > 0)


def test_volume_takes_a_slice_for_each_mark(item):
    item.update(recist=torch.cat([MARK, OTHER]), slice=torch.tensor([2, 13]))
    out = Compose([RecistToEllipseMaskd("recist", slice_key="slice", origin="edge")])(item)
    mask = out["mask"]
    assert isinstance(mask, MetaTensor)
    assert torch.equal(mask.affine, item["image"].affine)
    assert mask.shape == item["image"].shape
    assert mask.sum(dim=(0, 1, 2)).nonzero().flatten().tolist() == [2, 13]
    flipped = Flipd(["image", "mask"], 0)(out)
    assert torch.equal(flipped["mask"].affine, flipped["image"].affine)


def test_no_marks_give_an_empty_mask():
    out = RecistToEllipseMaskd("a", "m", "i")({"a": [], "i": torch.zeros(1, 5, 6)})
    assert out["m"].shape == (1, 5, 6)
    assert out["m"].sum() == 0
    assert "m" not in RecistToEllipseMaskd("a", "m", "i", allow_missing_keys=True)({"i": torch.zeros(1, 5, 6)})


def test_mistakes():
    with pytest.raises(ValueError, match="origin"):
        RecistToEllipseMask("center")
    with pytest.raises(ValueError, match="one key"):
        RecistToEllipseMaskd(["a", "b"])
    with pytest.raises(ValueError, match="each mark needs a slice"):
        RecistToEllipseMask()(MARK, (5, 5, 5))
    with pytest.raises(ValueError, match="count from 0"):
        RecistToEllipseMask()(MARK, (5, 5, 5), [5])
