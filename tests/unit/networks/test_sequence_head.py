import pytest
import torch

from lungdet.networks import NoduleDetector
from lungdet.networks.blocks import SequenceHead


def test_a_cell_names_its_boxes_in_turn() -> None:
    head = SequenceHead(8, channels=4, steps=5).eval()
    assert head.out_channels == 35
    assert head(torch.rand(2, 8, 16, 12)).shape == (2, 35, 4, 3)


def test_the_memory_makes_the_steps_differ() -> None:
    torch.manual_seed(0)
    head = SequenceHead(8, channels=4).eval()
    torch.nn.init.normal_(head.box.weight)
    first, second, third = head(torch.rand(1, 8, 8, 8)).chunk(3, dim=1)
    assert not torch.allclose(first, second, atol=1e-3)
    assert not torch.allclose(second, third, atol=1e-3)


def test_more_steps_begin_like_fewer() -> None:
    head = SequenceHead(8, channels=4, steps=4).eval()
    features = torch.rand(1, 8, 8, 8)
    four = head(features)
    head.steps = 2
    torch.testing.assert_close(head(features), four[:, :14])


def test_every_box_starts_at_the_prior() -> None:
    scores = torch.sigmoid(SequenceHead(8, prior=0.02).eval()(torch.rand(1, 8, 8, 8)).unflatten(1, (3, 7))[:, :, 0])
    torch.testing.assert_close(scores, torch.full_like(scores, 0.02), atol=5e-3, rtol=0)


def test_no_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="steps"):
        SequenceHead(8, steps=0)


def small(**options: object) -> NoduleDetector:
    torch.manual_seed(0)
    return NoduleDetector(channels=(4, 8, 8, 8), feature_channels=8, hidden_channels=4, head="sequence", **options)


def test_the_detector_answers_on_a_coarse_grid() -> None:
    network = small(steps=2)
    assert network(torch.rand(2, 1, 32, 16, 12)).shape == (2, 14, 2, 1, 6)
    assert (network.stride_xyz, network.out_channels) == ((16, 16, 2), 14)
    assert (NoduleDetector.stride_xyz, NoduleDetector.out_channels) == ((4, 4, 2), 7)


def test_gradients_reach_every_weight() -> None:
    network = small()
    network(torch.rand(2, 1, 32, 16, 6)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_the_second_look_is_for_the_dense_head() -> None:
    with pytest.raises(ValueError, match="second_look"):
        small(second_look=True)


def test_an_unknown_head_is_refused() -> None:
    with pytest.raises(ValueError, match="'anchors'"):
        NoduleDetector(head="anchors")
