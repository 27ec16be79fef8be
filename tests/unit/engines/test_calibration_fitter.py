"""Which validation pictures the router file is fitted to, and how they count."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from torch import Tensor, nn

from lungdet.engines import CalibrationFitter
from lungdet.inferers import EmbeddingInferer
from lungdet.records import BodyPartClass, ClassList

NAMES = tuple(BodyPartClass(name) for name in ("dark", "grey", "bright"))
ONE, SEVERAL = ClassList("one", NAMES), ClassList("several", NAMES, multi_label=True)
LEVELS = (0.1, 0.5, 0.9)


class Brightness(nn.Module):
    """Knows three shades of grey by the mean of the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.centers = nn.Parameter(torch.tensor(LEVELS))

    def embed(self, images: Tensor) -> Tensor:
        flat = images.flatten(1)
        return torch.stack([flat.mean(dim=1), flat.std(dim=1)], dim=1)

    def classify(self, embedding: Tensor) -> Tensor:
        return -50 * (embedding[:, :1] - self.centers).square()

    def forward(self, images: Tensor) -> Tensor:
        return self.classify(self.embed(images))


def shades(count: int, several: bool = False) -> list[dict[str, Any]]:
    """Pictures without a doubt, of the three kinds in turn."""
    rng = np.random.default_rng(0)
    pixels = rng.normal(0, 0.01, (count, 1, 8, 8)).astype(np.float32)
    labels = [np.eye(3)[k % 3].tolist() if several else k % 3 for k in range(count)]
    return [{"image": MetaTensor(pixels[k] + LEVELS[k % 3]), "label": labels[k]} for k in range(count)]


def fit(folder: Path, classes: ClassList, validation: list[dict[str, Any]], **options: Any) -> Any:
    network = Brightness()
    torch.save(network.state_dict(), folder / "model.pt")
    files = folder / "model.pt", folder / "router.json"
    return CalibrationFitter(network, *files, classes, validation, inferer=EmbeddingInferer(), **options).fit()


def test_pictures_of_a_patient_count_once_where_items_name_it(tmp_path: Path):
    wanted = {"target_accuracy": 0.93, "confidence": 0.9}
    clear = shades(60)
    assert fit(tmp_path, ONE, clear, **wanted).abstention.reached
    paired = [{**item, "patient": f"p{k // 2}"} for k, item in enumerate(clear)]
    assert not fit(tmp_path, ONE, paired, **wanted).abstention.reached


def test_answers_to_pictures_without_a_label_are_wrong(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    known, wanted = shades(30, several=True), {"target_accuracy": 0.9, "confidence": None}
    nameless = [{**item, "label": [0.0, 0.0, 0.0]} for item in known[:10]]
    pure, mixed = fit(tmp_path, SEVERAL, known, **wanted), fit(tmp_path, SEVERAL, known + nameless, **wanted)
    assert mixed.calibration == pure.calibration
    assert (mixed.abstention.pictures, pure.abstention.pictures) == (40, 30)
    assert mixed.abstention.coverage < pure.abstention.coverage
    assert "10 validation pictures have no class" in caplog.text


def test_without_any_label_nothing_is_written(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    nameless = [{**item, "label": [0.0, 0.0, 0.0]} for item in shades(6)]
    for classes in (ONE, SEVERAL):
        assert fit(tmp_path, classes, nameless) is None
    assert "no labelled validation picture" in caplog.text
    assert not (tmp_path / "router.json").exists()
