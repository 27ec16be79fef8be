from pathlib import Path

import pytest
import torch
from monai.networks.nets import DenseNet121, EfficientNetBN, resnet18

from lungdet.networks.nets import load_picture_weights, radiograph_network

GREY = {"spatial_dims": 2, "num_classes": 3}


def saved(content: object, folder: Path) -> Path:
    torch.save(content, folder / "weights.pt")
    return folder / "weights.pt"


@pytest.mark.parametrize("wrapper", [None, "model", "state_dict"])
def test_own_weights_come_back(wrapper: str | None, tmp_path: Path):
    first = radiograph_network("densenet_compact", 3)
    state = {f"module.{name}": value for name, value in first.state_dict().items()}
    path = saved(state if wrapper is None else {wrapper: state, "epoch": 3}, tmp_path)
    again = radiograph_network("densenet_compact", 3, weights=path)
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in first.state_dict().items())


def test_another_number_of_classes_keeps_the_features_alone(tmp_path: Path):
    first, second = radiograph_network("mobilenet_v1", 6), radiograph_network("mobilenet_v1", 30)
    assert load_picture_weights(second, saved(first.state_dict(), tmp_path)) == ("classifier.weight", "classifier.bias")
    images = torch.rand(1, 1, 32, 32)
    assert torch.equal(first.eval().embed(images), second.eval().embed(images))


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("densenet121", lambda: DenseNet121(2, 1, 3)),
        ("resnet18", lambda: resnet18(**GREY, n_input_channels=1, conv1_t_stride=2, bias_downsample=False)),
        ("efficientnet_b0", lambda: EfficientNetBN("efficientnet-b0", False, in_channels=1, **GREY)),
    ],
)
def test_networks_of_monai_answer_alike(name: str, make, tmp_path: Path):
    torch.manual_seed(0)
    theirs, images = make(), torch.rand(4, 1, 64, 64)
    with torch.no_grad():
        theirs(images)  # norms see something
        ours = radiograph_network(name, 3, weights=saved(theirs.state_dict(), tmp_path)).eval()
        torch.testing.assert_close(ours(images), theirs.eval()(images), atol=1e-5, rtol=1e-4)


def test_older_names_of_torchvision_and_blocks_counted_through(tmp_path: Path):
    renamed = {
        "densenet121": [(".norm1.", ".norm.1."), (".conv2.", ".conv.2.")],
        "resnet34": [("features.", ""), ("classifier.", "fc.")],
        "efficientnet_b0": [("features.blocks.0.0.", "_blocks.0."), ("features.stem.", "_conv_stem.")],
    }
    for name, pairs in renamed.items():
        first, other = radiograph_network(name, 2), {}
        for key, value in first.state_dict().items():
            for old, new in pairs:
                key = key.replace(old, new)
            other.update({} if "num_batches" in key else {key: value})
        assert other.keys() != first.state_dict().keys()
        second = radiograph_network(name, 2)
        assert load_picture_weights(second, saved(other, tmp_path)) == ()
        assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_weights_of_colour_pictures_answer_as_for_grey_ones(tmp_path: Path):
    colour = radiograph_network("mobilenet_v2", 2, in_channels=3).eval()
    grey = radiograph_network("mobilenet_v2", 2, weights=saved(colour.state_dict(), tmp_path)).eval()
    images = torch.rand(2, 1, 40, 40)
    with torch.no_grad():
        wanted = colour.embed(images.expand(-1, 3, -1, -1))
        torch.testing.assert_close(grey.embed(images) / wanted.max(), wanted / wanted.max(), atol=1e-5, rtol=1e-4)


def test_what_does_not_fit_is_refused_and_changes_nothing(tmp_path: Path):
    network = radiograph_network("densenet_compact", 3)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    path = saved(radiograph_network("mobilenet_v1", 3).state_dict(), tmp_path)
    with pytest.raises(ValueError, match=r"weights\.pt: weights of another network; 296 of 362"):
        load_picture_weights(network, path)
    with pytest.raises(ValueError, match="no named tensors"):
        load_picture_weights(network, saved([1, 2], tmp_path))
    path.write_bytes(b"not weights")
    with pytest.raises(ValueError, match="reads safely"):
        load_picture_weights(network, path)
    with pytest.raises(FileNotFoundError):
        load_picture_weights(network, tmp_path / "none.pt")
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_code_in_a_file_is_not_run(tmp_path: Path):
    with pytest.raises(ValueError, match="reads safely"):
        load_picture_weights(radiograph_network("mobilenet_v1", 2), saved({"model": Path("x")}, tmp_path))
