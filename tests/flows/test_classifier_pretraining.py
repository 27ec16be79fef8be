"""The classifier's backbone learns without labels, and a training starts from what it learnt."""

import csv
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.bundle import ConfigWorkflow

from lungdet.workflows import bundle_root

SMALL = {
    "train_seeds": "$range(2)",
    "val_seeds": "$range(50, 51)",
    "scan_shape": [112, 104, 96],
    "cubes_per_patient": 2,
    "items_per_step": 2,
    "num_epochs": 2,
    "val_interval": 1,
    "tensorboard": False,
    "training_precision": "float32",
    "network_def#settings": {"block_config": [1, 1]},
}


def workflow(name: str, output: Path, **settings: Any) -> ConfigWorkflow:
    """The bundle's run of that name, ready to run."""
    root = bundle_root("nodule_classifier")
    files = [str(root / "configs" / f"{part}.yaml") for part in ("common", name)]
    given = {"bundle_root": str(root), "output_dir": str(output), **settings}
    made = ConfigWorkflow(files, meta_file=None, logging_file=False, workflow_type="train", **given)
    made.initialize()
    return made


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pretraining")
    made = workflow("pretrain", folder, **SMALL)
    made.run()
    made.finalize()
    return folder


@pytest.mark.slow
def test_a_pretraining_leaves_the_classifiers_own_weights(pretrained: Path):
    weights = torch.load(pretrained / "model.pt", weights_only=True)
    assert {name.split(".")[0] for name in weights} == {"backbone", "heads"}
    assert all(torch.isfinite(value).all() for value in weights.values())
    with (pretrained / "history.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert all(0 <= float(row["found"]) <= 1 for row in rows)
    assert {"train_loss", "train_loss_found", "seconds"} <= rows[0].keys()


@pytest.mark.slow
def test_a_training_starts_from_it(pretrained: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    settings = {"network_def#settings": SMALL["network_def#settings"], "init_from": str(pretrained / "model.pt")}
    with caplog.at_level(logging.INFO):
        made = workflow("train", tmp_path, **settings)
    network = made.parser.get_parsed_content("network_def")
    weights = torch.load(pretrained / "model.pt", weights_only=True)
    assert all(torch.equal(value, weights[name]) for name, value in network.state_dict().items())
    assert "0 left as they were, 0 of the file not used" in caplog.text


@pytest.mark.slow
def test_a_training_starts_from_the_detector(tmp_path: Path):
    detector = bundle_root("nodule_detector") / "models" / "model.pt"
    made = workflow("train", tmp_path, backbone="second_look", init_from=str(detector))
    network = made.parser.get_parsed_content("network_def")
    weights = torch.load(detector, weights_only=True)
    expected = weights["second_look.dense.1.weight"].float()
    assert torch.equal(network.state_dict()["backbone.dense.1.weight"], expected)
    with pytest.raises(RuntimeError) as error:
        workflow("train", tmp_path, init_from=str(detector))
    assert "set backbone to second_look" in str(error.getrepr(style="short", chain=True))
