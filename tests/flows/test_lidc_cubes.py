"""From scans and readers' XML, as LIDC-IDRI has them, to cubes with their targets: by the command line and a list."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from monai.bundle import ConfigWorkflow

from lungdet import cli
from lungdet.datalists import read_datalist, write_datalist
from lungdet.engines import list_nodule_cubes
from lungdet.geometry.frames import world_to_voxel
from lungdet.phantoms import NoduleCut, make_nodule_cut, write_dicom_series, write_lidc_xml
from lungdet.phantoms.nodule_readers import Reading, rating_shares, read_nodule
from lungdet.records import NODULE_TYPES, Contour, Mark, SeriesMarks, nodule_type
from lungdet.transforms import LoadCubed
from lungdet.workflows import bundle_root

KINDS = ("solid", "ground_glass")
LOOKALIKE_MM = 24.0  # from the nodule to the point that a reader called no nodule


def outlines(cut: NoduleCut) -> tuple[Contour, ...]:
    """Circles along the pixels just outside the ball of a nodule, on every slice that cuts it."""
    affine = cut.volume.affine_lps
    middle = world_to_voxel(np.array([cut.nodule.center_lps_mm]), affine)[0]
    radius, pixel, step = cut.nodule.diameter_mm / 2, affine[0, 0], affine[2, 2]
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    found = []
    for slice_index in range(cut.volume.array.shape[2]):
        rest = radius**2 - ((slice_index - middle[2]) * step) ** 2
        if rest > 1:
            size = np.sqrt(rest) / pixel + 1
            points = np.rint(middle[:2] + size * np.stack([np.cos(angles), np.sin(angles)], axis=1)).astype(int)
            found.append(Contour("", float(affine[2, 3] + slice_index * step), points))
    return tuple(found)


def marks_of(cut: NoduleCut, uid: str, readings: tuple[Reading, ...]) -> SeriesMarks:
    drawn = outlines(cut)
    away = drawn[0].points[:1] + [[round(LOOKALIKE_MM / cut.volume.affine_lps[0, 0]), 0]]
    study = f"1.2.{uid[-9:]}"
    marks = [Mark(uid, study, n, "r", f"n{n}", "nodule", drawn, ratings) for n, ratings in enumerate(readings)]
    point = Mark(uid, study, 0, "r", "other", "non_nodule", (Contour("", drawn[len(drawn) // 2].z_mm, away),))
    return SeriesMarks(uid, study, 4, (*marks, point))


@pytest.fixture(scope="module")
def readings() -> dict[str, tuple[Reading, ...]]:
    return {}


@pytest.fixture(scope="module")
def datalist(tmp_path_factory: pytest.TempPathFactory, readings: dict[str, tuple[Reading, ...]]) -> Path:
    root = tmp_path_factory.mktemp("lidc")
    for number, kind in enumerate(KINDS):
        cut = make_nodule_cut(30_000 + number, 14.0, kind=kind, spacing_mm=(0.8, 0.8, 2.0))
        patient = f"LIDC-IDRI-000{number}"
        info = write_dicom_series(cut.volume, root / "images" / patient)
        readings[patient] = read_nodule(cut.nodule, seed=number)
        (root / "xml" / patient).mkdir(parents=True)
        write_lidc_xml(marks_of(cut, info.series_uid, readings[patient]), root / "xml" / patient / "1.xml")
    target = root / "list.json"
    command = ["datalist", "lidc", str(root / "xml"), "--images", str(root / "images"), "-o", str(target)]
    assert cli.main(command) == 0
    return target


def test_every_reader_is_in_the_targets(datalist: Path, readings: dict[str, tuple[Reading, ...]]):
    items = list_nodule_cubes(datalist, dataset_dir=datalist.parent / "images")
    assert len(items) == 2 * len(KINDS)
    for patient, given in readings.items():
        (nodule,) = [item for item in items if item["patient"] == patient and item["nodule"] == 1]
        assert np.allclose(nodule["ratings"].numpy(), rating_shares(given))
        texture, calcium = (
            [rating.value for reading in given for rating in reading if rating.name == name]
            for name in ("texture", "calcification")
        )
        assert NODULE_TYPES[nodule["kind"]] == nodule_type(texture, calcium)
        assert nodule["diameter_mm"].item() == pytest.approx(14, abs=2.5)


def test_nodules_lie_in_the_middle_of_their_cubes(datalist: Path):
    for item in list_nodule_cubes(datalist, dataset_dir=datalist.parent / "images"):
        cube = LoadCubed("image")(item)["image"].numpy()[0]
        away = np.linalg.norm(np.stack(np.indices(cube.shape), -1) - 23.5, axis=-1)
        inner, around = cube[away < 4].mean(), np.median(cube[(away > 10) & (away < 14)])
        if item["nodule"] == 1:
            assert inner > around + 150
        assert 0.3 < item["inside"] <= 1


def test_a_ct_with_a_gap_that_the_list_allows_has_cubes(datalist: Path, tmp_path: Path):
    shutil.copytree(datalist.parent / "images", tmp_path / "images")
    for folder in (tmp_path / "images").iterdir():
        sorted(folder.glob("*.dcm"))[2].unlink()
    command = ["datalist", "lidc", str(datalist.parent / "xml"), "--images", str(tmp_path / "images")]
    assert cli.main([*command, "--on-gap", "interpolate", "-o", str(tmp_path / "list.json")]) == 0
    items = list_nodule_cubes(tmp_path / "list.json", dataset_dir=tmp_path / "images")
    assert len(items) == 2 * len(KINDS)


@pytest.mark.slow
def test_the_classifier_trains_and_is_scored_on_the_list(datalist: Path, tmp_path: Path):
    content = read_datalist(datalist)
    first, second = content["training"] + content["validation"] + content["test"]
    write_datalist(tmp_path / "list.json", {**content, "training": [first], "validation": [second], "test": []})
    lists = {
        "datalist": str(tmp_path / "list.json"),
        "dataset_dir": str(datalist.parent / "images"),
        "cache_dir": str(tmp_path / "cubes"),
        "network_def#settings": {"block_config": [1, 1], "growth_rate": 4, "init_features": 8},
    }
    runs = tmp_path / "runs"
    training = {"num_epochs": 1, "val_interval": 1, "cubes_per_step": 2, "training_precision": "float32"}
    run_here("train", **lists, **training, output_dir=str(runs))
    assert len(list((tmp_path / "cubes").glob("*.npy"))) == 2

    write_datalist(tmp_path / "list.json", {**content, "training": [], "validation": [], "test": [first, second]})
    trained = {"checkpoint": str(runs / "model.pt"), "classifier_file": str(runs / "classifier.json")}
    run_here("evaluate", **lists, **trained, output_dir=str(tmp_path / "eval"))
    assert len(list((tmp_path / "cubes").glob("*.npy"))) == 2  # nothing is cut twice
    assert json.loads((tmp_path / "eval" / "metrics.json").read_text())
    with (tmp_path / "eval" / "cubes.csv").open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 2 * len(KINDS)


def run_here(name: str, **settings: object) -> None:
    """Run the classifier's bundle in this process, which is faster."""
    root = bundle_root("nodule_classifier")
    files = [str(root / "configs" / f"{part}.yaml") for part in ("common", name)]
    kind = "train" if name == "train" else "infer"
    workflow = ConfigWorkflow(
        files, meta_file=None, logging_file=False, workflow_type=kind, bundle_root=str(root), **settings
    )
    workflow.initialize()
    workflow.run()
    workflow.finalize()
