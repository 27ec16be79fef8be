"""Pictures with several labels: a list from a CSV, a training by either activation, and a bundle of one's own."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lungdet.cli import main
from lungdet.phantoms import make_radiograph

PAIRS = (("hand",), ("chest",), ("chest", "spine"), ("spine",))


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings of a list of pictures, side by side where there are two labels."""
    folder = tmp_path_factory.mktemp("several")
    rows = []
    for seed in range(32):
        kinds = PAIRS[seed % len(PAIRS)]
        pixels = np.concatenate([make_radiograph(seed, kind, rows=40, columns=32) for kind in kinds], axis=1)
        Image.fromarray((pixels * 255).astype("uint8")).save(folder / f"{seed}.png")
        rows.append({"image": f"{seed}.png", "label": ";".join(kinds), "patient": f"p{seed // 2}"})
    with (folder / "labels.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ["image", "label", "patient"])
        writer.writeheader()
        writer.writerows(rows)
    classes = folder / "own.yaml"
    classes.write_text("name: own\nmulti_label: true\nclasses: [chest, hand, spine]\n")
    command = ["datalist", "radiographs", str(folder / "labels.csv"), "--images", str(folder)]
    assert main([*command, "--classes", str(classes), "-o", str(folder / "list.json")]) == 0
    return {"datalist": str(folder / "list.json"), "dataset_dir": str(folder), "class_list": str(classes)}


@pytest.mark.slow
@pytest.mark.parametrize(("activation", "network"), [("sigmoid", "mobilenet_v1"), ("softmax", "densenet_compact")])
def test_a_router_of_several_labels(several, activation: str, network: str, tmp_path: Path, run_bundle, capsys):
    settings = {**several, "activation": activation, "network_name": network, "loss_balance": "0.5"}
    settings |= {"target_accuracy": "0.5", "confidence": "None", "num_epochs": "2", "output_dir": str(tmp_path)}
    run_bundle("train.yaml", bundle="body_part_router", **settings)
    weights = torch.load(tmp_path / "model.pt", weights_only=True)
    assert all(torch.isfinite(value).all() for value in weights.values())
    capsys.readouterr()
    assert main(["label", "--bundle", str(tmp_path / "bundle"), several["dataset_dir"] + "/2.png"]) == 0
    label = capsys.readouterr().out.split("\t")[1]
    assert set(label.split(";")) <= {"chest", "hand", "spine", "review"}
