"""The same lesion over time: precision and recall of pairs and sequences on a synthetic DeepLesion, and the time taken.

In five rounds, weights are fitted to three fifths of the patients and the threshold to one, and the last is scored; so
every patient is scored once, by what others taught. Beside these stand the weights that lungdet ships, on all patients.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any

import detector_results
import numpy as np
from lesions_chance import chance_row, repeat_rows
from lesions_patients import IMAGE_SIZE, add_patients, patients_folder

from lungdet.lesions import (
    find_histories,
    fit_distance_weights,
    fit_threshold,
    load_embedded,
    measured_from_deeplesion,
    save_embedded,
    score_histories,
)
from lungdet.lesions.links import RULES
from lungdet.lesions.matching_weights import EMBEDDED, GEOMETRY
from lungdet.phantoms import write_deeplesion
from lungdet.readers import read_deeplesion
from lungdet.records import MeasuredLesion, PatientHistory
from lungdet.workflows import bundle_root

ROWS, PATIENTS = 32_735, 4_427  # of DeepLesion
FOLDS = 5
CROWD = 40  # patients
LATER = 20  # no patient has so many studies
GEOMETRY_TERMS = ("x", "y", "z", "long", "short", "type")
GROUNDS = {"geometry": GEOMETRY_TERMS, "embedding": ("embedding",), "both": (*GEOMETRY_TERMS, "embedding")}
Vectors = dict[str, Any] | None


@dataclass(frozen=True)
class Cohort:
    """Marks, and which lesion each is."""

    lesions: Sequence[MeasuredLesion]
    identities: Sequence[str]

    def of(self, patients: set[str]) -> Cohort:
        """The marks of some patients."""
        rows = [row for row, lesion in enumerate(self.lesions) if lesion.patient in patients]
        return Cohort([self.lesions[row] for row in rows], [self.identities[row] for row in rows])


def read_cohort(folder: Path) -> Cohort:
    """Marks and identities of a folder."""
    lesions = measured_from_deeplesion(read_deeplesion(folder / "DL_info.csv"))
    with (folder / "truth.csv").open(newline="") as stream:
        names = {row["key"]: row["identity"] for row in csv.DictReader(stream)}
    return Cohort(lesions, [names[lesion.key] for lesion in lesions])


def rows(cohort: Cohort, vectors: Vectors, seed: int, fit: bool = True) -> Iterator[dict[str, Any]]:
    """A row for each ground, rule and way to come by weights."""
    for ground, terms in GROUNDS.items():
        if "embedding" in terms and vectors is None:
            continue
        used = vectors if "embedding" in terms else None
        shipped = {"geometry": GEOMETRY, "both": EMBEDDED}.get(ground)
        for rule in RULES:
            if fit:
                histories, thresholds = by_rounds(cohort, used, terms, rule, seed)
                told = {"by": ground, "weights": "fitted", "rule": rule, "threshold": f"{np.mean(thresholds):.2f}"}
                yield {**told, **score(cohort, histories, seed)}
            if shipped is not None:
                told = {"by": ground, "weights": "shipped", "rule": rule, "threshold": f"{shipped.threshold:.2f}"}
                yield {**told, **score(cohort, find_histories(cohort.lesions, shipped, used, rule), seed)}


def by_rounds(
    cohort: Cohort, vectors: Vectors, terms: Sequence[str], rule: Any, seed: int
) -> tuple[list[PatientHistory], list[float]]:
    """Histories of all patients, each by weights and threshold of others; and the thresholds."""
    patients = sorted({lesion.patient for lesion in cohort.lesions})
    order = np.random.default_rng(seed).permutation(len(patients)) % FOLDS
    histories, thresholds = [], []
    for fold in range(FOLDS):
        part = {name: (place - fold) % FOLDS for name, place in zip(patients, order.tolist(), strict=True)}
        test, tune = (cohort.of({name for name in patients if part[name] == number}) for number in (0, 1))
        train = cohort.of({name for name in patients if part[name] > 1})
        weights = fit_distance_weights(train.lesions, train.identities, vectors, terms)
        weights = fit_threshold(tune.lesions, tune.identities, weights, vectors, rule)
        thresholds.append(weights.threshold)
        histories += find_histories(test.lesions, weights, vectors, rule)
    return sorted(histories, key=lambda history: history.patient), thresholds


def score(cohort: Cohort, histories: Sequence[PatientHistory], seed: int) -> dict[str, Any]:
    """Scores of pairs, with 95 % intervals over patients, and of whole sequences."""
    scores = score_histories(histories, cohort.lesions, cohort.identities)
    low, high = intervals(cohort, histories, seed)
    return {
        "pairs": scores.pairs.true,
        "precision": f"{scores.pairs.precision:.4f} ({low[0]:.3f} to {high[0]:.3f})",
        "recall": f"{scores.pairs.recall:.4f} ({low[1]:.3f} to {high[1]:.3f})",
        "F1": f"{scores.pairs.f1:.4f}",
        "sequences": scores.sequences.true,
        "whole: precision": f"{scores.sequences.precision:.4f}",
        "whole: recall": f"{scores.sequences.recall:.4f}",
        "whole: F1": f"{scores.sequences.f1:.4f}",
    }


def intervals(cohort: Cohort, histories: Sequence[PatientHistory], seed: int, draws: int = 1000) -> tuple[Any, Any]:
    """Bounds of precision and recall of pairs, by drawing whole patients."""
    members: dict[str, list[int]] = {}
    for row, mark in enumerate(cohort.lesions):
        members.setdefault(mark.patient, []).append(row)
    counts = []
    for name, history in zip(sorted(members), histories, strict=True):
        marks = [cohort.lesions[row] for row in members[name]]
        pairs = score_histories([history], marks, [cohort.identities[row] for row in members[name]]).pairs
        counts.append((pairs.right, pairs.found, pairs.true))
    drawn = np.random.default_rng(seed).integers(0, len(counts), (draws, len(counts)))
    right, found, true = np.array(counts)[drawn].sum(axis=1).T
    rates = np.stack([right / np.maximum(found, 1), right / np.maximum(true, 1)], axis=1)
    return np.percentile(rates, 2.5, axis=0), np.percentile(rates, 97.5, axis=0)


def enlarge(source: Path, target: Path) -> None:
    """Repeat the patients of a table, with new names, until it has as many patients and rows as DeepLesion."""
    with source.open(newline="") as stream:
        head, *table = csv.reader(stream)
    patients: dict[str, list[list[str]]] = {}
    for row in table:
        patients.setdefault(row[1], []).append(row)
    some = list(patients.values())
    many = [list(some[place % len(some)]) for place in range(PATIENTS)]
    spare = sum(map(len, many)) - ROWS
    for members in cycle(many):
        if spare > 0 and len(members) > 1:
            members.pop()
            spare -= 1
        elif spare < 0:  # their lesions once more, in later studies
            added = [row for row in members if int(row[2]) < LATER][:-spare]
            members += [[row[0], row[1], str(int(row[2]) + LATER), *row[3:]] for row in added]
            spare += len(added)
        if spare == 0:
            break
    with target.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(head)
        for number, members in enumerate(many, start=1):
            writer.writerows([name_of(number, row), str(number), *row[2:]] for row in members)


def name_of(number: int, row: Sequence[str]) -> str:
    """File name of a row of another patient or study."""
    return f"{number:06d}_{int(row[2]):02d}_{int(row[3]):02d}_{int(row[4]):03d}.png"


def speed(source: Path) -> dict[str, Any]:
    """Seconds of one core for a table as large as DeepLesion's."""
    with tempfile.TemporaryDirectory() as folder:
        enlarge(source, Path(folder) / "DL_info.csv")
        begin = time.process_time()
        table = read_deeplesion(Path(folder) / "DL_info.csv")
        lesions = measured_from_deeplesion(table)
        read = time.process_time()
        histories = find_histories(lesions, GEOMETRY)
        done = time.process_time()
    return {
        "rows": len(lesions),
        "patients": len(histories),
        "sequences": sum(len(history.followed) for history in histories),
        "reading, s of CPU": round(read - begin, 2),
        "matching, s of CPU": round(done - read, 2),
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_patients(parser)
    parser.add_argument("--embeddings", type=Path, help="vectors of its lesions; by the shipped bundle if not given")
    parser.add_argument("--no-embedding", action="store_true", help="geometry alone: no network is needed")
    parser.add_argument("--table", type=Path, help="real DL_info.csv: links by chance, and speed when enlarged")


def main(options: argparse.Namespace) -> None:
    folder = patients_folder(options)
    vectors = None if options.no_embedding else read_vectors(folder, options.embeddings)
    found = list(rows(read_cohort(folder), vectors, options.seed, fit=not options.quick))  # six patients teach nothing
    found += crowd_rows(options)
    timed = speed(options.table or folder / "DL_info.csv")
    chance, repeats = [], []
    if options.table is not None:
        lesions = measured_from_deeplesion(read_deeplesion(options.table, strict=False))
        chance = [
            chance_row(lesions, replace(GEOMETRY, threshold=value), options.seed) for value in (0.6, 0.8, 1.0, 1.2)
        ]
        repeats = repeat_rows(lesions)
    told = {"folder": str(folder), "seed": options.seed, "quick": options.quick}
    detector_results.append(
        options.out, "lesions matching", told, {"rows": found, "speed": timed, "chance": chance, "repeats": repeats}
    )
    print(detector_results.markdown(found))
    print()
    print(detector_results.markdown([timed]))
    for table in filter(None, (chance, repeats)):
        print()
        print(detector_results.markdown(table))


def crowd_rows(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Rows of patients with eight lesions of the liver in each of four studies, by the shipped weights."""
    patients = 2 if options.quick else CROWD
    folder = options.work / f"crowd_{patients}_{IMAGE_SIZE}_{options.seed}"
    if not (folder / "DL_info.csv").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        hard = {"types": (4,), "lesions": 8, "studies": 4}
        write_deeplesion(folder, patients=patients, seed=options.seed, image_size=IMAGE_SIZE, context_mm=5.0, **hard)
    cohort, grounds = read_cohort(folder), [("geometry", GEOMETRY, None)]
    if not options.no_embedding:
        grounds.append(("both", EMBEDDED, read_vectors(folder, None)))
    for ground, weights, vectors in grounds:
        for rule in RULES:
            told = {"by": f"{ground}, 8 in the liver", "weights": "shipped", "rule": rule}
            histories = find_histories(cohort.lesions, weights, vectors, rule)
            yield {**told, "threshold": f"{weights.threshold:.2f}", **score(cohort, histories, options.seed)}


def read_vectors(folder: Path, path: Path | None) -> dict[str, Any]:
    """Vectors by key: those of a file, or of the shipped network."""
    if path is None:
        weights = bundle_root("lesion_embedding") / "models" / "model.pt"
        path = folder / f"lesions_{hashlib.sha256(weights.read_bytes()).hexdigest()[:8]}.npz"
    if not path.is_file():
        from lungdet.workflows.lesion_embedder import embed_lesions

        found = embed_lesions(read_deeplesion(folder / "DL_info.csv"), folder / "Images_png")
        save_embedded(found.lesions, path)
    embedded = load_embedded(path)
    return dict(zip(embedded.keys.tolist(), embedded.vectors, strict=True))
