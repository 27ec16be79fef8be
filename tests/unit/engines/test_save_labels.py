import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset
from monai.engines import SupervisedEvaluator
from PIL import Image

from lungdet.engines import LabelSaver, prepare_picture_batch
from lungdet.inferers import EmbeddingInferer
from lungdet.networks.nets import PictureClassifier
from lungdet.records import BodyPartClass, ClassList
from lungdet.routing import Abstention, Calibration, LabelChoice, Router, RouterFileError
from lungdet.transforms import LoadRadiographd


@pytest.fixture
def dark_or_bright(tmp_path: Path) -> PictureClassifier:
    """A network whose logits are the brightness less 0.5, times 10, and its negative; with weights and a router."""
    network = PictureClassifier(torch.nn.Conv2d(1, 1, 1), 1, 2)
    with torch.no_grad():
        network.features.weight.fill_(1.0)
        network.features.bias.fill_(-0.5)
        network.classifier.weight.copy_(torch.tensor([[-10.0], [10.0]]))
    torch.save(network.state_dict(), tmp_path / "model.pt")
    classes = ClassList("light", (BodyPartClass("dark"), BodyPartClass("bright")))
    digest = hashlib.sha256((tmp_path / "model.pt").read_bytes()).hexdigest()
    choice, least = LabelChoice(False, "softmax"), Abstention(threshold=0.9)
    Router(classes, Calibration(), choice, least, weights_sha256=digest).save(tmp_path / "router.json")
    (tmp_path / "metadata.json").write_text(json.dumps({"name": "light", "version": "1"}))
    return network


def run(folder: Path, network: PictureClassifier, *levels: int) -> Path:
    for level in levels:
        Image.fromarray(np.full((32, 32), level, np.uint8)).save(folder / f"{level}.png")
    items = [{"image": str(folder / f"{level}.png")} for level in levels]
    files = folder / "router.json", folder / "model.pt", folder / "metadata.json"
    SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(Dataset(items, LoadRadiographd("image")), batch_size=2),
        network=network,
        prepare_batch=prepare_picture_batch,
        inferer=EmbeddingInferer(),
        val_handlers=[LabelSaver(folder / "out", *files)],
    ).run()
    return folder / "out"


def test_every_file_gets_a_row_in_its_order(dark_or_bright: PictureClassifier, tmp_path: Path) -> None:
    out = run(tmp_path, dark_or_bright, 255, 0, 130)
    with (out / "labels.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["label"] for row in rows] == ["bright", "dark", "review"]
    assert [Path(row["file"]).name for row in rows] == ["255.png", "0.png", "130.png"]
    content = json.loads((out / "labels.json").read_text())
    assert content["model"]["name"] == "light"
    assert [entry["decision"] for entry in content["files"]] == ["answer", "answer", "review"]
    assert content["files"][0]["top"][0]["probability"] == pytest.approx(1 / (1 + np.exp(-10)), abs=1e-4)


def test_a_router_of_other_weights_is_refused(dark_or_bright: PictureClassifier, tmp_path: Path) -> None:
    torch.save({"other": torch.zeros(1)}, tmp_path / "model.pt")
    with pytest.raises(RouterFileError, match="fitted to"):
        run(tmp_path, dark_or_bright, 0)
