"""Entries made for one test each."""

import random
from collections.abc import Callable

import pytest

from lungdet.datalists import LabelledBox, ScanEntry


def scan(number: int, *sizes_mm: float, patient: str | None = None, **more: object) -> ScanEntry:
    """A scan with cubes of these sizes."""
    boxes = tuple(LabelledBox((0.0, 0.0, 0.0, size, size, size)) for size in sizes_mm)
    return ScanEntry(f"scans/{number}.nii.gz", patient or f"p{number}", "lps_mm", boxes, **more)


@pytest.fixture
def make_scans() -> Callable[..., list[ScanEntry]]:
    """Many scans: a third without nodules, patients with one to three scans."""

    def make(patients: int = 60, seed: int = 0) -> list[ScanEntry]:
        generator = random.Random(seed)
        scans = []
        for patient in range(patients):
            for _ in range(generator.choice([1, 1, 1, 2, 3])):
                sizes = [generator.uniform(3, 30) for _ in range(generator.choice([0, 0, 1, 2, 3]))]
                scans.append(scan(len(scans), *sizes, patient=f"p{patient}"))
        return scans

    return make
