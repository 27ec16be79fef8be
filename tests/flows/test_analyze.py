"""From a DICOM series to measured and judged findings, by the command line and the shipped bundles."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from lungdet.phantoms import ChestPhantom, make_chest, write_dicom_series
from lungdet.reports import load_schema, read_json
from lungdet.workflows import bundle_root

pytestmark = pytest.mark.slow
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}


@pytest.fixture(scope="module")
def chest() -> ChestPhantom:
    return make_chest(29_411, nodules=3, spacing_mm=(1.6, 1.6, 1.6), shape=(208, 176, 150))


@pytest.fixture(scope="module")
def analyzed(chest: ChestPhantom, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the study's results."""
    folder = tmp_path_factory.mktemp("analyze")
    write_dicom_series(chest.volume, folder / "chest", seed=1)
    command = [sys.executable, "-W", "ignore", "-m", "lungdet", "analyze", "chest", "-o", "out", "--pictures", "1"]
    run = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=900)
    assert run.returncode == 0, run.stderr
    (path,) = (folder / "out").glob("*/findings.json")
    assert f"report: {path.with_name('report.html').relative_to(folder)}" in run.stdout
    return path.parent


def test_the_files_agree_and_fit_the_schema(analyzed: Path):
    content = json.loads((analyzed / "findings.json").read_text())
    jsonschema.validate(content, load_schema(), cls=jsonschema.Draft202012Validator)
    assert "The lungs as they were found" in (analyzed / "report.html").read_text()
    assert (analyzed / "findings.csv").read_text().count("\n") == 1 + len(content["findings"])


def test_nodules_that_are_found_have_their_true_size(analyzed: Path, chest: ChestPhantom):
    report = read_json(analyzed / "findings.json")
    assert report.lungs is not None
    assert 1500 < report.lungs.both.volume_ml < 8000
    errors = []
    for nodule in chest.nodules:
        for finding in report.findings:
            apart = np.linalg.norm(np.subtract(finding.center_lps_mm, nodule.center_lps_mm))
            if apart < nodule.diameter_mm / 2 and finding.measurement is not None:
                errors.append(abs(finding.measurement.mean_diameter_mm - nodule.diameter_mm))
    assert errors
    assert max(errors) < 4.0


@pytest.mark.parametrize(("bundle", "absent"), [("nodule_classifier", "type, ratings"), ("scan_risk", "the risk")])
def test_what_has_weights_answers_and_what_has_none_is_named(analyzed: Path, bundle: str, absent: str):
    report = read_json(analyzed / "findings.json")
    weights = bundle_root(bundle) / "models" / "model.pt"
    there = weights.is_file()
    digest = hashlib.sha256(weights.read_bytes()).hexdigest() if there else ""
    assert there == (digest in {model.weights_sha256 for model in report.models})
    assert there != any(absent in note for note in report.notes)
    if bundle == "nodule_classifier":
        assert all((finding.answer is not None) == there for finding in report.findings)
    else:
        assert (report.risk is not None) == there
