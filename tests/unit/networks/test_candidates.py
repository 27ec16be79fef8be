"""Candidates of the second look: where they are found, and what is cut out around them."""

import pytest
import torch

from lungdet.networks.blocks import cell_centers, cut_cubes, peak_logits, to_channels_last, top_cells


def test_peaks_are_the_greatest_of_their_neighbourhood() -> None:
    logits = torch.zeros(1, 5, 5, 5)
    logits[0, 1, 1, 1], logits[0, 1, 2, 1], logits[0, 4, 4, 4] = 3.0, 2.0, 1.0
    peaks = peak_logits(logits)
    assert peaks[0, 1, 1, 1] == 3
    assert peaks[0, 1, 2, 1] == -torch.inf
    assert peaks[0, 4, 4, 4] == 1


def test_an_even_neighbourhood_is_refused() -> None:
    with pytest.raises(ValueError, match="odd"):
        peak_logits(torch.zeros(1, 2, 2, 2), 2)


def test_the_highest_peaks_come_first_and_the_rest_is_marked() -> None:
    logits = torch.full((2, 3, 3, 3), -torch.inf)
    logits[0, 0, 0, 0], logits[0, 2, 2, 2] = 1.0, 2.0
    logits[1, 1, 1, 1] = 4.0
    index, is_peak = top_cells(logits, 3)
    assert index[0, :2].tolist() == [26, 0]
    assert index[1, 0] == 13
    assert is_peak.tolist() == [[True, True, False], [True, False, False]]


def test_a_small_grid_gives_fewer() -> None:
    index, _ = top_cells(torch.zeros(1, 1, 2, 2), 100)
    assert index.shape == (1, 4)


def test_centres_of_cells_worked_by_hand() -> None:
    # flat index 2*3*1 + ... of a (2, 3, 4) grid: cell (1, 2, 3) is 1*12 + 2*4 + 3 = 23
    assert cell_centers(torch.tensor([[0, 23]]), (2, 3, 4), (4, 4, 2)).tolist() == [[[2.0, 2.0, 1.0], [6.0, 10.0, 7.0]]]


def test_a_cube_holds_the_voxels_around_its_centre() -> None:
    image = torch.arange(10.0 * 10 * 10).view(1, 1, 10, 10, 10)
    cubes, centers = cut_cubes(image, torch.tensor([[[5.0, 4.0, 6.2]]]), 4)
    assert centers.tolist() == [[[5.0, 4.0, 6.0]]]
    assert torch.equal(cubes[0, 0], image[0, :, 3:7, 2:6, 4:8])


def test_beyond_the_border_the_edge_is_repeated() -> None:
    image = torch.rand(1, 2, 6, 6, 6)
    cubes, centers = cut_cubes(image, torch.tensor([[[0.0, 3.0, 99.0]]]), 4)
    assert centers[0, 0].tolist() == [0.0, 3.0, 99.0]
    assert torch.equal(cubes[0, 0, :, 0], cubes[0, 0, :, 1])
    assert torch.equal(cubes[0, 0, :, :, :, 0], cubes[0, 0, :, :, :, 3])
    assert torch.equal(cubes[0, 0, :, 2, 0, 0], image[0, :, 0, 1, 5])


def test_weights_go_channels_last_in_2d_and_3d_at_once() -> None:
    network = to_channels_last(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Conv3d(4, 5, 3)))
    assert network[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert network[1].weight.is_contiguous(memory_format=torch.channels_last_3d)
