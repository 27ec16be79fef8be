"""The embedding's bundle trains and scores in two processes, and embeds in one, all by MONAI's command."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from lungdet.lesions import load_embedded
from lungdet.phantoms import write_deeplesion
from lungdet.workflows import LesionEmbedder

BUNDLE = "lesion_embedding"


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("patients")
    write_deeplesion(folder, patients=8, seed=4, image_size=64, context_mm=1.0, studies=2, lesions=2)
    return str(folder / "DL_info.csv")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, run_bundle, labels: str) -> Path:
    """Folder of a training of two epochs in two processes."""
    folder = tmp_path_factory.mktemp("embedding") / "runs"
    settings = {"num_epochs": "2", "output_dir": str(folder), "labels": labels}
    log = run_bundle("train.yaml", "multi_gpu_train.yaml", processes=2, bundle=BUNDLE, **settings)
    assert "neighbours" in log
    return folder


@pytest.mark.slow
def test_a_training_leaves_weights_and_a_history(trained: Path):
    weights = torch.load(trained / "model.pt", weights_only=True)
    assert all(torch.isfinite(value).all() for value in weights.values())
    assert not any(name.startswith("module.") for name in weights)
    assert weights["joined.3.weight"].dtype == torch.bfloat16
    with (trained / "history.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert {"train_loss_triplets", "train_loss_neighbours_1", "neighbours"} <= rows[0].keys()


@pytest.mark.slow
def test_its_weights_score_and_embed(trained: Path, tmp_path: Path, run_bundle, labels: str):
    settings = {"bundle": BUNDLE, "labels": labels, "checkpoint": str(trained / "model.pt")}
    scoring = {**settings, "list_part": "all", "output_dir": str(tmp_path / "two")}
    run_bundle("evaluate.yaml", "multi_gpu_evaluate.yaml", processes=2, **scoring)
    score = json.loads((tmp_path / "two" / "metrics.json").read_text())
    assert score["patients"] == 8
    assert 0 <= score["type_accuracy"] <= 1
    run_bundle("inference.yaml", **settings, output_dir=str(tmp_path / "one"))
    one, two = (load_embedded(tmp_path / name / "lesions.npz") for name in ("one", "two"))
    assert len(one) == len(Path(labels).read_text().splitlines()) - 1
    assert one.keys.tolist() == two.keys.tolist()
    assert np.allclose(one.vectors, two.vectors, atol=1e-5)
    tiny = {"crop_side": 32, "width": 8, "embed_channels": 16}  # as run_bundle sets them
    embedder = LesionEmbedder(device="cpu", overrides={**tiny, "checkpoint": str(trained / "model.pt")})
    assert one.settings_sha256 == two.settings_sha256 == embedder.settings_sha256
    assert one.weights_sha256 == two.weights_sha256 == embedder.model.weights_sha256
    assert one.settings_sha256 != LesionEmbedder(device="cpu").settings_sha256  # other crops
