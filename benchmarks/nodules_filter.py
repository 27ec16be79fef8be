"""The detector with and without the classifier as a filter, on synthetic chests that neither has seen.

A logistic regression of both logits is fitted on the marks of some chests, and scored on those of others, by LUNA16's
rules; the difference has an interval over scans, drawn together. The classifier alone stands beside it. On the same
chests its probability of a nodule is calibrated among the marks that the detector shows, see nodules_on_marks.py.

    python benchmarks/nodules.py filter --store bundles/nodule_classifier/models/classifier.json
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import detector_results
import numpy as np
import torch
from detector_scans import ROOT, seed_range
from nodules_filter_marks import SHOWN_FROM, Floats, ScanMarks, detector_sha256, marked_scans
from nodules_on_marks import fit_on_marks, sureness_rows

from lungdet.detection import MarkFilter, fit_mark_filter
from lungdet.lesions.classifier_file import ClassifierFile
from lungdet.metrics.froc_bootstrap import percentile_bounds
from lungdet.metrics.mark_table import MarkTable
from lungdet.metrics.nodule_matching import ScanMatch, match_scan
from lungdet.metrics.nodule_strata import size_labels
from lungdet.metrics.protocols import LUNA16
from lungdet.reports import write_files
from lungdet.workflows.opened_bundle import OpenedBundle

SLICES_MM = (1.25, 2.5)
SIZE_EDGES_MM = (6.0, 10.0)
RESAMPLES, CHUNK = 2000, 32

Scores = Callable[[ScanMarks, Floats], Floats]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the settings of this part."""
    parser.add_argument("--fit", type=seed_range, default=range(25_000, 25_024), help="chests to fit on: first:end")
    parser.add_argument("--score", type=seed_range, default=range(29_000, 29_030), help="chests to score on")
    parser.add_argument(
        "--marks", type=Path, default=Path("out/nodule_marks"), help="marks are made once, and kept here"
    )
    parser.add_argument("--bundle", type=Path, default=ROOT / "bundles" / "nodule_classifier")
    parser.add_argument("--checkpoint", type=Path, help="weights; the bundle's if none")
    parser.add_argument("--store", type=Path, help="classifier.json that gets what was fitted; none changes no file")


def main(options: argparse.Namespace) -> None:
    """Fit, score and print the table."""
    torch.set_num_threads(1)
    count = 2 if options.quick else None
    judge = classifier(options.bundle, options.checkpoint, options.marks)
    fitting = [(scan, judge(scan)) for scan in marked_scans(options.marks, options.fit[:count], SLICES_MM)]
    filter_ = fit(fitting)
    scored = [(scan, judge(scan)) for scan in marked_scans(options.marks, options.score[:count], SLICES_MM)]
    result = compare(scored, filter_)
    on_marks = fit_on_marks(fitting, options.fit)
    result["sureness"] = sureness_rows(scored, on_marks)
    settings = {"fit": str(options.fit), "score": str(options.score), "checkpoint": str(options.checkpoint)}
    detector_results.append(options.out, "nodules filter", settings, {"filter": filter_.to_dict(), **result})
    print(detector_results.markdown(result["rows"]), "\n")
    print(detector_results.markdown(result["sureness"]), "\n")
    print(json.dumps({"filter": filter_.to_dict(), "gain": result["gain"]}))
    if options.store:
        store(options.store, filter_, fitting, result, options.fit)
        replace(ClassifierFile.load(options.store), on_marks=on_marks).save(options.store)


def classifier(bundle: Path, checkpoint: Path | None, marks: Path) -> Callable[[ScanMarks], Floats]:
    """The bundle's classifier: a function from marks to calibrated probabilities of a nodule, ``(N,)``.

    Logits are kept beside the marks, by the digest of the weights.
    """
    beside = checkpoint.with_name("classifier.json") if checkpoint else None
    given = {"checkpoint": str(checkpoint), "classifier_file": str(beside) if beside and beside.is_file() else None}
    opened = OpenedBundle(bundle, "cpu", given if checkpoint else {})
    network, scale, inferer = opened.network(), opened.take("scale_cubes"), opened.take("inferer")
    weights = opened.load_weights(network).weights_sha256[:12]
    answers = opened.take("answers")

    def logits(scan: ScanMarks) -> Floats:
        pieces = [np.zeros((0, 33))]
        for first in range(0, len(scan.cubes), CHUNK):
            hu = torch.from_numpy(scan.cubes[first : first + CHUNK].astype(np.float32))[:, None]
            cubes = torch.stack([torch.as_tensor(scale({"image": cube})["image"]) for cube in hu])
            with torch.no_grad():
                pieces.append(inferer(cubes, network).double().numpy())
        return np.concatenate(pieces)

    def judge(scan: ScanMarks) -> Floats:
        path = marks / f"logits_{weights}_{scan.seed}_{scan.slice_mm:g}mm.npy"
        if not path.is_file():
            stream = io.BytesIO()
            np.save(stream, logits(scan))
            write_files(marks, {path.name: stream.getvalue()})
        return np.array([answer.nodule for answer in answers(np.load(path))], dtype=np.float64)

    return judge


def fit(scans: Sequence[tuple[ScanMarks, Floats]]) -> MarkFilter:
    """Fit to all marks that count."""
    scores, opinions, hits = [], [], []
    for scan, opinion in scans:
        right, counts = scan.hits()
        scores.append(scan.scores[counts])
        opinions.append(opinion[counts])
        hits.append(right[counts])
    return fit_mark_filter(*(np.concatenate(each) for each in (scores, opinions, hits)))


def compare(scans: Sequence[tuple[ScanMarks, Floats]], filter_: MarkFilter) -> dict[str, Any]:
    """Score the detector, the classifier and both."""
    ways: dict[str, Scores] = {
        "detector": lambda scan, opinion: scan.scores,
        "classifier": lambda scan, opinion: opinion,
        "filter": lambda scan, opinion: filter_.scores(scan.scores, opinion),
    }
    matches = {name: [match(scan, way(scan, opinion)) for scan, opinion in scans] for name, way in ways.items()}
    cpms = draws({name: MarkTable(found) for name, found in matches.items()}, len(scans))
    rows = [{"score": name, **row(matches[name], cpms[name])} for name in ways]
    gain = cpms["filter"] - cpms["detector"]
    gained = {"CPM": rows[2]["CPM"] - rows[0]["CPM"], "95 %": percentile_bounds(gain, 0.95).tolist()}
    return {"rows": rows, "gain": gained, "marks": sum(len(scan.scores) for scan, _ in scans)}


def match(scan: ScanMarks, scores: Floats) -> ScanMatch:
    """Match by LUNA16's rules."""
    strata = {"size": size_labels(scan.diameters_mm, SIZE_EDGES_MM), "kind": scan.kinds}
    excluded = (scan.excluded_mm, scan.excluded_diameters_mm)
    return match_scan(scan.marks_mm, scores, scan.nodules_mm, scan.diameters_mm, *excluded, LUNA16.max_marks, strata)


def draws(tables: dict[str, MarkTable], scans: int, seed: int = 0) -> dict[str, Floats]:
    """CPM of each way in each draw of the scans with replacement, ``(RESAMPLES,)``: the same draws for all ways."""
    weights = np.random.default_rng(seed).multinomial(scans, np.full(scans, 1 / scans), size=RESAMPLES)
    return {name: np.array([cpm(table, weight) for weight in weights]) for name, table in tables.items()}


def cpm(table: MarkTable, weight: Any) -> float:
    return float(table.sensitivities(table.count(weight), LUNA16.fp_rates, LUNA16.reading)[0].mean())


def cpm_of(matches: Sequence[ScanMatch]) -> float:
    return cpm(MarkTable(matches), np.ones(len(matches), dtype=np.int64))


def row(matches: Sequence[ScanMatch], drawn: Floats) -> dict[str, Any]:
    """A line of the table."""
    table = MarkTable(matches)
    read = table.sensitivities(table.count(), LUNA16.fp_rates, LUNA16.reading)
    at = {f"at {rate:g}": float(read[0][LUNA16.fp_rates.index(rate)]) for rate in (0.125, 1, 4)}
    sizes = {label: float(read[1 + n].mean()) for n, (kind, label) in enumerate(table.strata) if kind == "size"}
    facts = {"scans": len(matches), "nodules": sum(one.nodules for one in matches)}
    return facts | {"CPM": float(read[0].mean()), "95 %": percentile_bounds(drawn, 0.95).tolist(), **at, **sizes}


def least_score(scans: Sequence[tuple[ScanMarks, Floats]], filter_: MarkFilter, detector: float = SHOWN_FROM) -> float:
    """The filtered score that lets as many false marks through as a score of the detector does.

    It lies half-way between the last false mark that is let through and the next one.
    """
    false = [scan.hits()[1] & ~scan.hits()[0] for scan, _ in scans]
    through = sum(int((scan.scores[wrong] >= detector).sum()) for (scan, _), wrong in zip(scans, false, strict=True))
    pairs = zip(scans, false, strict=True)
    filtered = np.sort(np.concatenate([filter_.scores(s.scores, o)[wrong] for (s, o), wrong in pairs]))[::-1]
    around = np.concatenate([[1.0], filtered, [0.0]])[through : through + 2]
    return float(around.mean())


def store(path: Path, filter_: MarkFilter, fitting: Sequence[Any], result: dict[str, Any], seeds: range) -> None:
    """Write the filter into a classifier's file, beside what is there; none where it does not raise the CPM.

    That is judged on the chests that it was fitted on, so that those of the table stay unseen.
    """
    alone = cpm_of([match(scan, scan.scores) for scan, _ in fitting])
    both = cpm_of([match(scan, filter_.scores(scan.scores, opinion)) for scan, opinion in fitting])
    if both <= alone:
        print(
            f"{path}: without a filter, for on the chests of the fit the CPM is {both:.4f} with it, {alone:.4f} without"
        )
        replace(ClassifierFile.load(path), filter=None).save(path)
        return
    fitted = {"scans": len(fitting), "marks": sum(len(scan.scores) for scan, _ in fitting), "seeds": str(seeds)}
    before, after = result["rows"][0]["CPM"], result["rows"][2]["CPM"]
    least = {"min_score": least_score(fitting, filter_)}
    least |= {"detector_sha256": detector_sha256()}
    told = {**filter_.to_dict(), **least, "fitted_on": fitted, "cpm_before": before, "cpm_after": after}
    replace(ClassifierFile.load(path), filter=told).save(path)
