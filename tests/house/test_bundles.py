"""Bundles hold settings only, and every setting points at something real."""

import hashlib
import importlib
import json
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from monai.bundle import ConfigWorkflow
from PIL import Image

from lungdet.datalists import PictureEntry, picture_list_content, write_picture_list
from lungdet.datalists.scan_list import ScanList, ScanListEntry, write_scan_list
from lungdet.lesions import ClassifierFile
from lungdet.phantoms import write_deeplesion
from lungdet.records import ModelInfo, empty_scan
from lungdet.reports.candidate_file import write_candidates
from lungdet.routing import Router, load_class_list

ROOT = Path(__file__).resolve().parents[2]
BUNDLES = sorted(path for path in (ROOT / "bundles").iterdir() if path.is_dir())
CONFIGS = sorted(path for bundle in BUNDLES for path in (bundle / "configs").glob("*.yaml"))
LONGEST_EXPRESSION = 72
# A config names the folder, never the file: then files may move.
ROOMS_WITH_PUBLIC_NAMES = {
    "lungdet.transforms", "lungdet.detection", "lungdet.losses", "lungdet.metrics", "lungdet.inferers",
    "lungdet.engines", "lungdet.networks.nets", "lungdet.networks.blocks", "lungdet.readers", "lungdet.phantoms",
    "lungdet.routing", "lungdet.lesions", "lungdet.workflows",
}  # fmt: skip


def walk(node: Any) -> list[tuple[str, Any]]:
    """All ``(key, scalar)`` pairs of a nested config."""
    if isinstance(node, dict):
        return [pair for key, value in node.items() for pair in ([(str(key), value)] + walk(value))]
    if isinstance(node, list):
        return [pair for value in node for pair in ([("", value)] + walk(value))]
    return []


def targets(config: Any) -> list[str]:
    return [value for key, value in walk(config) if key == "_target_" and not value.startswith("$")]


def resolve(target: str) -> Any:
    module, _, name = target.rpartition(".")
    if module.startswith("lungdet") and module not in ROOMS_WITH_PUBLIC_NAMES:
        raise ValueError(f"{target}: name the folder, not the file")
    return getattr(importlib.import_module(module), name)


def long_expressions(config: Any) -> list[str]:
    return [
        value
        for _, value in walk(config)
        if isinstance(value, str) and value.startswith("$") and len(value) > LONGEST_EXPRESSION
    ]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: f"{path.parts[-3]}/{path.name}")
def test_every_target_resolves(config: Path):
    for target in targets(yaml.safe_load(config.read_text())):
        assert callable(resolve(target)), target


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: f"{path.parts[-3]}/{path.name}")
def test_expressions_are_short(config: Path):
    assert long_expressions(yaml.safe_load(config.read_text())) == []


def test_the_checks_see_bad_settings():
    config = yaml.safe_load("a: {_target_: monai.transforms.NoSuchThing}\nb: [{c: '$" + "x" * 80 + "'}]")
    with pytest.raises(AttributeError):
        resolve(targets(config)[0])
    with pytest.raises(ValueError, match="not the file"):
        resolve("lungdet.transforms.intensity.ScaleHU")
    assert len(long_expressions(config)) == 1


def test_no_python_in_bundles():
    assert [str(path) for path in (ROOT / "bundles").rglob("*") if path.suffix in {".py", ".ipynb", ".sh"}] == []


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.name)
def test_bundle_has_the_layout_of_the_model_zoo(bundle: Path):
    for name in ("LICENSE", "docs/README.md", "docs/data_license.txt", "configs/metadata.json", "configs/logging.conf"):
        assert (bundle / name).is_file(), name
    metadata = json.loads((bundle / "configs" / "metadata.json").read_text())
    assert "lungdet" in metadata["required_packages_version"]
    assert metadata["version"] in metadata["changelog"]


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.name)
def test_shipped_weights_are_small(bundle: Path):
    for weights in (bundle / "models").glob("*"):
        assert weights.stat().st_size <= 5_000_000, weights


def test_the_router_belongs_to_its_weights():
    root = ROOT / "bundles" / "body_part_router"
    router = Router.load(root / "models" / "router.json", checkpoint=root / "models" / "model.pt")
    channels = json.loads((root / "configs" / "metadata.json").read_text())["network_data_format"]["outputs"]["pred"]
    assert router.class_list.names == tuple(channels["channel_def"].values())
    assert router.abstention.reached
    assert router.out_of_domain is not None


@pytest.mark.parametrize("name", ["classifier", "detector"])
def test_the_scan_risk_belongs_to_the_shipped_models(name: str):
    weights = ROOT / "bundles" / f"nodule_{name}" / "models" / "model.pt"
    common = yaml.safe_load((ROOT / "bundles" / "scan_risk" / "configs" / "common.yaml").read_text())
    assert common[f"{name}_sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()


def test_the_temperatures_belong_to_the_classifiers_weights():
    models = ROOT / "bundles" / "nodule_classifier" / "models"
    digest = hashlib.sha256((models / "model.pt").read_bytes()).hexdigest()
    found = ClassifierFile.load(models / "classifier.json", weights_sha256=digest)
    assert found.learnt, "`monai.bundle run fit` judges which ratings were learnt"
    assert found.on_marks is not None, "`benchmarks/nodules.py filter --store` fits it"
    detector = ROOT / "bundles" / "nodule_detector" / "models" / "model.pt"
    assert found.on_marks.detector_sha256 == hashlib.sha256(detector.read_bytes()).hexdigest()


WORKFLOWS = [
    (("train",), "train"),
    (("evaluate",), "infer"),
    (("inference",), "infer"),
    (("train", "multi_gpu_train"), "train"),
    (("evaluate", "multi_gpu_evaluate"), "infer"),
]


@pytest.fixture
def one_process(monkeypatch: pytest.MonkeyPatch):
    """What torchrun says to the only process of a run."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    said = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "RANK": 0, "LOCAL_RANK": 0, "WORLD_SIZE": 1}
    for name, value in said.items():
        monkeypatch.setenv(name, str(value))


@pytest.fixture(scope="module")
def few_lesions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Table of a DeepLesion folder with a few patients in each part."""
    folder = tmp_path_factory.mktemp("deeplesion")
    write_deeplesion(folder, patients=6, image_size=64, context_mm=1.0, studies=1, lesions=1)
    return folder / "DL_info.csv"


def few_scans(folder: Path) -> str:
    """A list with a scan without candidates in each part."""
    detector = ModelInfo("none", "0", "")
    scans = tuple(ScanListEntry(part, f"{part}.npz", part, 1, 0) for part in ("training", "validation", "test"))
    for scan in scans:
        write_candidates(folder / scan.file, empty_scan(scan.id, detector))
    return str(write_scan_list(folder, ScanList(scans, detector, 6, 0.02, {})))


@pytest.fixture
def small_settings(tmp_path: Path, few_lesions: Path) -> dict[str, dict[str, str]]:
    """Settings by bundle with which nothing is waited for."""
    pictures = [f"{number}.png" for number in range(4)]
    for name in pictures:
        Image.fromarray(np.full((32, 32), 99, np.uint8)).save(tmp_path / name)
    entries = [PictureEntry(name, (0,), name) for name in pictures]
    parts = {"training": entries[:2], "validation": entries[2:3], "test": entries[3:]}
    listed = str(tmp_path / "list.json")
    write_picture_list(listed, picture_list_content("few", load_class_list("mednist6"), parts))
    return {
        "nodule_detector": {"train_seeds": "$range(1)", "val_seeds": "$range(1)", "scan_shape": "$[64, 64, 48]"},
        "body_part_router": {"datalist": listed, "dataset_dir": str(tmp_path)},
        "body_part_regressor": {"train_seeds": "$range(1)", "val_seeds": "$range(1)", "cache_rate": 0.0},
        "lesion_embedding": {"labels": str(few_lesions)},
        "nodule_classifier": {
            "train_seeds": "$range(1)",
            "val_seeds": "$range(1)",
            "seeds": "$range(1)",
            "val_cubes_per_patient": 1,
            "cubes_per_patient": 1,
            "scan_shape": "$[64, 64, 64]",
            "cache_rate": 0.0,
        },
        "scan_risk": {"datalist": few_scans(tmp_path), "cache_rate": 0.0},
    }


def test_every_bundle_has_small_settings(small_settings: dict[str, dict[str, str]]):
    assert sorted(small_settings) == [bundle.name for bundle in BUNDLES]


@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.name)
@pytest.mark.parametrize(
    ("names", "kind"), WORKFLOWS, ids=lambda value: value if isinstance(value, str) else "+".join(value)
)
def test_bundle_has_the_properties_that_monai_expects(
    bundle: Path,
    names: tuple[str, ...],
    kind: str,
    tmp_path: Path,
    small_settings: dict[str, dict[str, str]],
):
    configs = bundle / "configs"
    workflow = ConfigWorkflow(
        config_file=[str(configs / f"{name}.yaml") for name in ("common", *names)],
        meta_file=str(configs / "metadata.json"),
        logging_file=False,
        workflow_type=kind,
        bundle_root=str(bundle),
        output_dir=str(tmp_path),
        **small_settings[bundle.name],
    )
    workflow.initialize()
    try:
        assert workflow.check_properties() == []
    finally:
        workflow.finalize()
