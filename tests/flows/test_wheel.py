"""The wheel, installed in an empty environment outside the checkout, detects by both command lines."""

import csv
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("lungdet", "bundles", "setup.cfg", "setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE")


def run(*command: str | Path, cwd: Path) -> str:
    # Nothing of this environment may leak into the new one.
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV", "VIRTUAL"))}
    variables["PIP_CONSTRAINT"] = str(ROOT / "constraints.txt")
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=variables, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing is left behind in the checkout."""
    source = tmp_path_factory.mktemp("source")
    ignore = shutil.ignore_patterns("__pycache__", "runs", "eval", "*.egg-info")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, source / part, ignore=ignore)
        else:
            shutil.copy(ROOT / part, source / part)
    target = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", target, source, cwd=target)
    return next(target.glob("lungdet-*.whl"))


def test_wheel_holds_the_package_and_the_bundles(wheel: Path):
    names = set(zipfile.ZipFile(wheel).namelist())
    package = {str(path.relative_to(ROOT)) for path in (ROOT / "lungdet").rglob("*.py")}
    data = {str(path.relative_to(ROOT)) for path in (ROOT / "lungdet").rglob("*.schema.json")}
    bundles = {
        f"lungdet/{path.relative_to(ROOT)}"
        for path in (ROOT / "bundles").rglob("*")
        if path.is_file() and not {"runs", "eval"} & set(path.parts)
    }
    assert package | data | bundles | {"lungdet/py.typed"} <= names
    assert not [name for name in names if name.startswith(("tests", "docs", "bundles", "setup"))]


@pytest.mark.slow
def test_wheel_detects_in_an_empty_environment(wheel: Path, tmp_path: Path):
    run(sys.executable, "-m", "venv", "venv", cwd=tmp_path)
    bin_folder = tmp_path / "venv" / "bin"
    run(bin_folder / "pip", "install", "--quiet", "torch", cwd=tmp_path)
    run(bin_folder / "pip", "install", "--quiet", wheel, cwd=tmp_path)
    phantom = ("phantom", "chest", "--spacing", "3", "3", "3", "--size", "96", "96", "64")
    run(bin_folder / "lungdet", *phantom, cwd=tmp_path)
    run(bin_folder / "lungdet", "detect", "chest/dicom", "-o", "by_lungdet", cwd=tmp_path)

    bundle = Path(run(bin_folder / "lungdet", "bundle", "nodule_detector", cwd=tmp_path).strip())
    assert bundle.is_relative_to(tmp_path / "venv")
    configs = str([str(bundle / "configs" / name) for name in ("common.yaml", "inference.yaml")])
    monai = (bin_folder / "python", "-m", "monai.bundle", "run", "--config_file", configs, "--bundle_root", bundle)
    run(*monai, "--ct", tmp_path / "chest" / "dicom", "--output_dir", "by_monai", cwd=tmp_path)

    tables = [next(tmp_path.glob(f"{folder}/*/findings.csv")) for folder in ("by_lungdet", "by_monai")]
    first, second = (list(csv.reader(table.open())) for table in tables)
    assert first == second
    assert first[0] == ["seriesuid", "coordX", "coordY", "coordZ", "probability"]
