import pytest
import torch

from lungdet.geometry.burned_in_text import LETTERS, SIDE_MARKS, burn_in_text, text_mask
from lungdet.geometry.picture_damage import collimate, cut_out, expose, invert_picture, quantise, quarter_turn


def noise(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def test_inverting_twice():
    assert torch.allclose(invert_picture(invert_picture(noise(1, 4, 4))), noise(1, 4, 4))


def test_four_quarter_turns():
    turned = picture = noise(2, 5, 5)
    for _ in range(4):
        turned = quarter_turn(turned, 1)
    assert torch.equal(turned, picture)
    assert quarter_turn(torch.tensor([[[1.0, 2.0], [3.0, 4.0]]]), 1).tolist() == [[[2, 4], [1, 3]]]
    assert quarter_turn(noise(1, 3, 5), 2).shape == (1, 3, 5)


def test_a_quarter_turn_needs_a_square():
    with pytest.raises(ValueError, match=r"3 x 5.*FitPictured"):
        quarter_turn(noise(1, 3, 5), 1)


def test_collimate_by_hand():
    blanked = collimate(torch.ones(1, 10, 10), (0.1, 0.2, 0.3, 0.49), 0.25)
    assert (blanked == 1).sum() == 7 * 3
    assert (blanked[0, 1:8, 3:6] == 1).all()
    assert torch.equal(collimate(torch.ones(1, 1, 1), (0.4, 0.4, 0.4, 0.4)), torch.ones(1, 1, 1))


@pytest.mark.parametrize("share", [-0.1, 0.5])
def test_collimating_all_is_refused(share: float):
    with pytest.raises(ValueError, match="shares"):
        collimate(torch.ones(1, 4, 4), (0, 0, share, 0))


def test_cut_out_by_hand():
    covered = cut_out(torch.zeros(1, 4, 4), (0.25, 0.75, 0.0, 0.5), 1.0)
    assert covered.sum() == 4
    assert (covered[0, 1:3, :2] == 1).all()


def test_expose_by_hand():
    picture = torch.tensor([[[0.0, 0.5, 1.0]]])
    assert expose(picture, gamma=2, gain=2, offset=-0.25).flatten().tolist() == pytest.approx([0, 0.25, 1])
    assert torch.equal(expose(picture), picture)


def test_grain_is_stronger_in_bone_and_repeats():
    picture = torch.cat([torch.full((1, 200, 200), 0.4), torch.full((1, 200, 200), 0.6)])
    grainy = expose(picture, noise=0.05, seed=7)
    dark, bright = (grainy - picture).std(dim=(1, 2)).tolist()
    assert (dark, bright) == (pytest.approx(0.035, rel=0.03), pytest.approx(0.04, rel=0.03))
    assert torch.equal(grainy, expose(picture, noise=0.05, seed=7))
    assert not torch.equal(grainy, expose(picture, noise=0.05, seed=8))


def test_quantise():
    assert len(quantise(noise(1, 90, 90), 64).unique()) == 64
    assert (quantise(noise(1, 9, 9), 64) - noise(1, 9, 9)).abs().max() <= 0.5 / 63 + 1e-6
    with pytest.raises(ValueError, match="2 levels"):
        quantise(noise(1, 2, 2), 1)


def test_letters_differ_and_scale():
    masks = {letter: text_mask(letter) for letter in LETTERS}
    assert all(mask.shape == (7, 5) for mask in masks.values())
    assert len({tuple(mask.flatten().tolist()) for mask in masks.values()}) == len(LETTERS)
    assert set(SIDE_MARKS) < set(LETTERS)
    assert torch.equal(text_mask("A5", 3)[::3, ::3], text_mask("A5"))
    assert text_mask("").shape == (7, 0)


@pytest.mark.parametrize(("text", "scale"), [("a", 1), ("A", 0)])
def test_unknown_letters_are_refused(text: str, scale: int):
    with pytest.raises(ValueError, match="wanted letters"):
        text_mask(text, scale)


def test_text_is_cut_at_the_edge():
    picture = torch.zeros(1, 20, 20)
    written = burn_in_text(picture, "TT", (0.9, 0.8), 0.5)
    assert written.shape == picture.shape
    assert written[0, 18, 16:].tolist() == [1, 1, 1, 1]
    assert not picture.any()
    assert burn_in_text(torch.zeros(1, 1, 1), "T", (0, 0), 1.0).item() == 1
    assert burn_in_text(torch.zeros(1, 3, 3), "T", (1.0, 1.0), 1.0).sum() == 0
