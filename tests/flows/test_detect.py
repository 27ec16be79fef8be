"""From a DICOM series to a report, through the shipped bundle, by both roads: lungdet's and MONAI's command lines."""

import csv
import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import torch
from PIL import Image

from lungdet.networks import NoduleDetector
from lungdet.phantoms import make_chest, write_dicom_series
from lungdet.reports import load_schema, read_json
from lungdet.reports.pictures import MARK_INDEX, WHOLE_PX

pytestmark = pytest.mark.slow
PROGRAM = "$open('evil', 'w')"  # to MONAI's settings; in a file it is text
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chest and a damaged copy of it, and the shipped bundle with random weights: this is about the thread."""
    folder = tmp_path_factory.mktemp("detect")
    phantom = make_chest(7, spacing_mm=(3.0, 3.0, 4.0), shape=(112, 96, 64))
    info = dataclasses.replace(phantom.volume.info, description=PROGRAM, kernel="@min_score")
    write_dicom_series(dataclasses.replace(phantom.volume, info=info), folder / "good", seed=7)
    shutil.copytree(folder / "good", folder / "gap")
    (folder / "gap" / "0030.dcm").unlink()
    shutil.copytree(Path(__file__).parents[2] / "bundles" / "nodule_detector", folder / "bundle")
    (folder / "bundle" / "models").mkdir(exist_ok=True)
    torch.manual_seed(0)
    torch.save(NoduleDetector(second_look=True).state_dict(), folder / "bundle" / "models" / "model.pt")
    return folder


@pytest.fixture(scope="module")
def detected(workplace: Path) -> subprocess.CompletedProcess[str]:
    """``lungdet detect`` of the good and the bad study."""
    command = "-m lungdet detect good gap nowhere -o out --bundle bundle --min-score 0 --pictures 12 --device cpu"
    return subprocess.run(
        [sys.executable, *command.split()], cwd=workplace, env=ENVIRONMENT, capture_output=True, text=True, timeout=600
    )


@pytest.fixture(scope="module")
def study(workplace: Path, detected: subprocess.CompletedProcess[str]) -> Path:
    """Folder of the good study's results."""
    assert detected.returncode == 1, detected.stderr
    (folder,) = (path for path in (workplace / "out").iterdir() if path.is_dir())
    return folder


def test_the_bad_studies_are_reported_and_the_good_one_is_done(
    workplace: Path, study: Path, detected: subprocess.CompletedProcess[str]
):
    complaints = [line for line in detected.stderr.splitlines() if line.startswith("lungdet: error: ")]
    assert len(complaints) == 2
    assert "gap" in complaints[0]
    assert "interpolate" in complaints[0]
    assert "nowhere" in complaints[1]
    assert "Traceback" not in detected.stderr
    assert f"report: {study.relative_to(workplace)}/report.html" in detected.stdout
    assert "1 of 3 studies" in detected.stdout
    with (workplace / "out" / "summary.csv").open(newline="") as stream:
        assert [bool(row["error"]) for row in csv.DictReader(stream)] == [False, True, True]


def test_every_file_is_there_and_valid(study: Path):
    content = json.loads((study / "findings.json").read_text())
    jsonschema.validate(content, load_schema(), cls=jsonschema.Draft202012Validator)
    findings = content["findings"]
    assert findings
    with (study / "findings.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["probability"]) for row in rows] == pytest.approx([entry["score"] for entry in findings])
    assert {row["seriesuid"] for row in rows} == {content["series"]["series_uid"]}
    assert [float(rows[0][key]) for key in ("coordX", "coordY", "coordZ")] == pytest.approx(
        findings[0]["center_lps_mm"], abs=1e-3
    )
    assert "<title>Lung nodule detection: good, series " in (study / "report.html").read_text()
    assert len(list((study / "pictures").glob("*.png"))) == 1 + 6 * min(len(findings), 12)


def test_boxes_lie_where_the_affine_says(study: Path):
    report = read_json(study / "findings.json")
    affine = np.array(report.affine_lps)
    for finding in report.findings:
        low, high = np.array(finding.box_voxel[:3]), np.array(finding.box_voxel[3:])
        center = affine[:3, :3] @ ((low + high) / 2 - 0.5) + affine[:3, 3]
        assert finding.center_lps_mm == pytest.approx(center, abs=1e-3)
        assert (low >= 0).all()
        assert (high <= report.shape).all()


def test_boxes_are_drawn_where_the_json_says(study: Path):
    report = read_json(study / "findings.json")
    spacing = np.linalg.norm(np.array(report.affine_lps)[:3, :3], axis=0)
    scale = WHOLE_PX / max(spacing * report.shape) * spacing[:2]
    assert report.findings
    for rank, finding in enumerate(report.findings[:12], start=1):
        expected = np.array(finding.box_voxel)[[0, 1, 3, 4]].reshape(2, 2) * scale
        picture = np.asarray(Image.open(study / "pictures" / f"finding_{rank:02d}_axial.png"))
        rows, columns = np.nonzero(picture == MARK_INDEX)
        lowest, highest = (columns.min(), rows.min()), (columns.max() + 1, rows.max() + 1)
        # the line is two pixels wide and lies around the box; at the rim of the picture it is cut off
        np.testing.assert_allclose(np.array(lowest), np.maximum(expected[0] - 2, 0), atol=1)
        np.testing.assert_allclose(np.array(highest), np.minimum(expected[1] + 2, picture.shape[::-1]), atol=1)


@pytest.fixture(scope="module")
def study_of_monai(workplace: Path, study: Path) -> Path:
    """Folder of the same study's results by MONAI's command line."""
    configs = [f"bundle/configs/{name}.yaml" for name in ("common", "inference")]
    options = "--bundle_root bundle --ct good --output_dir out_monai --min_score 0 --device cpu"
    run = subprocess.run(
        [sys.executable, "-m", "monai.bundle", "run", "--config_file", str(configs), *options.split()],
        cwd=workplace, env=ENVIRONMENT, capture_output=True, text=True, timeout=600)  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    return workplace / "out_monai" / study.name


def test_the_command_line_of_monai_finds_the_same(study: Path, study_of_monai: Path):
    assert read_json(study_of_monai / "findings.json") == read_json(study / "findings.json")
    assert (study_of_monai / "findings.csv").read_bytes() == (study / "findings.csv").read_bytes()
    assert (study_of_monai / "report.html").is_file()


def test_neither_command_line_runs_what_a_file_says(workplace: Path, study: Path, study_of_monai: Path):
    for folder in (study, study_of_monai):
        assert read_json(folder / "findings.json").series.description == PROGRAM
    assert not (workplace / "evil").exists()


def test_a_second_run_gives_the_same_bytes(workplace: Path, study: Path):
    command = "-m lungdet detect good -o out_again --bundle bundle --min-score 0 --pictures 12 --device cpu"
    subprocess.run(
        [sys.executable, *command.split()], cwd=workplace, env=ENVIRONMENT, check=True, capture_output=True, timeout=600
    )
    again = workplace / "out_again" / study.name
    names = sorted(path.relative_to(study) for path in study.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    for name in names:
        lines = zip((study / name).read_bytes().splitlines(), (again / name).read_bytes().splitlines(), strict=True)
        different = [line for line, other in lines if line != other]
        assert all(b'"created"' in line or b"<time " in line for line in different), name
