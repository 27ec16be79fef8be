"""The same settings train and score on a list of files, as one's own scans would be."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from lungdet.datalists import IgnoredBox, LabelledBox, ScanEntry, datalist_content, write_datalist
from lungdet.phantoms import make_chest, write_dicom_series, write_nifti


def entry(base: Path, seed: int, dicom: bool = False) -> ScanEntry:
    """Write a small scan, and describe it with its nodules; the first of them is one to ignore."""
    chest = make_chest(seed, spacing_mm=(3.5, 3.5, 3.5), shape=(80, 80, 64))
    name = str(seed) if dicom else f"{seed}.nii.gz"
    if dicom:
        write_dicom_series(chest.volume, base / name, seed=seed)
    else:
        write_nifti(chest.volume, base / name)
    boxes: Sequence[tuple[float, ...]] = [nodule.box_lps_mm for nodule in chest.nodules]
    return ScanEntry(
        image=name,
        patient_id=f"patient {seed}",
        box_frame="lps_mm",
        boxes=tuple(LabelledBox(tuple(box)) for box in boxes[1:]),
        ignored=tuple(IgnoredBox(tuple(box), "one reader") for box in boxes[:1]),
    )


@pytest.mark.slow
def test_train_and_score_on_files(tmp_path: Path, run_bundle):
    images = tmp_path / "images"
    images.mkdir()
    parts = {
        "training": [entry(images, 1, dicom=True), entry(images, 2)],
        "validation": [entry(images, 3)],
        "test": [entry(images, 4), entry(images, 5, dicom=True)],
    }
    write_datalist(tmp_path / "list.json", datalist_content("files", parts))
    lists = {"datalist": str(tmp_path / "list.json"), "dataset_dir": str(images)}
    runs = tmp_path / "runs"
    run_bundle("train.yaml", **lists, num_epochs="1", patience="5", max_gradient_norm="1", output_dir=str(runs))
    weights = torch.load(runs / "model.pt", weights_only=True)
    assert all(torch.isfinite(value).all() for value in weights.values())

    evaluation = tmp_path / "eval"
    run_bundle("evaluate.yaml", **lists, checkpoint=str(runs / "model.pt"), output_dir=str(evaluation))
    score = json.loads((evaluation / "metrics.json").read_text())
    assert score["scans"] == 2
    assert score["nodules"] == sum(len(each.boxes) for each in parts["test"])
    with (evaluation / "scans.csv").open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 2
