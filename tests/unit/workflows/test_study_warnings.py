"""What makes findings doubtful is told in every file: a slice that was believed, a comparison that was forced."""

import csv
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lungdet.phantoms import make_chest, write_dicom_series
from lungdet.records import CTVolume
from lungdet.reports import read_json
from lungdet.workflows import analyze, detect

PLAIN: dict[str, Any] = {"guard": False, "progress": False, "max_pictures": 0}


@pytest.fixture
def dicom(tmp_path: Path) -> Callable[..., Path]:
    """Write a chest, or some of its slices, as DICOM of the patient ``PHANTOM-seed``."""

    def write(name: str, seed: int, slices: slice = slice(None)) -> Path:
        chest = make_chest(8, spacing_mm=(5.0, 5.0, 6.0), shape=(74, 62, 48)).volume
        info = dataclasses.replace(chest.info, slice_uids=())
        volume = CTVolume(chest.array[:, :, slices], chest.affine_lps, info)
        write_dicom_series(volume, tmp_path / name, seed=seed)
        return tmp_path / name

    return write


def told(folder: Path) -> tuple[str, str, str]:
    """Warnings of the only study: of its JSON, of the summary, and its page."""
    (page,) = folder.glob("*/report.html")
    (row,) = csv.DictReader((folder / "summary.csv").read_text().splitlines())
    return "; ".join(read_json(page.parent / "findings.json").warnings), row["warnings"], page.read_text()


@pytest.mark.parametrize("command", [detect, analyze])
def test_a_slice_that_was_believed_is_a_warning(
    command: Any, dicom: Callable[..., Path], tiny_bundle: Path, tmp_path: Path
):
    models = {"classifier": None, "risk": None} if command is analyze else {}
    one = dicom("one", 1, slice(30, 31))
    assert not command(one, tmp_path / "out", bundle=tiny_bundle, on_single="thickness", **models, **PLAIN).failed
    written, summed, page = told(tmp_path / "out")
    assert written == summed
    assert written.startswith("one slice: the step of ")
    assert f"<strong>Warning:</strong> O{written[1:]}." in page


def test_a_forced_comparison_is_a_warning(
    dicom: Callable[..., Path], tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LUNGDET_PATIENT_KEY", "one of my own, 16 or more")
    options = {"classifier": None, "risk": None, "bundle": tiny_bundle, **PLAIN}
    analyze(dicom("january", 1), tmp_path / "january-out", **options)
    later = dicom("april", 2)
    compare = {"prior": tmp_path / "january-out", "prior_days": 90.0, **options}
    (refused,) = analyze(later, tmp_path / "out", **compare).failed
    assert "is of another patient" in refused.error
    assert not analyze(later, tmp_path / "out", prior_anyway=True, **compare).failed
    written, summed, page = told(tmp_path / "out")
    assert written == summed
    assert written.startswith("compared, though the earlier scan is of another patient")
    assert f"<strong>Warning:</strong> C{written[1:]}." in page
    options.pop("bundle")
    analyze(later, tmp_path / "out", findings=tmp_path / "out", **options)
    assert told(tmp_path / "out")[:2] == ("", "")  # for nothing is compared now
