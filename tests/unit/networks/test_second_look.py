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


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16, torch.uint8, torch.int16])
def test_every_data_type_is_taken(dtype: torch.dtype) -> None:
    network = detector_with(SecondLook())
    image = (torch.rand(1, 1, 32, 32, 8, generator=torch.Generator().manual_seed(0)) * 4).to(dtype)
    streamed = SlabStreamInferer()(image, network)
    assert streamed.dtype == torch.float32
    torch.testing.assert_close(streamed, SlabStreamInferer()(image.float(), network))


def test_a_network_of_doubles_is_taken() -> None:
    network = detector_with(SecondLook()).double()
    with torch.no_grad():
        assert network(torch.rand(1, 1, 32, 32, 8).double()).dtype == torch.float64


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_image_network_and_answer_may_lie_on_two_devices() -> None:
    network = detector_with(SecondLook())
    image, dense = torch.rand(2, 1, 32, 32, 16), torch.randn(2, 7, 8, 8, 8)
    with torch.no_grad():
        wanted = network.look_again(image, dense)
        network = network.cuda()
        for image_at, dense_at in (("cpu", "cpu"), ("cuda", "cpu"), ("cpu", "cuda"), ("cuda", "cuda")):
            refined = network.look_again(image.to(image_at), dense.to(dense_at))
            assert refined.device.type == dense_at
            torch.testing.assert_close(refined.cpu(), wanted, atol=2e-3, rtol=0)
        assert SlabStreamInferer()(image, network).device.type == "cpu"


def odd_scan_and_padded() -> tuple[torch.Tensor, torch.Tensor]:
    """Return a scan of no multiple in X and Y, and the same padded by zeros to one."""
    image = torch.rand(1, 1, 56, 40, 10, generator=torch.Generator().manual_seed(5))
    return image, torch.nn.functional.pad(image, (0, 0, 0, 8, 0, 8))


def noisy_detector() -> NoduleDetector:
    """Return a detector whose second look answers differently for every cube, and looks at every peak."""
    network = detector_with(SecondLook(), candidates=1000)
    torch.nn.init.normal_(network.second_look.answer.weight)
    return network


def test_the_second_look_at_an_odd_size_sees_the_edge_repeated() -> None:
    network, (image, padded) = noisy_detector(), odd_scan_and_padded()
    second_look, network.second_look = network.second_look, None
    with torch.no_grad():
        dense = network(padded)[:, :, :14, :10]
        network.second_look = second_look
        streamed = SlabStreamInferer(look_ahead=99)(image, network)
        torch.testing.assert_close(streamed, network.look_again(image, dense), atol=1e-5, rtol=1e-5)
        edge = torch.nn.functional.pad(image, (0, 0, 12, 12, 12, 12), mode="replicate")
        center = torch.tensor([[[54.0, 38.0, 5.0]]])
        _, look = network._look_at(image, center)
        _, same = network._look_at(edge, center + torch.tensor([12.0, 12.0, 0.0]))
        torch.testing.assert_close(look, same)


def test_away_from_the_padding_it_is_that_of_the_padded_scan() -> None:
    network, (image, padded) = noisy_detector(), odd_scan_and_padded()
    with torch.no_grad():
        streamed, whole = SlabStreamInferer(look_ahead=99)(image, network), network(padded)
    # A cube of 24 around these cells ends before voxels 56 and 40.
    torch.testing.assert_close(streamed[:, :, :10, :6], whole[:, :, :10, :6], atol=1e-4, rtol=1e-4)
    assert (streamed[:, 0, :10, :6] > NO_CANDIDATE_LOGIT).any()
    assert (streamed - whole[:, :, :14, :10]).abs().max() > 0.01, "near the padding it differs"


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
