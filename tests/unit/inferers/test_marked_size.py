"""The size of a mark in a lesion's vector."""

import math

import pytest
import torch

from lungdet.inferers import MarkedSizeInferer


def marked(side_px: float, scale: float = 1.0) -> torch.Tensor:
    crops = torch.zeros(1, 6, 64, 64)
    crops[0, 5, 10 : 10 + int(side_px), 10 : 10 + int(side_px)] = scale
    return crops


def network(crops: torch.Tensor) -> torch.Tensor:
    return torch.ones(len(crops), 3)


def test_four_times_as_wide_is_one_weight_away():
    infer = MarkedSizeInferer(size_weight=0.7, pixel_mm=2.0)
    small, large = infer(marked(4), network), infer(marked(16), network)
    assert small.shape == (1, 4)
    assert float((large - small).norm()) == pytest.approx(0.7, abs=1e-5)


def test_the_pixel_size_counts_and_part_of_a_pixel_too():
    coarse, fine = MarkedSizeInferer(pixel_mm=6.0), MarkedSizeInferer(pixel_mm=3.0)
    assert torch.allclose(coarse(marked(4), network), fine(marked(8), network), atol=1e-6)
    assert torch.allclose(coarse(marked(8, 0.25), network), coarse(marked(4), network), atol=1e-6)


def test_twenty_mm_are_zero():
    side = 20 * math.sqrt(math.pi / 4) / 8
    assert float(MarkedSizeInferer(pixel_mm=side)(marked(8), network)[0, -1]) == pytest.approx(0, abs=1e-6)


def test_no_weight_appends_nothing_and_no_mark_is_finite():
    assert MarkedSizeInferer(size_weight=0.0)(marked(4), network).shape == (1, 3)
    assert torch.isfinite(MarkedSizeInferer()(torch.zeros(2, 6, 32, 32), network)).all()


def test_bad_arguments():
    with pytest.raises(ValueError, match="size_weight of 0 or more"):
        MarkedSizeInferer(size_weight=-1)
    with pytest.raises(ValueError, match="dtype must be"):
        MarkedSizeInferer("int8")
