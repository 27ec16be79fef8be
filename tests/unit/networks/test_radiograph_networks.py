"""The networks for radiographs: published sizes, one interface, any size of picture, exports that answer alike."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from lungdet.networks.nets import (
    RADIOGRAPH_NETWORKS,
    BodyPartDenseNet,
    MobileNetV1,
    MobileNetV2,
    efficient_network,
    radiograph_network,
    residual_network,
)

# Trainable parameters for colour pictures and the 1000 classes of ImageNet. DenseNet121, MobileNet V2, ResNets and
# EfficientNets: the tables of torchvision's models; MobileNet V1: Keras' 4,253,864 less 21,888 statistics of norms.
PUBLISHED = {
    "densenet121": 7_978_856,
    "mobilenet_v1": 4_231_976,
    "mobilenet_v2": 3_504_872,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "efficientnet_b0": 5_288_548,
    "efficientnet_b1": 7_794_184,
    "efficientnet_b2": 9_109_994,
}
KINDS = ("densenet_compact", "densenet121", "mobilenet_v1", "mobilenet_v2", "resnet18", "efficientnet_b0")


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def pictures(*shape: int, seed: int = 1) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def used(name: str) -> nn.Module:
    """A network whose norms have seen pictures, in evaluation mode, so that answers are of a sane size."""
    torch.manual_seed(0)
    network = radiograph_network(name, num_classes=3)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        network(pictures(4, 1, 64, 64))
    return network.eval()


def test_every_published_network_is_there():
    assert set(RADIOGRAPH_NETWORKS) == {"densenet_compact", *PUBLISHED}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_as_many_as_published(name: str):
    assert parameters(radiograph_network(name, num_classes=1000, in_channels=3)) == PUBLISHED[name]


def test_half_width_mobilenets_are_as_large_as_published():
    assert parameters(MobileNetV1(1000, 3, width=0.5)) == 1_331_592  # Keras: 1,342,536 less 10,944 statistics
    assert parameters(MobileNetV2(1000, 3, width=0.5)) == 1_968_680  # torchvision, width_mult=0.5


def test_the_compact_network_is_small(tmp_path: Path):
    network = BodyPartDenseNet(num_classes=30)
    assert parameters(network) <= 1_200_000
    torch.save(network.state_dict(), tmp_path / "model.pt")
    assert (tmp_path / "model.pt").stat().st_size <= 5_000_000


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("size", [(32, 32), (33, 95)])
def test_any_size_gives_logits_embeddings_and_the_same_by_parts(name: str, size: tuple[int, int]):
    network, images = radiograph_network(name, num_classes=4, dropout=0.5).eval(), pictures(2, 1, *size)
    with torch.no_grad():
        embeddings = network.embed(images)
        assert embeddings.shape == (2, network.embed_channels)
        assert torch.equal(network.classify(embeddings), network(images))
        assert network(images).shape == (2, network.num_classes) == (2, 4)


@pytest.mark.parametrize("name", KINDS)
def test_every_parameter_learns(name: str):
    network = radiograph_network(name, num_classes=3, in_channels=2, dropout=0.1)
    network(pictures(4, 2, 64, 64)).square().sum().backward()
    silent = [name for name, each in network.named_parameters() if each.grad is None or not each.grad.isfinite().all()]
    assert silent == []


@pytest.mark.parametrize("name", KINDS)
def test_channels_last_changes_no_answer(name: str):
    network, images = used(name), pictures(2, 1, 64, 48)
    with torch.no_grad():
        wanted = network(images)
        network.to(memory_format=torch.channels_last)
        torch.testing.assert_close(
            network(images.contiguous(memory_format=torch.channels_last)), wanted, atol=1e-3, rtol=1e-3
        )


def test_a_compact_network_learns_four_pictures():
    torch.manual_seed(0)
    network, images, labels = BodyPartDenseNet(4), pictures(4, 1, 32, 32), torch.arange(4)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for _ in range(15):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()
    assert loss < 0.1
    assert (network(images).argmax(dim=1) == labels).all()


def test_dropout_acts_in_training_alone():
    network, embeddings = BodyPartDenseNet(3, dropout=0.5), torch.ones(2, 496)
    assert not torch.equal(network.classify(embeddings), network.classify(embeddings))
    assert torch.equal(network.eval().classify(embeddings), network.classify(embeddings))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: radiograph_network("vgg16", 3), "densenet_compact"),
        (lambda: BodyPartDenseNet(3, size="169"), "169"),
        (lambda: BodyPartDenseNet(0), "num_classes"),
        (lambda: BodyPartDenseNet(3, dropout=1.0), "dropout"),
        (lambda: MobileNetV1(3, width=0.0), "width"),
        (lambda: MobileNetV2(3, width=-1.0), "width"),
        (lambda: residual_network(50, 3), "18 or 34"),
        (lambda: efficient_network("efficientnet-b9", 3), "efficientnet-b"),
        (lambda: BodyPartDenseNet(3)(torch.rand(1, 3, 64, 64)), "rows, columns"),
        (lambda: BodyPartDenseNet(3)(torch.rand(1, 64, 64)), "rows, columns"),
        (lambda: BodyPartDenseNet(3)(torch.rand(1, 1, 64, 31)), "at least 32"),
    ],
)
def test_what_cannot_be_is_refused(make, said: str):
    with pytest.raises(ValueError, match=said):
        make()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["densenet_compact", "resnet18", "mobilenet_v2", "efficientnet_b0"])
def test_onnxruntime_answers_alike(name: str, tmp_path: Path):
    onnxruntime = pytest.importorskip("onnxruntime")
    network, images = used(name), pictures(2, 1, 64, 64, seed=2)
    torch.onnx.export(network, (images,), tmp_path / "net.onnx", dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    (answer,) = session.run(None, {session.get_inputs()[0].name: images.numpy()})
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(answer), network(images), atol=1e-3, rtol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["densenet_compact", "efficientnet_b0"])
def test_exported_programs_take_any_size_from_64(name: str):
    network, auto = used(name), torch.export.Dim.AUTO
    shapes = {"images": {0: auto, 2: auto, 3: auto}}
    program = torch.export.export(network, (pictures(2, 1, 80, 96),), dynamic_shapes=shapes).module()
    other = pictures(3, 1, 70, 129)
    with torch.no_grad():
        torch.testing.assert_close(program(other), network(other), atol=1e-4, rtol=1e-4)
    with pytest.raises(AssertionError, match="Guard failed"):
        program(pictures(3, 1, 33, 40))
