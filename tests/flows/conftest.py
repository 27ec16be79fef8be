"""How the flows start MONAI's own command on the shipped bundles, small enough for a test."""

import os
import subprocess
import sys
from collections.abc import Sequence

import pytest
from PIL import Image

from lungdet.cli import main
from lungdet.phantoms import make_radiograph
from lungdet.workflows import bundle_root

DETECTOR, ROUTER = "nodule_detector", "body_part_router"
TINY_DETECTOR = {
    "scan_shape": "[80,80,64]",
    "spacing_mm": "[3.5,3.5,3.5]",
    "patch_size": "[48,48,16]",
    "precision": "float32",
    "network_def#second_look": "true",
    "train_seeds": "$range(4)",
    "val_seeds": "$range(50,52)",
    "val_interval": "1",
    "log_interval": "1",
}
TINY_ROUTER = {"image_size": "32", "batch_size": "8", "log_interval": "1", "training_precision": "float32"}
TINY_EMBEDDING = {
    "crop_side": "32",
    "width": "8",
    "embed_channels": "16",
    "sequences": "2",
    "val_interval": "1",
    "log_interval": "1",
    "training_precision": "float32",
}
TINY_CLASSIFIER = {
    "scan_shape": "[112,104,96]",  # smaller ones have no room for a nodule
    "network_def#settings": "{'block_config': [1, 1], 'growth_rate': 4, 'init_features': 8}",
    "train_seeds": "$range(2)",
    "val_seeds": "[52,55]",
    "cubes_per_patient": "2",
    "val_cubes_per_patient": "4",
    "val_interval": "1",
    "log_interval": "1",
    "training_precision": "float32",
}
TINY_RISK = {"batch_size": "3", "val_interval": "1", "log_interval": "1", "classifier_sha256": ""}
TINY = {
    DETECTOR: TINY_DETECTOR,
    ROUTER: TINY_ROUTER,
    "lesion_embedding": TINY_EMBEDDING,
    "nodule_classifier": TINY_CLASSIFIER,
    "scan_risk": TINY_RISK,
}
KINDS = ("chest", "hand", "spine")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def bundle_command(configs: Sequence[str], processes: int, bundle: str, **overrides: str) -> list[str]:
    root = bundle_root(bundle)
    files = [name if os.path.isabs(name) else str(root / "configs" / name) for name in ("common.yaml", *configs)]
    start = [sys.executable, "-W", "ignore"]
    if processes > 1:
        start += ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    command = [*start, "-m", "monai.bundle", "run", "--config_file", str(files)]
    for name, value in {"bundle_root": str(root), **TINY[bundle], **overrides}.items():
        command += [f"--{name}", value]
    return command


@pytest.fixture(scope="session")
def picture_list(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings that name a list of 42 small pictures of three kinds, and its classes."""
    folder = tmp_path_factory.mktemp("pictures")
    for seed in range(14):
        for kind in KINDS:
            (folder / "images" / kind).mkdir(parents=True, exist_ok=True)
            pixels = make_radiograph(seed, kind, rows=40, columns=32)
            Image.fromarray((pixels * 255).astype("uint8")).save(folder / "images" / kind / f"{seed}.png")
    (folder / "kinds.yaml").write_text(f"name: kinds\nclasses: [{', '.join(KINDS)}]\n")
    classes, listed = str(folder / "kinds.yaml"), str(folder / "list.json")
    command = ["datalist", "radiographs", str(folder / "images"), "--classes", classes, "-o", listed]
    assert main(command) == 0
    return {"datalist": listed, "dataset_dir": str(folder / "images"), "class_list": classes}


@pytest.fixture(scope="session")
def start_bundle():
    """Start a bundle's run in a process of its own."""

    def start(*configs: str, processes: int = 1, bundle: str = DETECTOR, **overrides: str) -> subprocess.Popen[str]:
        command = bundle_command(configs, processes, bundle, **overrides)
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=ENVIRONMENT)

    return start


@pytest.fixture(scope="session")
def run_bundle(start_bundle):
    """Run the bundle by MONAI's command, and return what it printed."""

    def run(*configs: str, processes: int = 1, bundle: str = DETECTOR, **overrides: str) -> str:
        process = start_bundle(*configs, processes=processes, bundle=bundle, **overrides)
        log, _ = process.communicate(timeout=600)
        assert process.returncode == 0, log
        return log

    return run
