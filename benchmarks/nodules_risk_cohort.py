"""The cohort of the benchmark of scan risk: synthetic patients, what the detector marks in them, and the truth.

It lies where ``make train-risk`` leaves it, and is made by the same two commands if it is not there. Scans and
candidates that are there are kept, so that an interrupted run goes on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lungdet.cli import main as lungdet
from lungdet.datalists.scan_list import ScanListEntry, read_scan_list

SEED = 20_000
PLAIN = ["--spacing", "1.4", "1.4", "1.4", "--size", "224", "176", "168"]


@dataclass(frozen=True)
class Cohort:
    """A list of scans, the folder of their candidates, and the probability of each by the rule."""

    datalist: Path
    folder: Path
    rule: Mapping[str, float]

    def part(self, name: str) -> list[ScanListEntry]:
        """Scans of one part."""
        return [scan for scan in read_scan_list(self.datalist).scans if scan.part == name]


def make_cohort(folder: Path, parts: Sequence[int]) -> Cohort:
    """Write so many patients for training, validation and test, find their candidates, and open the cohort."""
    scans, candidates = folder / "scans", folder / "candidates"
    counts = [str(count) for count in parts]
    run(["phantom", str(scans), "--kind", "cohort", "--seed", str(SEED), "--patients", str(sum(parts)), *PLAIN])
    run(["candidates", str(scans), "--labels", str(scans / "labels.csv"), "--split", *counts, "-o", str(candidates)])
    return open_cohort(folder)


def run(words: list[str]) -> None:
    """Run a command of lungdet."""
    if code := lungdet(words):
        raise SystemExit(f"lungdet {' '.join(words)} ended with {code}")


def open_cohort(folder: Path) -> Cohort:
    """Take a cohort that is there."""
    truth = json.loads((folder / "scans" / "truth.json").read_text(encoding="utf-8"))
    rule = {name: scan["probability"] for name, scan in truth["scans"].items()}
    return Cohort(folder / "candidates" / "candidates.json", folder / "candidates", rule)
