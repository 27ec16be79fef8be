"""Scoring the slices of a volume."""

import numpy as np
import pytest
import torch
from torch import nn

from lungdet.inferers import SliceScorer, StackInferer, score_slices
from lungdet.records import CTVolume, SeriesInfo


class MeanNetwork(nn.Module):
    """Scores a slice by its mean: what it says can be worked out by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.none = nn.Parameter(torch.zeros(1))

    def forward(self, slices: torch.Tensor) -> torch.Tensor:
        return slices.mean(dim=(1, 2, 3))[:, None] + self.none


def ramp(step_mm: float = 5.0, slices: int = 7) -> CTVolume:
    """Slices of one HU each, falling towards the head as the last axis rises with ``step_mm`` > 0."""
    hu = np.linspace(0, -600, slices, dtype=np.float32)
    array = np.broadcast_to(hu, (16, 16, slices)).copy()
    return CTVolume(array, np.diag([2.0, 2.0, step_mm, 1.0]), SeriesInfo("ramp"))


def test_scores_come_in_the_order_of_the_slices():
    found = score_slices(MeanNetwork(), ramp(), side=32, pixel_mm=None, low_hu=-1000, high_hu=0, centred=False)
    assert found == pytest.approx(np.linspace(1.0, 0.4, 7), abs=1e-5)
    assert found.dtype == np.float64


def test_a_volume_upside_down_or_on_its_side_has_the_same_scores():
    volume = ramp()
    wanted = score_slices(MeanNetwork(), volume)
    flipped = CTVolume(volume.array, np.diag([2.0, 2.0, -5.0, 1.0]), volume.info)
    assert score_slices(MeanNetwork(), flipped) == pytest.approx(wanted, abs=1e-5)
    sideways = CTVolume(volume.array.transpose(2, 0, 1), volume.affine_lps[:, [2, 0, 1, 3]], volume.info)
    assert score_slices(MeanNetwork(), sideways) == pytest.approx(wanted, abs=1e-5)


def test_any_choice_of_slices_and_any_batch_scores_the_same():
    volume = ramp()
    whole = SliceScorer(batch_size=2)(MeanNetwork(), volume)
    affine = volume.affine_lps.copy()
    affine[2, 2] *= 3
    part = SliceScorer(batch_size=32)(MeanNetwork(), CTVolume(volume.array[:, :, ::3], affine, volume.info))
    assert part == pytest.approx(whole[::3], abs=1e-6)


def test_oblique_volumes_and_settings_are_refused():
    turn = np.eye(4)
    turn[:3, :3] = [[2, 0, 0], [0, 1.4, -1.4], [0, 1.4, 1.4]]
    with pytest.raises(ValueError, match="axial"):
        score_slices(MeanNetwork(), CTVolume(np.zeros((4, 4, 4)), turn, SeriesInfo("oblique")))
    with pytest.raises(ValueError, match="window must rise"):
        SliceScorer(low_hu=100.0, high_hu=0.0)


def test_stacks_are_scored_slice_by_slice():
    stacks = torch.rand(3, 5, 1, 8, 8)
    expected = stacks.mean(dim=(2, 3, 4))
    assert torch.allclose(StackInferer()(stacks, MeanNetwork()), expected, atol=1e-6)
    assert torch.allclose(StackInferer(most=4)(stacks, MeanNetwork()), expected, atol=1e-6)
