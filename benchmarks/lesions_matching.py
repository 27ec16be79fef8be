"""The same lesion over time: precision and recall of pairs and sequences on a synthetic DeepLesion, and the time taken.

Weights are fitted to the patients of the training part, thresholds to those of the validation part, and scores are of
the test part; beside them, the weights that lungdet ships.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import detector_results
import numpy as np

from lungdet.lesions import (
    DistanceWeights,
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
from lungdet.readers import read_deeplesion
from lungdet.records import MeasuredLesion

ROWS, PATIENTS = 32_735, 4_427  # of DeepLesion
GEOMETRY_TERMS = ("x", "y", "z", "long", "short", "type")
GROUNDS = {"geometry": GEOMETRY_TERMS, "embedding": ("embedding",), "both": (*GEOMETRY_TERMS, "embedding")}
Vectors = dict[str, Any] | None


@dataclass(frozen=True)
class Cohort:
    """Marks of one part of the split, and which lesion each is."""

    lesions: Sequence[MeasuredLesion]
    identities: Sequence[str]


def read_cohorts(folder: Path) -> dict[str, Cohort]:
    """Marks and identities by part."""
    table = read_deeplesion(folder / "DL_info.csv")
    with (folder / "truth.csv").open(newline="") as stream:
        names = {row["key"]: row["identity"] for row in csv.DictReader(stream)}
    marks = list(zip(measured_from_deeplesion(table), (lesion.split for lesion in table.lesions), strict=True))
    chosen = {part: [mark for mark, split in marks if split == part] for part in ("train", "validation", "test")}
    return {part: Cohort(some, [names[mark.key] for mark in some]) for part, some in chosen.items()}


def rows(cohorts: dict[str, Cohort], vectors: Vectors, seed: int) -> Iterator[dict[str, Any]]:
    """A row for each ground, rule and way to come by weights."""
    for ground, terms in GROUNDS.items():
        if "embedding" in terms and vectors is None:
            continue
        used = vectors if "embedding" in terms else None
        fitted = fit_distance_weights(cohorts["train"].lesions, cohorts["train"].identities, used, terms)
        shipped = {"geometry": GEOMETRY, "both": EMBEDDED}.get(ground)
        for rule in RULES:
            validation = cohorts["validation"]
            weights = fit_threshold(validation.lesions, validation.identities, fitted, used, rule)
            yield {"by": ground, "weights": "fitted", "rule": rule, **score(cohorts["test"], weights, used, rule, seed)}
            if shipped is not None:
                told = score(cohorts["test"], shipped, used, rule, seed)
                yield {"by": ground, "weights": "shipped", "rule": rule, **told}


def score(cohort: Cohort, weights: DistanceWeights, vectors: Vectors, rule: Any, seed: int) -> dict[str, Any]:
    """Scores of one part, with 95 % intervals of the pairs' over patients."""
    histories = find_histories(cohort.lesions, weights, vectors, rule)
    scores = score_histories(histories, cohort.lesions, cohort.identities)
    low, high = intervals(cohort, histories, seed)
    return {
        "threshold": round(weights.threshold, 2),
        "pairs": scores.pairs.true,
        "precision": round(scores.pairs.precision, 4),
        "precision 95 %": f"{low[0]:.3f}-{high[0]:.3f}",
        "recall": round(scores.pairs.recall, 4),
        "recall 95 %": f"{low[1]:.3f}-{high[1]:.3f}",
        "F1": round(scores.pairs.f1, 4),
        "sequences": scores.sequences.true,
        "whole: precision": round(scores.sequences.precision, 4),
        "whole: recall": round(scores.sequences.recall, 4),
        "whole: F1": round(scores.sequences.f1, 4),
    }


def intervals(cohort: Cohort, histories: Any, seed: int, draws: int = 1000) -> tuple[Any, Any]:
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
    """Repeat the patients of a table, with new names, until it has as many rows and patients as DeepLesion."""
    with source.open(newline="") as stream:
        head, *table = csv.reader(stream)
    patients: dict[str, list[list[str]]] = {}
    for row in table:
        patients.setdefault(row[1], []).append(row)
    some = list(patients.values())
    written: list[list[str]] = []
    for number, place in zip(count(1), np.resize(np.arange(len(some)), PATIENTS), strict=False):
        written += [[f"{number:06d}{row[0][6:]}", str(number), *row[2:]] for row in some[place]]
    with target.open("w", newline="") as stream:
        csv.writer(stream).writerows([head, *written[:ROWS]])


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
    parser.add_argument("--deeplesion", type=Path, help="folder with DL_info.csv and truth.csv; made if not given")
    parser.add_argument("--patients", type=int, default=300, help="of the folder that is made")
    parser.add_argument(
        "--embeddings", type=Path, help="vectors of its lesions; made with the shipped bundle if not given"
    )
    parser.add_argument("--no-embedding", action="store_true", help="geometry alone: no images are needed")
    parser.add_argument(
        "--table", type=Path, help="DL_info.csv to enlarge for the speed; that of the folder if not given"
    )


def main(options: argparse.Namespace) -> None:
    patients = 20 if options.quick else options.patients
    folder = options.deeplesion or made(options.work / f"matching_{patients}_{options.seed}", patients, options.seed)
    vectors = None if options.no_embedding else read_vectors(folder, options.embeddings)
    found = list(rows(read_cohorts(folder), vectors, options.seed))
    timed = speed(options.table or folder / "DL_info.csv")
    told = {"folder": str(folder), "patients": patients, "seed": options.seed, "quick": options.quick}
    detector_results.append(options.out, "lesions matching", told, {"rows": found, "speed": timed})
    print(detector_results.markdown(found))
    print()
    print(detector_results.markdown([timed]))


def made(folder: Path, patients: int, seed: int) -> Path:
    """Write a synthetic DeepLesion, unless it is there."""
    from lungdet.phantoms import write_deeplesion

    if not (folder / "DL_info.csv").is_file():
        write_deeplesion(folder, patients=patients, seed=seed, image_size=256, context_mm=10.0)
    return folder


def read_vectors(folder: Path, path: Path | None) -> dict[str, Any]:
    """Vectors by key: those of a file, or of the shipped network."""
    path = path or folder / "lesions.npz"
    if not path.is_file():
        from lungdet.workflows.embed_lesions import embed_lesions

        found = embed_lesions(read_deeplesion(folder / "DL_info.csv"), folder / "Images_png")
        save_embedded(found.lesions, path)
    embedded = load_embedded(path)
    return dict(zip(embedded.keys.tolist(), embedded.vectors, strict=True))
