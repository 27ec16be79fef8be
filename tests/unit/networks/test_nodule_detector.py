import pytest
import torch
from torch import nn

from lungdet.networks import NoduleDetector


def small(**options: object) -> NoduleDetector:
    torch.manual_seed(0)
    return NoduleDetector(channels=(4, 8, 8, 8), feature_channels=8, hidden_channels=4, head_channels=8, **options)


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return torch.rand(2, 1, 32, 16, 12, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("mixer", ["convlstm", "convlstm_forward", "conv3d", "none"])
def test_the_output_has_a_cell_for_4_4_2_voxels(mixer: str, image: torch.Tensor) -> None:
    network = small(mixer=mixer)
    assert network(image).shape == (2, 7, 8, 4, 6)
    assert network.stride_xyz == (4, 4, 2)


def test_the_default_network_is_small() -> None:
    assert 0.7e6 < sum(parameter.numel() for parameter in NoduleDetector().parameters()) < 1.0e6


def test_nothing_in_it_is_3d() -> None:
    assert not any(isinstance(module, nn.Conv3d) for module in NoduleDetector().modules())


def test_every_cell_starts_at_the_prior(image: torch.Tensor) -> None:
    with torch.no_grad():
        outputs = small(prior=0.01).eval()(image)
    torch.testing.assert_close(torch.sigmoid(outputs[:, 0]), torch.full((2, 8, 4, 6), 0.01), atol=5e-3, rtol=0)
    assert outputs[:, 1:].abs().max() < 0.5


def test_slabs_hold_their_pair_and_its_neighbours(image: torch.Tensor) -> None:
    network = small(context_slices=3)
    slabs = network.slabs(image, 2, 4)  # pairs (4, 5) and (6, 7)
    assert slabs.shape == (2, 2, 8, 32, 16)
    torch.testing.assert_close(slabs[:, 0], image[:, 0, ..., 1:9].movedim(-1, 1))
    torch.testing.assert_close(slabs[:, 1], image[:, 0, ..., 3:11].movedim(-1, 1))


def test_slabs_at_the_ends_repeat_the_edge(image: torch.Tensor) -> None:
    slabs = small(context_slices=3).slabs(image, 0, 6)
    first = [0, 0, 0, 0, 1, 2, 3, 4]
    last = [7, 8, 9, 10, 11, 11, 11, 11]
    torch.testing.assert_close(slabs[:, 0], image[:, 0, ..., first].movedim(-1, 1))
    torch.testing.assert_close(slabs[:, 5], image[:, 0, ..., last].movedim(-1, 1))


def test_one_slice_makes_a_slab_of_itself() -> None:
    slice_ = torch.rand(1, 1, 16, 16, 1)
    torch.testing.assert_close(small().slabs(slice_, 0, 1)[0, 0], slice_[0, 0].movedim(-1, 0).expand(8, 16, 16))


def test_chunks_of_slabs_do_not_change_the_answer(image: torch.Tensor) -> None:
    network = small(slab_chunk=4).eval()
    with torch.no_grad():
        chunked = network(image)
        network.slab_chunk = 100
        torch.testing.assert_close(chunked, network(image), atol=1e-6, rtol=1e-5)


def test_memory_order_of_the_input_does_not_change_the_answer(image: torch.Tensor) -> None:
    network = small().eval()
    turned = image.permute(0, 1, 4, 3, 2).contiguous().permute(0, 1, 4, 3, 2)
    with torch.no_grad():
        torch.testing.assert_close(network(turned), network(image), atol=1e-6, rtol=1e-5)


def test_the_stages_make_up_the_whole(image: torch.Tensor) -> None:
    network = small().eval()
    with torch.no_grad():
        staged = network.answer(network.mixer(network.features_2d(image, 0, 6)))
        torch.testing.assert_close(staged, network(image))


def test_a_cell_far_away_in_the_plane_is_not_touched() -> None:
    """A batch norm does not look at the rest of the slice, so a patch is answered like a scan."""
    network = small().eval()
    image = torch.rand(1, 1, 256, 16, 4)
    other = image.clone()
    other[:, :, 224:] = 0
    with torch.no_grad():
        torch.testing.assert_close(network(other)[:, :, :24], network(image)[:, :, :24])


def test_information_passes_along_z_with_the_lstm_alone() -> None:
    image = torch.rand(1, 1, 16, 16, 24)
    other = image.clone()
    other[..., 20:] = 0.5
    for mixer, reached in (("convlstm", True), ("convlstm_forward", False), ("conv3d", False), ("none", False)):
        network = small(mixer=mixer).eval()
        with torch.no_grad():
            changed = (network(image)[..., 0] - network(other)[..., 0]).abs().max() > 0
        assert bool(changed) is reached


def test_gradients_reach_every_weight(image: torch.Tensor) -> None:
    network = small()
    network(image).square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_bfloat16_and_channels_last_come_close(image: torch.Tensor) -> None:
    network = small().eval()
    with torch.no_grad():
        wanted = network(image)
        network = network.to(memory_format=torch.channels_last)
        torch.testing.assert_close(network(image), wanted, atol=1e-5, rtol=1e-5)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert (network(image).float() - wanted).abs().max() < 0.05


@pytest.mark.parametrize("size", [(24, 16, 4), (16, 40, 4), (16, 16, 3), (16, 16, 0)])
def test_other_sizes_are_refused_with_the_remedy(size: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="PadToMultiple"):
        small()(torch.rand(1, 1, *size))


@pytest.mark.parametrize("second_look", [False, True])
def test_a_batch_norm_cannot_learn_from_one_tiny_patch(second_look: bool) -> None:
    network, tiny = small(second_look=second_look), torch.rand(1, 1, 16, 16, 2)
    with pytest.raises(ValueError, match="larger patches"):
        network(tiny)
    for enough in (tiny.expand(2, -1, -1, -1, -1), torch.rand(1, 1, 16, 16, 4)):
        network(enough)
    assert network.eval()(tiny).shape == (1, 7, 4, 4, 1)
    group = small(norm=("group", {"num_groups": 2}))
    assert group(tiny).shape == (1, 7, 4, 4, 1)


@pytest.mark.parametrize("shape", [(1, 2, 16, 16, 4), (1, 16, 16, 4)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="image must be"):
        small()(torch.rand(shape))


def test_an_unknown_mixer_is_refused() -> None:
    with pytest.raises(ValueError, match="'gru'"):
        small(mixer="gru")


def test_it_exports_at_a_fixed_shape(image: torch.Tensor) -> None:
    network = small().eval()
    with torch.no_grad():
        exported = torch.export.export(network, (image[:1],)).module()
        torch.testing.assert_close(exported(image[1:]), network(image[1:]))


def test_weights_come_back_from_a_file_that_holds_only_weights(tmp_path, image: torch.Tensor) -> None:
    network, again = small().eval(), small(prior=0.5).eval()
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    again.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    with torch.no_grad():
        torch.testing.assert_close(again(image), network(image))
