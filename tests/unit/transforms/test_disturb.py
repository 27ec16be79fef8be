import pytest
import torch
from monai.data import MetaTensor

from lungdet.transforms import Disturb, Disturbd
from lungdet.transforms.disturb import DISTURBANCES


@pytest.fixture
def picture() -> MetaTensor:
    """``(1, 100, 100)`` of smooth greys from 0.2 to 0.8."""
    return MetaTensor(torch.linspace(0.2, 0.8, 10_000).reshape(1, 100, 100), meta={"filename_or_obj": "a.png"})


@pytest.mark.parametrize("name", DISTURBANCES)
def test_laws(name: str, picture: MetaTensor):
    kept = picture.clone()
    first, second = Disturb(name)(picture), Disturbd("image", name)({"image": picture, "label": 1})["image"]
    assert torch.equal(first, second)
    assert first.shape == picture.shape
    assert 0 <= first.min() <= first.max() <= 1
    assert first.meta["filename_or_obj"] == "a.png"
    assert torch.equal(picture, kept)
    assert torch.equal(first, picture) == (name == "none")
    assert Disturb(name)(torch.zeros(1, 1, 1)).shape == (1, 1, 1)
    assert Disturb(name)(torch.zeros(1, 0, 0)).shape == (1, 0, 0)


def test_by_hand(picture: MetaTensor):
    assert torch.allclose(Disturb("inversion")(picture), 1 - picture)
    assert (Disturb("collimation_40")(picture) == 0).sum() / picture.numel() == pytest.approx(0.4, abs=0.02)
    assert len(Disturb("levels_64")(picture).unique()) == 38  # of 63 steps, 12.6 to 50.4
    assert (Disturb("burned_in_text")(picture) == 1).sum() > 200
    assert Disturb("low_exposure")(picture).mean() < 0.6 * picture.mean()
    there_and_back = Disturb("quarter_turn_left")(Disturb("quarter_turn_right")(picture))
    assert torch.equal(there_and_back, picture)


def test_unknown_name():
    with pytest.raises(ValueError, match=r"no disturbance 'fog'; there are none, inversion"):
        Disturb("fog")
