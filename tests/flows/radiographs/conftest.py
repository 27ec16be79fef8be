"""A router's bundle whose answer is known beforehand: it looks at the mean brightness, and at nothing else."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lungdet.networks.nets import PictureClassifier
from lungdet.phantoms import write_radiograph_dicom
from lungdet.records import BodyPartClass, ClassList
from lungdet.routing import Router
from lungdet.routing.abstention import Abstention
from lungdet.routing.calibration import Calibration
from lungdet.routing.label_choice import LabelChoice

CENTRES = (0.1, 0.5, 0.9)  # brightness that each class stands for
GREY = {"hand": 0.1, "chest": 0.5, "knee": 0.9, "unsure": 0.3}
CLASSES = ClassList("tiny", tuple(BodyPartClass(name, name.upper()) for name in ("hand", "chest", "knee")))

COMMON = """
bundle_root: .
checkpoint: $@bundle_root + '/models/model.pt'
router_file: $@bundle_root + '/models/router.json'
device: cpu
network:
  _target_: lungdet.networks.nets.PictureClassifier
  features: {_target_: torch.nn.Conv2d, in_channels: 1, out_channels: 1, kernel_size: 1}
  embed_channels: 1
  num_classes: 3
preprocessing:
  _target_: monai.transforms.Compose
  transforms:
  - {_target_: lungdet.transforms.LoadRadiographd, keys: image, max_side: 32}
  - {_target_: lungdet.transforms.FitPictured, keys: image, side: 32}
inferer: {_target_: lungdet.inferers.EmbeddingInferer}
"""

WriteRadiograph = Callable[..., Path]


@pytest.fixture(scope="session")
def brightness_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bundles") / "brightness"
    (root / "configs").mkdir(parents=True)
    (root / "models").mkdir()
    (root / "configs" / "metadata.json").write_text(json.dumps({"name": "brightness", "version": "9.9"}))
    (root / "configs" / "common.yaml").write_text(COMMON)
    (root / "configs" / "inference.yaml").write_text("output_dir: out\n")
    network = PictureClassifier(torch.nn.Conv2d(1, 1, 1), 1, 3)
    with torch.no_grad():
        network.features.weight.fill_(1.0)
        network.features.bias.zero_()
        # -100 (m - c)^2 without the term that all classes share: linear in the mean brightness m
        network.classifier.weight.copy_(torch.tensor([[200 * center] for center in CENTRES]))
        network.classifier.bias.copy_(torch.tensor([-100 * center**2 for center in CENTRES]))
    torch.save(network.state_dict(), root / "models" / "model.pt")
    digest = hashlib.sha256((root / "models" / "model.pt").read_bytes()).hexdigest()
    router = Router(
        CLASSES, Calibration(), LabelChoice(False, "softmax"), Abstention(threshold=0.9), weights_sha256=digest
    )
    router.save(root / "models" / "router.json")
    return root


@pytest.fixture(scope="session")
def write_radiograph() -> WriteRadiograph:
    """Write a picture of even brightness: ``write(path, "chest")`` is answered with "chest"; DICOM unless it is PNG."""

    def write(path: Path, kind: str, seed: int = 0, **options: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((40, 40), GREY[kind], np.float32)
        if path.suffix == ".png":
            Image.fromarray((pixels * 255).astype(np.uint8)).save(path)
            return path
        return write_radiograph_dicom(pixels, path, seed=seed, **{"body_part": kind.upper(), **options})

    return write
