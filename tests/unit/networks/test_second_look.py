"""The second stage: what it changes in the dense answer, and what it leaves."""

import pytest
import torch

from lungdet.detection import BoxCoder, decode
from lungdet.inferers import SlabStreamInferer
from lungdet.networks import NoduleDetector, TwoStageOutput
from lungdet.networks.blocks import SecondLook
from lungdet.networks.nets.nodule_detector import NO_CANDIDATE_LOGIT


class Seer(torch.nn.Module):
    """A second look that knows: the brightest voxel of a cube is the nodule, 6 voxels wide."""

    side = 8

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))

    def forward(self, cubes: torch.Tensor) -> torch.Tensor:
        flat = cubes.flatten(1)
        at = torch.stack(torch.unravel_index(flat.argmax(1), cubes.shape[2:]), dim=1)
        away = (at + 0.5 - self.side / 2) / torch.tensor([4.0, 4.0, 2.0])
        logit = torch.where(flat.amax(1) > 0.5, 8.0, -8.0)
        return torch.cat([logit[:, None], away, torch.zeros(len(cubes), 3)], dim=1)


def detector_with(second_look: torch.nn.Module, candidates: int = 5) -> NoduleDetector:
    torch.manual_seed(3)
    network = NoduleDetector(second_look=True, candidates=candidates).eval()
    network.second_look = second_look.eval()
    return network


def test_the_second_look_moves_the_box_onto_the_nodule() -> None:
    image = torch.zeros(1, 1, 32, 32, 16)
    image[0, 0, 13, 18, 9] = 1.0
    dense = torch.full((1, 7, 8, 8, 8), -3.0)
    dense[:, 1:] = 0
    dense[0, 0, 3, 4, 4], dense[0, 0, 6, 6, 6] = 0.0, 2.0  # near the nodule, and a false alarm that scores higher
    dense[0, 1:4, 3, 4, 4] = torch.tensor([0.3, -0.2, 0.4])
    refined = detector_with(Seer()).look_again(image, dense)
    boxes, scores = decode(refined)
    assert torch.allclose(boxes[0], torch.tensor([10.5, 15.5, 6.5, 16.5, 21.5, 12.5]))
    assert float(torch.logit(scores[0])) == pytest.approx((0.0 + 8.0) / 2)
    assert len(boxes) == 1, "the false alarm fell to (2 - 8) / 2"


def test_cells_that_are_no_candidates_are_silenced_and_the_input_is_kept() -> None:
    network = detector_with(SecondLook(), candidates=2)
    image, dense = torch.rand(2, 1, 32, 32, 16), torch.randn(2, 7, 8, 8, 8)
    before = dense.clone()
    with torch.no_grad():
        refined = network.look_again(image, dense)
    assert torch.equal(dense, before)
    assert ((refined[:, 0] > NO_CANDIDATE_LOGIT).flatten(1).sum(1) == 2).all()
    silent = (refined[:, :1] == NO_CANDIDATE_LOGIT).expand(-1, 7, -1, -1, -1)[:, 1:]
    assert torch.equal(refined[:, 1:][silent], dense[:, 1:][silent])


def test_streamed_and_whole_agree() -> None:
    network = detector_with(SecondLook(), candidates=500)  # all peaks, since many score alike
    image = torch.rand(1, 1, 48, 32, 24)
    with torch.no_grad():
        torch.testing.assert_close(SlabStreamInferer(chunk=4, look_ahead=99)(image, network), network(image))


def test_odd_sizes_are_taken() -> None:
    network = detector_with(SecondLook())
    assert SlabStreamInferer()(torch.rand(1, 1, 30, 21, 3), network).shape == (1, 7, 8, 6, 2)


def test_in_training_both_stages_answer_and_no_gradient_crosses() -> None:
    network = NoduleDetector(second_look=True, train_candidates=3).train()
    output = network(torch.rand(2, 1, 32, 32, 16))
    assert isinstance(output, TwoStageOutput)
    assert output.dense.shape == (2, 7, 8, 8, 8)
    assert output.centers.shape == (2, 3, 3)
    assert output.looks.shape == (2, 3, 7)
    output.looks.sum().backward()
    assert all(p.grad is None for name, p in network.named_parameters() if not name.startswith("second_look"))


def test_the_cube_is_centred_where_the_first_stage_points() -> None:
    network = detector_with(SecondLook())
    dense = torch.zeros(1, 7, 8, 8, 8)
    dense[0, 1:4, 2, 3, 4] = torch.tensor([0.25, -0.5, 0.5])
    index = torch.tensor([[2 * 64 + 3 * 8 + 4]])
    expected = BoxCoder().decode(torch.tensor([2, 3, 4]), dense[0, 1:4, 2, 3, 4], torch.zeros(3))
    assert torch.allclose(network._centers(dense, index)[0, 0], (expected[:3] + expected[3:]) / 2)


def test_odd_shapes_of_cubes_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 8"):
        SecondLook(side=20)
