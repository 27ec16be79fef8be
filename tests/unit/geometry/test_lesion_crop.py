"""Pieces of a slice at a fixed size in mm."""

import pytest
import torch

from lungdet.geometry.lesion_crop import crop_at_mm, tone_hu


def gradient(rows: int, columns: int) -> torch.Tensor:
    """Two channels: the x and the y of each pixel's centre, in the edge frame."""
    y, x = torch.meshgrid(torch.arange(rows) + 0.5, torch.arange(columns) + 0.5, indexing="ij")
    return torch.stack([x, y])


@pytest.mark.parametrize(("spacing", "side_mm"), [((0.5, 0.5), 16.0), ((0.8, 0.8), 64.0), ((2.0, 1.0), 30.0)])
def test_places_are_where_they_should_be(spacing: tuple[float, float], side_mm: float):
    crop = crop_at_mm(gradient(200, 220), (101.3, 93.8), spacing, side_mm, 10)
    offsets = (torch.arange(10) + 0.5) * side_mm / 10 - side_mm / 2
    assert torch.allclose(crop[0, 4], 101.3 + offsets / spacing[0], atol=1e-3)
    assert torch.allclose(crop[1, :, 7], 93.8 + offsets / spacing[1], atol=1e-3)


def test_shrinking_keeps_the_mean_of_grain():
    grain = torch.randn(1, 256, 256, generator=torch.Generator().manual_seed(0))
    crop = crop_at_mm(grain, (128, 128), (1, 1), 192, 32)  # six pixels wide
    assert float(crop.std()) < 1.3 / 6


def test_outside_is_the_fill():
    crop = crop_at_mm(torch.full((1, 8, 8), 40.0), (0, 0), (1, 1), 8, 8, fill=-1000)
    assert (crop[0, :3] == -1000).all()
    assert torch.allclose(crop[0, 4:, 4:], torch.tensor(40.0))


def test_tones_rise_and_end_at_zero_and_one():
    tones = tone_hu(torch.tensor([-3000.0, -1000, -500, -160, 0, 100, 240, 700, 1000, 3000]))
    assert tones[0] == tones[1] == 0
    assert tones[-2] == tones[-1] == 1
    assert (tones[1:-1].diff() > 0).all()


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="sizes must be positive"):
        crop_at_mm(torch.zeros(1, 4, 4), (2, 2), (0, 1), 4, 4)
    with pytest.raises(ValueError, match="floating point"):
        crop_at_mm(torch.zeros(1, 4, 4, dtype=torch.int16), (2, 2), (1, 1), 4, 4)
    with pytest.raises(ValueError, match="at least one window"):
        tone_hu(torch.zeros(3), [])
