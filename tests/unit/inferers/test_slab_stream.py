import pytest
import torch
from monai.data import MetaTensor
from torch import Tensor, nn
from torch.nn import functional

from lungdet.inferers import SlabStreamInferer
from lungdet.networks import NoduleDetector


def small(**options: object) -> NoduleDetector:
    """Return a little network whose untrained answers are not all alike."""
    torch.manual_seed(0)
    network = NoduleDetector(
        channels=(4, 8, 8, 8), feature_channels=8, hidden_channels=4, head_channels=8, **options
    ).eval()
    nn.init.normal_(network.head[-1].weight, std=0.5)
    return network


def scan(*size: int, batch: int = 1) -> Tensor:
    return torch.rand(batch, 1, *size, generator=torch.Generator().manual_seed(1))


def whole(image: Tensor, network: NoduleDetector) -> Tensor:
    with torch.no_grad():
        return network(image)


@pytest.mark.parametrize("chunk", [1, 3, 7, 16, 100])
@pytest.mark.parametrize("mixer", ["convlstm", "convlstm_forward", "conv3d", "none"])
def test_with_the_rest_in_sight_it_equals_the_whole(chunk: int, mixer: str) -> None:
    network, image = small(mixer=mixer), scan(32, 16, 40, batch=2)
    look_ahead = 20 if mixer == "convlstm" else 0
    streamed = SlabStreamInferer(chunk, look_ahead)(image, network)
    torch.testing.assert_close(streamed, whole(image, network), atol=1e-5, rtol=1e-5)


def test_a_longer_look_ahead_comes_closer() -> None:
    network, image = small(), scan(32, 32, 80)
    wanted = whole(image, network)
    errors = [(SlabStreamInferer(8, n)(image, network) - wanted).abs().max().item() for n in (0, 2, 4, 8, 16, 40)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 5 * errors[4]
    assert errors[4] < 5e-3
    assert errors[5] < 1e-5


@pytest.mark.parametrize("size", [(17, 33, 1), (16, 16, 2), (30, 20, 3), (50, 64, 41), (1, 1, 1)])
def test_odd_sizes_are_padded_and_cropped(size: tuple[int, int, int]) -> None:
    network, image = small(), scan(*size)
    cells = [-(-n // stride) for n, stride in zip(size, (4, 4, 2), strict=True)]
    streamed = SlabStreamInferer(4, 100, pad_value=0.25)(image, network)
    assert streamed.shape == (1, 7, *cells)
    pads = [-n % multiple for n, multiple in zip(size, (16, 16, 2), strict=True)]
    padded = functional.pad(image, (0, pads[2]), mode="constant")
    if pads[2]:
        padded[..., -1] = padded[..., -2]  # along z the edge slice is repeated
    padded = functional.pad(padded, (0, 0, 0, pads[1], 0, pads[0]), value=0.25)
    wanted = whole(padded, network)[:, :, : cells[0], : cells[1], : cells[2]]
    torch.testing.assert_close(streamed, wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("slices", [40, 160])
def test_the_slabs_alive_do_not_grow_with_the_scan(slices: int) -> None:
    network, seen, made = small(), [], []
    network.mixer.register_forward_hook(lambda *_: pytest.fail("the whole scan went through the mixer"))
    stream = network.mixer.stream

    def watch(features: Tensor, keep: int, state: object) -> tuple[Tensor, object]:
        seen.append(features.shape[1])
        return stream(features, keep, state)

    network.mixer.stream = watch
    network.encoder.register_forward_hook(lambda module, inputs, output: made.append(len(output)))
    SlabStreamInferer(chunk=5, look_ahead=3)(scan(16, 16, slices), network)
    assert max(seen) == 8
    assert sum(made) == slices // 2  # every slab is made once
    assert max(made) <= 8


def test_bfloat16_comes_close_and_answers_in_float32() -> None:
    network, image = small(), scan(32, 32, 20)
    streamed = SlabStreamInferer(precision="bfloat16")(image, network)
    assert streamed.dtype == torch.float32
    error = (streamed - whole(image, network)).abs().max()
    assert 0 < error < 0.2


def test_metadata_is_stripped_and_integers_are_taken() -> None:
    network, image = small(), scan(16, 16, 6)
    streamed = SlabStreamInferer()(MetaTensor(image), network)
    assert type(streamed) is Tensor
    torch.testing.assert_close(streamed, whole(image, network), atol=1e-5, rtol=1e-5)
    ones = torch.ones(1, 1, 16, 16, 4, dtype=torch.int16)
    torch.testing.assert_close(SlabStreamInferer()(ones, network), whole(ones.float(), network), atol=1e-5, rtol=1e-5)


def test_a_wrapped_network_is_unwrapped() -> None:
    network, image = small(), scan(16, 16, 6)
    wrapped = nn.DataParallel(network)
    torch.testing.assert_close(SlabStreamInferer()(image, wrapped), SlabStreamInferer()(image, network))


def test_no_gradient_is_kept() -> None:
    assert not SlabStreamInferer()(scan(16, 16, 4), small()).requires_grad


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_answers_alike_from_an_image_on_the_cpu() -> None:
    image = scan(32, 16, 40)
    wanted = SlabStreamInferer()(image, small())
    for precision, atol in (("float32", 1e-2), ("bfloat16", 0.2), ("float16", 0.05)):
        streamed = SlabStreamInferer(precision=precision)(image, small().cuda())
        assert streamed.device.type == "cpu"
        torch.testing.assert_close(streamed, wanted, atol=atol, rtol=0)


def test_float16_on_a_cpu_is_refused() -> None:
    with pytest.raises(ValueError, match="bfloat16"):
        SlabStreamInferer(precision="float16")(scan(16, 16, 4), small())


def test_a_network_in_training_is_refused() -> None:
    with pytest.raises(ValueError, match=r"eval\(\)"):
        SlabStreamInferer()(scan(16, 16, 4), small().train())


def test_another_network_is_refused() -> None:
    with pytest.raises(TypeError, match="Identity"):
        SlabStreamInferer()(scan(16, 16, 4), nn.Identity())


def test_another_shape_is_refused() -> None:
    for shape in ((1, 16, 16, 4), (1, 2, 16, 16, 4), (1, 1, 16, 16, 0)):
        with pytest.raises(ValueError, match=r"\(B, 1, X, Y, Z\)"):
            SlabStreamInferer()(torch.rand(shape), small())


@pytest.mark.parametrize("options", [{"chunk": 0}, {"look_ahead": -1}, {"precision": "float64"}])
def test_wrong_options_are_refused(options: dict) -> None:
    with pytest.raises(ValueError, match="must be"):
        SlabStreamInferer(**options)
