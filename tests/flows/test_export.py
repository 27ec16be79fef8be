"""What leaves PyTorch gives the same answers: ONNX in onnxruntime, torch.export, a trace."""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lungdet.networks import NoduleDetector
from lungdet.workflows import bundle_root, open_bundle

onnxruntime = pytest.importorskip("onnxruntime")

SHAPE = (1, 1, 32, 48, 6)
VARIANTS = {
    "convlstm": {},
    "conv3d": {"mixer": "conv3d"},
    "second_look": {"second_look": True, "candidates": 5},
    "sequence": {"head": "sequence"},
}
IN_ONNX = ("second_look", "sequence")  # the bundle's command shows the rest


def small(variant: str) -> NoduleDetector:
    """Return a little network whose untrained answers are not all alike."""
    torch.manual_seed(0)
    options = {"channels": (4, 8, 8, 8), "feature_channels": 8, "hidden_channels": 4, "head_channels": 8}
    network = NoduleDetector(**options, **VARIANTS[variant]).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
            nn.init.uniform_(module.weight, 0.5, 3.0)
        if isinstance(module, nn.Conv2d | nn.Linear) and module.weight.shape[0] == 7:
            nn.init.normal_(module.weight)
    return network


def scan(*shape: int, seed: int = 1) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def in_onnxruntime(path: Path, image: Tensor) -> Tensor:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    assert given.shape == list(image.shape)
    (answer,) = session.run(None, {given.name: image.numpy()})
    return torch.from_numpy(answer)


@pytest.mark.slow
def test_the_bundle_exports_its_weights_to_onnx(tmp_path: Path) -> None:
    root, path, shape = bundle_root("nodule_detector"), tmp_path / "model.onnx", (1, 1, 32, 32, 6)
    configs = [str(root / "configs" / name) for name in ("common.yaml", "inference.yaml")]
    command = [sys.executable, "-W", "ignore", "-m", "monai.bundle", "onnx_export", "network"]
    command += ["--filepath", str(path), "--ckpt_file", str(root / "models" / "model.pt"), "--bundle_root", str(root)]
    command += ["--meta_file", str(root / "configs" / "metadata.json"), "--config_file", str(configs)]
    command += ["--input_shape", str(list(shape)), "--device", "$torch.device('cpu')"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    parser = open_bundle(root, {"device": "cpu"})
    network = parser.get_parsed_content("network").eval()
    network.load_state_dict(torch.load(root / "models" / "model.pt", weights_only=True))
    with torch.no_grad():
        torch.testing.assert_close(in_onnxruntime(path, scan(*shape)), network(scan(*shape)), atol=1e-4, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_exported_programs_answer_like_pytorch(variant: str, tmp_path: Path) -> None:
    network, other = small(variant), scan(*SHAPE, seed=2)
    with torch.no_grad():
        wanted = network(other)
        assert np.ptp(wanted[:, 0].numpy()) > 0.01
        program = torch.export.export(network, (scan(*SHAPE),))
        torch.export.save(program, tmp_path / "model.pt2")
        torch.testing.assert_close(torch.export.load(tmp_path / "model.pt2").module()(other), wanted)
        with pytest.raises((AssertionError, RuntimeError), match="Guard failed"):
            program.module()(scan(1, 1, 32, 48, 16))  # a depth other than its own is refused
        if variant in IN_ONNX:
            torch.onnx.export(program, f=tmp_path / "model.onnx", dynamo=True, verbose=False)
            torch.testing.assert_close(in_onnxruntime(tmp_path / "model.onnx", other), wanted, atol=1e-5, rtol=1e-5)


def test_a_trace_answers_alike_at_its_own_shape() -> None:
    network = small("convlstm")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # every comparison of sizes is baked in, and said so
        traced = torch.jit.trace(network, scan(*SHAPE), check_trace=False)
    other = scan(*SHAPE, seed=2)
    torch.testing.assert_close(traced(other), network(other))
