"""Write a cohort of synthetic patients as a risk model reads it: a folder of DICOM for each scan, and their labels."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .chest import make_chest
from .dicom_series import write_dicom_series
from .nodule_readers import malignancy_level
from .risk_cohort import HALF_LEVEL, LEAK, STEEPNESS, CohortPatient, draw_cohort_patient
from .truth import _facts, _replace

LABELS, TRUTH = "labels.csv", "truth.json"
SPACING_MM, SHAPE = (1.6, 1.6, 1.6), (208, 192, 170)
DECIMALS = 4


def write_cohort(
    folder: str | Path,
    patients: int,
    seed: int = 0,
    *,
    spacing_mm: tuple[float, float, float] = SPACING_MM,
    shape: tuple[int, int, int] = SHAPE,
) -> tuple[CohortPatient, ...]:
    """Write ``folder/<id>/*.dcm`` for each patient, ``labels.csv`` (``id,cancer``) and ``truth.json``.

    Truth and labels come first; each scan is written under a hidden name and then renamed, so that a folder of an id is
    whole. A run that was stopped goes on where it was; a folder with another cohort in it is refused.

    Args:
        folder: made if absent.
        patients: how many; patient ``k`` is that of seed ``seed + k``.
        seed: of the first patient.
        spacing_mm: voxel size ``(x, y, z)``.
        shape: ``(X, Y, Z)`` voxels.

    Returns:
        What is known about each patient.

    Raises:
        ValueError: no patients are asked for, the seed is negative, or the folder holds another cohort.
    """
    if patients < 1:
        raise ValueError(f"patients must be positive, got {patients}")
    target = Path(folder)
    cohort = tuple(draw_cohort_patient(seed + number) for number in range(patients))
    _claim(target, cohort, spacing_mm, shape)
    for patient in cohort:
        if not (target / patient.name).is_dir():
            _write_scan(target, patient, spacing_mm, shape)
    return cohort


def _claim(
    folder: Path,
    cohort: Sequence[CohortPatient],
    spacing_mm: tuple[float, float, float],
    shape: tuple[int, int, int],
) -> None:
    """Write truth and labels, or find that the same are there.

    The truth is first, as it is what a folder is known by. Hidden files are nobody's content.
    """
    truth = json.dumps(_truth(cohort, spacing_mm, shape), indent=1) + "\n"
    path = folder / TRUTH
    if path.exists():
        if path.read_text(encoding="utf-8") != truth:
            raise ValueError(
                f"{path}: is of another cohort (other patients or voxels); remove it, or name a new folder"
            )
    elif folder.exists() and any(not entry.name.startswith(".") for entry in folder.iterdir()):
        raise ValueError(f"{folder}: is filled, and not with a cohort; name a new folder")
    _replace(path, truth)
    _replace(folder / LABELS, _labels(cohort))


def _write_scan(
    folder: Path, patient: CohortPatient, spacing_mm: tuple[float, float, float], shape: tuple[int, int, int]
) -> None:
    chest = make_chest(patient.seed, spacing_mm=spacing_mm, shape=shape, nodules=len(patient.nodules))
    hidden = folder / f".{patient.name}.part"
    shutil.rmtree(hidden, ignore_errors=True)
    write_dicom_series(chest.volume, hidden, seed=patient.seed)
    os.replace(hidden, folder / patient.name)


def _labels(cohort: Sequence[CohortPatient]) -> str:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("id", "cancer"))
    writer.writerows((patient.name, int(patient.cancer)) for patient in cohort)
    return table.getvalue()


def _truth(
    cohort: Sequence[CohortPatient], spacing_mm: tuple[float, float, float], shape: tuple[int, int, int]
) -> dict[str, Any]:
    return {
        "rule": {"half_level": HALF_LEVEL, "steepness": STEEPNESS, "leak": LEAK},
        "spacing_mm": list(spacing_mm),
        "shape": list(shape),
        "scans": {
            patient.name: {
                "cancer": int(patient.cancer),
                "probability": round(patient.probability, DECIMALS),
                "nodules": [
                    {**_facts(nodule), "malignancy": round(malignancy_level(nodule), DECIMALS)}
                    for nodule in patient.nodules
                ],
            }
            for patient in cohort
        },
    }
