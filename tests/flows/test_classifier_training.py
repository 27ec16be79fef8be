"""The classifier's bundle trains and scores in two processes, and asks about a detector's marks in one."""

import csv
import hashlib
import json
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigWorkflow

from lungdet.lesions import ClassifierFile
from lungdet.phantoms import make_chest, write_nifti
from lungdet.records import DetectionReport, Finding, ModelInfo
from lungdet.reports import read_json, write_json
from lungdet.workflows import bundle_root

BUNDLE = "nodule_classifier"
NETWORK = {"block_config": [1, 1], "growth_rate": 4, "init_features": 8}  # as the flows train it


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, run_bundle) -> Path:
    """Folder of a training in two processes."""
    folder = tmp_path_factory.mktemp("classifier") / "runs"
    settings = {"num_epochs": "1", "patients_per_step": "1", "output_dir": str(folder)}
    log = run_bundle("train.yaml", "multi_gpu_train.yaml", processes=2, bundle=BUNDLE, **settings)
    assert "nodule_auc" in log
    return folder


def run_here(name: str, trained: Path, **settings: object) -> None:
    """Run the bundle on the training's weights in this process, which is faster."""
    root = bundle_root(BUNDLE)
    paths = {"checkpoint": str(trained / "model.pt"), "classifier_file": str(trained / "classifier.json")}
    shape = {"scan_shape": [112, 104, 96], "network_def#settings": NETWORK}
    files = [str(root / "configs" / f"{part}.yaml") for part in ("common", name)]
    given = {"bundle_root": str(root), **shape, **paths, **settings}
    workflow = ConfigWorkflow(files, meta_file=None, logging_file=False, workflow_type="infer", **given)
    workflow.initialize()
    workflow.run()
    workflow.finalize()


@pytest.mark.slow
def test_a_training_leaves_weights_temperatures_and_a_history(trained: Path):
    weights = torch.load(trained / "model.pt", weights_only=True)
    assert {name.split(".")[0] for name in weights} == {"backbone", "heads"}
    assert all(torch.isfinite(value).all() for value in weights.values())
    digest = hashlib.sha256((trained / "model.pt").read_bytes()).hexdigest()
    assert ClassifierFile.load(trained / "classifier.json", weights_sha256=digest).filter is None
    with (trained / "history.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1"]
    parts = {"train_loss_nodule", "train_loss_kind", "train_loss_ratings"}
    assert parts | {"heads", "nodule_auc", "kind_recall"} <= rows[0].keys()


@pytest.mark.slow
def test_its_weights_are_scored(trained: Path, tmp_path: Path):
    run_here("evaluate", trained, seeds=[52, 55], cubes_per_patient=4, output_dir=str(tmp_path))
    assert json.loads((tmp_path / "metrics.json").read_text())["cubes"] == 8
    with (tmp_path / "cubes.csv").open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 8


@pytest.mark.slow
@pytest.mark.parametrize("found", [2, 0])
def test_a_detectors_marks_are_answered(found: int, trained: Path, tmp_path: Path):
    volume = make_chest(3, spacing_mm=(2.5, 2.5, 2.5), shape=(100, 90, 60)).volume
    ct = write_nifti(volume, tmp_path / "ct.nii.gz")
    middle = (volume.affine_lps @ [50, 45, 30, 1])[:3]
    box = (*(middle - 4).tolist(), *(middle + 4).tolist())
    findings = tuple(Finding(box, (48, 43, 28, 52, 47, 32), score) for score in (0.9, 0.4)[:found])
    affine = tuple(tuple(row) for row in volume.affine_lps.tolist())
    report = DetectionReport(volume.info, volume.array.shape, affine, findings, ModelInfo("d", "1", ""), "0")
    write_json(tmp_path / "findings.json", report)
    paths = {"ct": str(ct), "findings": str(tmp_path / "findings.json"), "output_dir": str(tmp_path / "out")}
    run_here("inference", trained, **paths)
    answered = read_json(tmp_path / "out" / "findings.json")
    assert [each.answer is not None for each in answered.findings] == [True] * found
    assert [model.name for model in answered.models] == ["The kind of a lung nodule"]
