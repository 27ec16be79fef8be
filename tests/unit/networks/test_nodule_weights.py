"""Weights to start a classifier of nodules from: what is taken, what is left, and what is refused."""

import logging
from pathlib import Path

import pytest
import torch
from torch import nn

from lungdet.networks.blocks import SecondLookBackbone
from lungdet.networks.nets import NoduleDetector, start_nodule_classifier

ROOT = Path(__file__).resolve().parents[3]


class Small(nn.Module):
    """Names as the classifier's, small."""

    def __init__(self, width: int = 4, answers: int = 3, norm: bool = False) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv3d(1, width, 3), *([nn.BatchNorm3d(width)] if norm else []))
        self.heads = nn.Linear(width, answers)


def saved(path: Path, network: nn.Module) -> Path:
    torch.save(network.state_dict(), path)
    return path


def test_all_of_a_file_of_its_own_is_taken(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    first, second = Small(), Small()
    with caplog.at_level(logging.INFO):
        report = start_nodule_classifier(second, saved(tmp_path / "own.pt", first))
    assert (len(report.taken), report.left, report.unused) == (4, (), ())
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert "own.pt: 4 tensors taken, 0 left as they were, 0 of the file not used" in caplog.text


def test_heads_of_another_number_of_answers_are_left(tmp_path: Path):
    first, second = Small(answers=5), Small()
    before = second.heads.weight.detach().clone()
    report = start_nodule_classifier(second, saved(tmp_path / "other.pt", first))
    assert report.left == ("heads.weight", "heads.bias") == report.unused
    assert torch.equal(second.heads.weight, before)
    assert torch.equal(second.backbone[0].weight, first.backbone[0].weight)


def test_the_shipped_detector_fits_the_second_look_only(tmp_path: Path):
    path = ROOT / "bundles" / "nodule_detector" / "models" / "model.pt"
    network = Small()
    with pytest.raises(ValueError, match=r"2 of 2 tensors of the backbone do not fit.*set backbone to second_look"):
        start_nodule_classifier(network, path)
    network.backbone = SecondLookBackbone()
    report = start_nodule_classifier(network, path)
    assert set(report.left) == {"heads.weight", "heads.bias"}
    detector = NoduleDetector(second_look=True)
    detector.load_state_dict(torch.load(path, weights_only=True))
    cubes = torch.rand(2, 1, 24, 24, 24)
    with torch.no_grad():
        expected = detector.second_look.eval().features(cubes)
        assert torch.equal(network.backbone.eval().features(cubes), expected)


def test_a_file_of_bfloat16_and_of_several_processes_is_taken(tmp_path: Path):
    first, second = Small(), Small()
    narrow = {f"module.{name}": value.to(torch.bfloat16) for name, value in first.state_dict().items()}
    torch.save(narrow, tmp_path / "narrow.pt")
    start_nodule_classifier(second, tmp_path / "narrow.pt")
    assert second.heads.weight.dtype == torch.float32
    assert torch.equal(second.heads.weight, first.heads.weight.to(torch.bfloat16).float())


def test_a_pretraining_without_heads_is_taken(tmp_path: Path):
    first, second = Small(norm=True), Small(norm=True)
    kept = {name: value for name, value in first.state_dict().items() if "heads" not in name}
    del kept["backbone.1.num_batches_tracked"]
    torch.save(kept, tmp_path / "pretrained.pt")
    assert start_nodule_classifier(second, tmp_path / "pretrained.pt").unused == ()


def test_other_weights_are_refused_and_change_nothing(tmp_path: Path):
    network = Small()
    before = network.backbone[0].bias.detach().clone()
    with pytest.raises(ValueError, match=r"wide.pt: .*backbone.0.weight, wanted \(4, 1, 3, 3, 3\), got \(8, 1, 3"):
        start_nodule_classifier(network, saved(tmp_path / "wide.pt", Small(width=8)))
    with pytest.raises(ValueError, match="got missing; give weights of the same backbone"):
        start_nodule_classifier(network, saved(tmp_path / "linear.pt", nn.Linear(2, 2)))
    assert torch.equal(network.backbone[0].bias, before)


def test_what_is_no_file_of_weights_is_refused(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        start_nodule_classifier(Small(), tmp_path / "none.pt")
    (tmp_path / "text.pt").write_text("weights")
    with pytest.raises(ValueError, match=r"text.pt: not a file of weights"):
        start_nodule_classifier(Small(), tmp_path / "text.pt")
