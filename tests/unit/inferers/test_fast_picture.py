import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from torch import Tensor, nn

from lungdet.inferers import AutocastInferer, EmbeddingInferer, FastPictureNetwork, fast_picture_network, fast_precision
from lungdet.networks.nets import RADIOGRAPH_NETWORKS, PictureClassifier, radiograph_network

ONE_OF_EACH_KIND = ("densenet_compact", "densenet121", "mobilenet_v1", "mobilenet_v2", "resnet18", "efficientnet_b0")


def pictures(count: int = 4, rows: int = 64, columns: int = 48) -> Tensor:
    return torch.rand(count, 1, rows, columns, generator=torch.Generator().manual_seed(1))


def used(name: str) -> PictureClassifier:
    """A network whose norms have seen pictures and learnt, so that folding them is no matter of ones and zeros."""
    torch.manual_seed(0)
    network = radiograph_network(name, num_classes=5)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the mean of all batches
            nn.init.uniform_(module.weight, 0.7, 1.3)
            nn.init.normal_(module.bias, std=0.2)
    with torch.no_grad():
        network(pictures(8))
    return network.eval()


@pytest.mark.parametrize("name", ONE_OF_EACH_KIND)
def test_float32_answers_alike(name: str):
    network, images = used(name), pictures()
    fast = FastPictureNetwork(network, "float32")
    assert sum(isinstance(module, nn.Identity) for module in fast.modules()) >= 20, "nothing was folded"
    with torch.no_grad():
        torch.testing.assert_close(fast.embed(images), network.embed(images), atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(fast(images), network(images), atol=1e-4, rtol=1e-4)


def discs_and_rings(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Noisy pictures ``(count, 1, 48, 48)``, every second one of a ring, the others of a square, and which is which."""
    random = torch.Generator().manual_seed(seed)
    is_ring = torch.arange(count) % 2
    row, column = torch.meshgrid(torch.arange(48), torch.arange(48), indexing="ij")
    middle = torch.rand(2, count, 1, 1, generator=random) * 16 + 16
    away = torch.stack([(row - middle[0]).abs(), (column - middle[1]).abs()])
    radius = away.square().sum(dim=0).sqrt()
    shape = torch.where(is_ring[:, None, None].bool(), (radius > 6) & (radius < 12), away.amax(dim=0) < 10)
    return (0.7 * shape + 0.1 * torch.rand(shape.shape, generator=random))[:, None], is_ring


def trained(name: str) -> PictureClassifier:
    """A network that tells squares from rings: rounding grows without bound in a random one, and not in this."""
    torch.manual_seed(0)
    network = radiograph_network(name, num_classes=2)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for step in range(20):
        images, labels = discs_and_rings(16, seed=step)
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(images), labels).backward()
        optimizer.step()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    with torch.no_grad():
        network(discs_and_rings(64, seed=100)[0])
    return network.eval()


def test_bfloat16_answers_within_the_stated_tolerance():
    network, (images, labels) = trained("densenet_compact"), discs_and_rings(32, seed=200)
    fast = FastPictureNetwork(network, "bfloat16")
    with torch.no_grad():
        embeddings, wanted = fast.embed(images), network.embed(images)
        chances, wanted_chances = fast(images).softmax(dim=1), network(images).softmax(dim=1)
    assert (wanted_chances.argmax(dim=1) == labels).float().mean() > 0.9, "the network has learnt nothing"
    assert embeddings.dtype is torch.float32
    assert 0 < (embeddings - wanted).norm() / wanted.norm() < 0.03
    assert (chances - wanted_chances).abs().max() < 0.05


def test_parts_and_whole_agree_and_the_original_stays():
    network, images = used("densenet_compact"), pictures()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    fast = fast_picture_network(network).train()
    assert not fast.training
    assert not any(module.training for module in fast.modules())
    assert torch.equal(fast.classify(fast.embed(images)), fast(images))
    assert not fast(images).requires_grad
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert (fast.num_classes, fast.in_channels, fast.embed_channels) == (5, 1, network.embed_channels)


def test_a_training_network_is_taken_as_one_that_answers():
    network = used("densenet_compact")
    wanted = FastPictureNetwork(network)(pictures())
    assert torch.equal(FastPictureNetwork(network.train())(pictures()), wanted)
    assert network.training


def test_inferers_and_metadata_make_no_difference():
    fast, images = fast_picture_network(used("densenet_compact")), pictures()
    wanted = fast(images)
    answers = EmbeddingInferer("bfloat16")(MetaTensor(images), fast)
    assert torch.equal(answers["logits"], wanted)
    assert type(answers["embedding"]) is Tensor
    assert torch.equal(AutocastInferer("bfloat16")(images, fast), wanted)


def test_a_batch_answers_like_its_pictures_alone():
    fast, images = FastPictureNetwork(used("densenet_compact"), "float32"), pictures()
    alone = torch.cat([fast(image[None]) for image in images])
    np.testing.assert_allclose(fast(images), alone, atol=1e-4)


def test_precision_follows_the_processor_alone(monkeypatch: pytest.MonkeyPatch):
    for has in (False, True):
        for check in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
            monkeypatch.setattr(torch.cpu, check, lambda has=has: has, raising=False)
        assert fast_precision("cpu") == ("bfloat16" if has else "float32")
        assert fast_picture_network(radiograph_network("mobilenet_v1", 2)).precision == fast_precision("cpu")
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert fast_precision("cpu") == "float32"


def test_what_cannot_be_is_refused():
    network = radiograph_network("densenet_compact", 2)
    with pytest.raises(ValueError, match="int8"):
        FastPictureNetwork(network, "int8")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least 32"):
        FastPictureNetwork(network)(torch.rand(1, 1, 31, 64))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", RADIOGRAPH_NETWORKS)
def test_a_gpu_answers_alike(name: str):
    network, images = used(name).cuda(), pictures().cuda()
    fast = fast_picture_network(network)
    with torch.no_grad():
        wanted = network(images)
    assert (fast(images) - wanted).abs().max() < 0.05 * wanted.abs().max()
