"""The bundle trains, validates, saves and scores, all by MONAI's command."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lungdet.workflows import bundle_root

TINY = {
    "scan_shape": "[80,80,64]",
    "spacing_mm": "[3.5,3.5,3.5]",
    "spacings": "[[3.5,3.5,3.5],[3.5,3.5,7.0]]",
    "patch_size": "[48,48,16]",
    "precision": "float32",
}


def run_bundle(config: str, **overrides: str) -> str:
    root = bundle_root("nodule_detector")
    configs = str([str(root / "configs" / name) for name in ("common.yaml", config)])
    command = [sys.executable, "-W", "ignore", "-m", "monai.bundle", "run", "--config_file", configs]
    for name, value in {"bundle_root": str(root), **TINY, **overrides}.items():
        command += [f"--{name}", value]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.mark.slow
def test_train_then_evaluate(tmp_path: Path):
    train_data = "$[{'seed': s, 'spacing_mm': @spacings[s % 2]} for s in @train_seeds]"
    settings = {"train_seeds": "$range(2)", "val_seeds": "$range(50,51)", "train_data": train_data}
    log = run_bundle("train.yaml", **settings, num_epochs="2", val_interval="2", output_dir=str(tmp_path / "runs"))
    assert "cpm" in log
    weights = tmp_path / "runs" / "model.pt"
    state = torch.load(weights, weights_only=True)
    assert all(torch.isfinite(value).all() for value in state.values())

    seeds = {"seeds": "$range(60,62)", "slice_mm": "3.5"}
    run_bundle("evaluate.yaml", **seeds, checkpoint=str(weights), output_dir=str(tmp_path / "eval"))
    score = json.loads((tmp_path / "eval" / "metrics.json").read_text())
    assert score["scans"] == 2
    assert score["nodules"] > 0
    assert 0.0 <= score["cpm"]["luna16"] <= 1.0
    assert len(score["protocols"]["luna16"]["sensitivities"]) == 7
    assert {part["kind"] for part in score["protocols"]["luna16"]["strata"]} == {"size", "kind", "location"}
    assert {"froc.png", "pr.png", "scans.csv", "worst.png"} < {path.name for path in (tmp_path / "eval").iterdir()}
