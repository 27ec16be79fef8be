"""The cohort of the benchmark of scan risk: synthetic patients, what the detector marks in them, and the truth.

Scans are made one after another and not kept; of each the candidates stay, so that an interrupted run goes on.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from lungdet.datalists.scan_list import ScanList, ScanListEntry, read_scan_list, write_scan_list
from lungdet.phantoms import make_chest
from lungdet.phantoms.nifti import write_nifti
from lungdet.phantoms.risk_cohort import CohortPatient, draw_cohort_patient
from lungdet.records import ScanCandidates
from lungdet.reports import write_files
from lungdet.reports.candidate_file import write_candidates
from lungdet.workflows import CandidateFinder, StudyJob

SPACING_MM, SHAPE = (1.4, 1.4, 1.4), (224, 176, 168)
TRUTH = "truth.json"


@dataclass(frozen=True)
class Cohort:
    """A list of scans with their candidates, and the probability of each by the rule."""

    datalist: Path
    rule: Mapping[str, float]

    def part(self, name: str) -> list[ScanListEntry]:
        """Scans of one part."""
        return [scan for scan in read_scan_list(self.datalist).scans if scan.part == name]


def make_cohort(folder: Path, parts: Mapping[str, Sequence[int]]) -> Cohort:
    """Find the candidates of the patients of these seeds, by part, where this detector has not found them yet."""
    folder.mkdir(parents=True, exist_ok=True)
    finder, entries, rule = CandidateFinder(), [], {}
    for part, seed in mixed(parts):
        patient = draw_cohort_patient(seed)
        path = folder / f"{patient.name}.npz"
        found = finder.kept(path)
        if found is None:
            found = look(finder, patient)
            write_candidates(path, found, finder.settings)
        entries.append(ScanListEntry(patient.name, path.name, part, int(patient.cancer), len(found)))
        rule[patient.name] = patient.probability
    scans = ScanList(tuple(entries), finder.model, finder.top, finder.least_score, {})
    write_files(folder, {TRUTH: (json.dumps(rule, indent=1) + "\n").encode("ascii")})
    return Cohort(write_scan_list(folder, scans), rule)


def look(finder: CandidateFinder, patient: CohortPatient) -> ScanCandidates:
    """Draw the scan of a patient, and find its candidates."""
    chest = make_chest(patient.seed, spacing_mm=SPACING_MM, shape=SHAPE, nodules=len(patient.nodules))
    with tempfile.TemporaryDirectory() as place:
        scan = write_nifti(chest.volume, Path(place) / f"{patient.name}.nii")
        return finder(StudyJob(str(scan), None, "thinnest"), patient.name)


def open_cohort(folder: Path) -> Cohort:
    """Take a cohort that is there."""
    return Cohort(folder / "candidates.json", json.loads((folder / TRUTH).read_text(encoding="ascii")))


def mixed(parts: Mapping[str, Sequence[int]], runs: int = 20) -> Iterator[tuple[str, int]]:
    """Yield the seeds of all parts in turn, each in its share: a run that is stopped has some of each."""
    left = {part: iter(seeds) for part, seeds in parts.items()}
    steps = {part: -(-len(seeds) // runs) for part, seeds in parts.items()}
    turns = ([(part, seed) for part in parts for seed in islice(left[part], steps[part])] for _ in range(runs))
    yield from chain.from_iterable(turns)
