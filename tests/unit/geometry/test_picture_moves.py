import numpy as np
import pytest
import torch
from scipy.ndimage import affine_transform

from lungdet.geometry.picture_moves import PictureMove, move_picture


@pytest.fixture
def picture() -> torch.Tensor:
    """A smooth blob off the centre, ``(1, 40, 30)``."""
    rows, columns = torch.meshgrid(torch.arange(40.0), torch.arange(30.0), indexing="ij")
    return torch.exp(-((rows - 12) ** 2 / 30 + (columns - 20) ** 2 / 12))[None]


def place(picture: torch.Tensor) -> tuple[float, float]:
    """Centre of mass from the picture's centre: down and right."""
    weights = picture[0] / picture.sum()
    rows = (weights.sum(1) * torch.arange(picture.shape[1])).sum() - (picture.shape[1] - 1) / 2
    columns = (weights.sum(0) * torch.arange(picture.shape[2])).sum() - (picture.shape[2] - 1) / 2
    return float(rows), float(columns)


def test_nothing_moves_nothing(picture: torch.Tensor):
    assert torch.allclose(move_picture(picture, PictureMove()), picture, atol=1e-5)


def test_mirror_is_exact(picture: torch.Tensor):
    assert torch.allclose(move_picture(picture, PictureMove(mirror=True)), picture.flip(-1), atol=1e-5)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns_agree_with_rot90(turns: int):
    square = torch.rand(1, 9, 9, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(
        move_picture(square, PictureMove(degrees=90 * turns)), torch.rot90(square, turns, (1, 2)), atol=1e-4
    )


def test_shift_by_whole_pixels(picture: torch.Tensor):
    moved = move_picture(picture, PictureMove(down=3 / 40, right=-2 / 30), fill="zeros")
    assert torch.allclose(moved[:, 3:, :-2], picture[:, :-3, 2:], atol=1e-5)
    assert (moved[:, :2].abs() < 1e-5).all()


def test_direction_of_scale_aspect_and_shear(picture: torch.Tensor):
    down, right = place(picture)
    for move, wanted in (
        (PictureMove(scale=1.2), (down * 1.2, right * 1.2)),
        (PictureMove(aspect=1.21), (down / 1.1, right * 1.1)),
        (PictureMove(shear=0.3), (down, right + 0.3 * down)),
        (PictureMove(degrees=20), _turned(down, right, 20)),
    ):
        assert place(move_picture(picture, move)) == pytest.approx(wanted, abs=0.25), move


def _turned(down: float, right: float, degrees: float) -> tuple[float, float]:
    """Anti-clockwise on the screen."""
    point = complex(right, -down) * np.exp(1j * np.radians(degrees))
    return -point.imag, point.real


def test_agrees_with_scipy(picture: torch.Tensor):
    move = PictureMove(degrees=11, scale=1.1, aspect=1.05, shear=0.04, down=0.03, right=-0.05, mirror=True)
    moved = move_picture(picture, move)[0].numpy()
    back = move.to_source(40, 30)
    half = np.array([15.0, 20.0])  # x, y
    linear = np.diag(half) @ back[:, :2] @ np.diag(1 / half)
    offset = half * back[:, 2]
    centre = half - 0.5
    swap = np.array([[0, 1], [1, 0]])  # scipy counts rows first
    theirs = affine_transform(
        picture[0].numpy(), swap @ linear @ swap, swap @ (centre + offset - linear @ centre), order=1, mode="nearest"
    )
    assert np.abs(moved - theirs).max() < 1e-4


def test_range_is_kept_and_one_pixel_survives():
    move = PictureMove(degrees=30, scale=0.5, shear=0.5)
    assert move_picture(torch.full((1, 1, 1), 0.3), move).item() == pytest.approx(0.3)
    noise = torch.rand(1, 7, 5, generator=torch.Generator().manual_seed(2))
    for fill in ("border", "zeros"):
        moved = move_picture(noise, move, fill)
        assert moved.shape == noise.shape
        assert 0 <= moved.min() <= moved.max() <= 1


@pytest.mark.parametrize("field", ["scale", "aspect"])
def test_no_size_is_refused(field: str):
    with pytest.raises(ValueError, match="above 0"):
        PictureMove(**{field: 0.0})
