"""The regressor's bundle trains, fits its scale, goes on, scores and names parts, all by its own configs."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow

from lungdet.datalists import ScanEntry, datalist_content, write_datalist
from lungdet.phantoms import make_torso, write_nifti

ROOT = Path(__file__).resolve().parents[2] / "bundles" / "body_part_regressor"
SMALL = {
    "train_seeds": "$range(2)", "val_seeds": "$range(2, 3)", "scale_seeds": "$range(3, 5)", "test_seeds": "$range(2)",
    "torso_spacing_mm": [7.0, 7.0, 40.0], "gap_limits_mm": None, "part_prob": 0.0, "volumes_per_step": 2,
    "slices_per_volume": 4, "side": 64, "pixel_mm": 7.0, "iterations": 4, "val_interval": 2, "tensorboard": "$False",
}  # fmt: skip


def run(*names: str, kind: str = "train", **settings: object) -> None:
    """Run configs of the bundle in this process, with settings that make them short."""
    configs = [str(ROOT / "configs" / f"{name}.yaml") for name in ("common", *names)]
    workflow = ConfigWorkflow(
        config_file=configs, workflow_type=kind, logging_file=False, bundle_root=str(ROOT), **settings
    )
    workflow.initialize()
    workflow.run()
    workflow.finalize()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("regressor")
    run("train", output_dir=str(folder), **SMALL)
    return folder


def test_a_training_leaves_weights_and_a_history(trained: Path):
    weights = torch.load(trained / "model.pt", weights_only=True)
    assert all(torch.isfinite(value).all() for value in weights.values())
    with (trained / "history.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 4
    assert {"train_loss", "train_loss_order", "train_loss_steps", "linearity", "tau"} <= rows[0].keys()


def test_unlabelled_scans_from_a_list(trained: Path, tmp_path: Path):
    entries = []
    for seed in range(3):
        write_nifti(make_torso(seed, spacing_mm=(7.0, 7.0, 40.0), size=64).volume, tmp_path / f"{seed}.nii.gz")
        entries.append(ScanEntry(f"{seed}.nii.gz", f"p{seed}", "lps_mm"))
    parts = {"training": entries[:2], "validation": entries[2:]}
    write_datalist(tmp_path / "list.json", datalist_content("ct", parts))
    settings = {**SMALL, "scale_seeds": [], "datalist": str(tmp_path / "list.json")}
    run("train", output_dir=str(tmp_path / "runs"), **settings)
    assert (tmp_path / "runs" / "model.pt").is_file()


def test_the_published_settings_train(tmp_path: Path):
    keep = ("train_seeds", "val_seeds", "torso_spacing_mm", "part_prob", "volumes_per_step", "tensorboard")
    settings = {name: SMALL[name] for name in keep} | {"iterations": 1, "scale_seeds": [], "side": 32}
    network = "$__import__('lungdet').networks.nets.body_part_regressor('published', width=0.1)"
    run("train", "published", output_dir=str(tmp_path), network_def=network, **settings)
    assert (tmp_path / "model.pt").is_file()


def test_weights_score_torsos_and_a_scan(trained: Path, tmp_path: Path):
    used = {"checkpoint": str(trained / "model.pt"), "score_file": str(trained / "none.json")}
    small = {name: SMALL[name] for name in ("test_seeds", "torso_spacing_mm", "side", "pixel_mm")}
    run("evaluate", kind="infer", output_dir=str(tmp_path / "eval"), **used, **small)
    rows = read(tmp_path / "eval")
    assert {row["volume"] for row in rows} == {"torso-0", "torso-1"}
    assert {row["region"] for row in rows} == {""}

    volume = make_torso(5, spacing_mm=(7.0, 7.0, 40.0), size=64).volume
    write_nifti(volume, tmp_path / "scan.nii.gz")
    run(
        "inference", kind="infer", output_dir=str(tmp_path / "out"), ct=str(tmp_path / "scan.nii.gz"), side=64,
        pixel_mm=7.0, **used,
    )  # fmt: skip
    found = read(tmp_path / "out")
    assert len(found) == volume.array.shape[2]
    assert (np.diff([float(row["position_mm"]) for row in found]) > 0).all()


def read(folder: Path) -> list[dict[str, str]]:
    with (folder / "slice_scores.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))
