"""One probability for a scan: models of scan risk on a synthetic cohort whose rule is known, on scans kept out.

Beside the shipped weights, both poolings are trained anew by the bundle's own settings, and once more with the labels
of all scans dealt out anew, which must leave them with chance. Two scores that nothing was trained for stand below: the
highest score of the detector, and the greatest malignancy that the classifier expects of a candidate. The rule itself
is the most that anything can reach.

    python benchmarks/nodules.py risk
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import detector_results
import numpy as np
import torch
from detector_scans import ROOT
from monai.bundle import ConfigParser
from nodules_risk_cohort import Cohort, make_cohort, open_cohort

from lungdet.datalists.scan_list import read_scan_list, write_scan_list
from lungdet.engines import list_scans
from lungdet.metrics import BinaryScores, auroc, binary_scores
from lungdet.networks.nets import split_answers
from lungdet.phantoms.risk_cohort import LEAK
from lungdet.readers.candidate_file import read_candidates
from lungdet.records import empty_scan
from lungdet.workflows import CandidateEmbedder, ScanRiskModel

BUNDLE = ROOT / "bundles" / "scan_risk"
ANSWERS = 33
NO_MARKS = ""  # in place of the id of a scan
Said = dict[str, float]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the settings of this part."""
    parser.add_argument("--cohort", type=Path, help="made if absent; if not given that of make train-risk, out/risk")
    parser.add_argument("--split", nargs=3, type=int, default=(200, 60, 100), help="patients of a cohort that is made")
    parser.add_argument("--classifier", default="nodule_classifier", help="name or folder of its bundle")
    parser.add_argument("--repeats", type=int, default=3, help="trainings of each kind, by seed")
    parser.add_argument("--shuffles", type=int, default=5, help="trainings on shuffled labels")
    parser.add_argument("--finetune", action="store_true", help="train the classifier on, too: minutes more")
    parser.add_argument("--epochs", type=int, help="of a training; the bundle's own if not given")
    parser.add_argument("--shipped", type=Path, default=BUNDLE, help="a trained bundle to score; it may lack weights")


def main(options: argparse.Namespace) -> None:
    """Train, score and print the table."""
    torch.set_num_threads(1)
    if options.quick:
        options.epochs, options.repeats, options.shuffles = 2, 1, 1
        options.split = (4, 4, 4)
    folder = options.cohort or Path("out/risk_quick" if options.quick else "out/risk")
    ready = (folder / "candidates" / "candidates.json").is_file()
    cohort = open_cohort(folder) if ready else make_cohort(folder, options.split)
    embed = Remembered(CandidateEmbedder(options.classifier, "cpu"))
    rows = [row("the rule itself", cohort, {**cohort.rule, NO_MARKS: LEAK})]
    if (options.shipped / "models" / "model.pt").is_file():
        rows.append(row("shipped weights", cohort, shipped(cohort, options)))
    for pooling in ("noisy_or", "attention"):
        rows += trained(cohort, embed, options, pooling)
    if options.finetune:
        rows.append(row("noisy_or, classifier fine-tuned", cohort, train(cohort, None, options, "noisy_or", 0)))
    rows.append(row("greatest malignancy of a candidate", cohort, malignancy(cohort, embed), ranking_only=True))
    rows.append(row("highest score of the detector", cohort, best_score(cohort), ranking_only=True))
    facts = {part: len(cohort.part(part)) for part in ("training", "validation", "test")}
    settings = {"classifier": embed.sha256, "repeats": options.repeats}
    detector_results.append(options.out, "nodules risk", settings, {"scans": facts, "rows": rows})
    print(detector_results.markdown(rows))


class Remembered:
    """Features of cubes, computed once for all trainings."""

    def __init__(self, embed: CandidateEmbedder) -> None:
        self.embed, self.known = embed, dict[bytes, torch.Tensor]()
        self.sha256 = embed.model.weights_sha256

    def __call__(self, cubes: torch.Tensor) -> torch.Tensor:
        """Return the features of cubes ``(K, 48, 48, 48)`` in HU."""
        key = hashlib.sha256(cubes.numpy().tobytes()).digest()
        if key not in self.known:
            self.known[key] = self.embed(cubes)
        return self.known[key]


def trained(cohort: Cohort, embed: Remembered, options: argparse.Namespace, pooling: str) -> list[dict[str, Any]]:
    """Train some times on the labels, and some times on shuffled ones; score the training in the middle, and each."""
    rows = [row(pooling, cohort, train(cohort, embed, options, pooling, seed)) for seed in range(options.repeats)]
    best = rows[int(np.argsort([one["AUC"] for one in rows])[len(rows) // 2])]  # the one in the middle
    middle = {**best, "AUC of each": [one["AUC"] for one in rows]}
    aucs = []
    with tempfile.TemporaryDirectory() as place:
        for seed in range(options.shuffles):
            chance = shuffled(cohort, Path(place), seed)
            aucs.append(row("", chance, train(chance, embed, options, pooling, seed))["AUC"])
    mixed = {"score": f"{pooling}, shuffled labels", "AUC": float(np.mean(aucs)), "AUC of each": aucs}
    return [middle, mixed]


def train(cohort: Cohort, embed: Remembered | None, options: argparse.Namespace, pooling: str, seed: int) -> Said:
    """Train by the bundle's settings, the classifier along if nothing embeds, and answer for the test part."""
    with tempfile.TemporaryDirectory() as place:
        given: dict[str, Any] = {
            "bundle_root": str(BUNDLE), "output_dir": place, "datalist": str(cohort.datalist), "pooling": pooling,
            "dataset_dir": str(cohort.folder), "device": torch.device("cpu"), "is_main": False, "seed": seed,
            "classifier": options.classifier,
        }  # fmt: skip
        given |= {"num_epochs": options.epochs} if options.epochs else {}
        given |= {"embed": embed} if embed else {"pooled_by": str(options.shipped / "models" / "model.pt")}
        names = ["common.yaml", "train.yaml"] + ([] if embed else ["finetune.yaml"])
        config = ConfigParser.load_config_files([str(BUNDLE / "configs" / name) for name in names])
        parser = ConfigParser({**config, **{name: f"$given[{name!r}]" for name in given}}, globals={"given": given})
        parser.get_parsed_content("initialize")
        parser.get_parsed_content("train#trainer").run()
        network = parser.get_parsed_content("network").eval()
        network.load_state_dict(torch.load(Path(place) / "model.pt", weights_only=True))
        preprocessing = parser.get_parsed_content("preprocessing")
        with torch.no_grad():
            said = {
                item["id"]: float(network(preprocessing(item)["candidates"][None]).sigmoid())
                for item in list_scans(cohort.datalist, "test", cohort.folder)
            }
            return said | {NO_MARKS: float(network(torch.zeros(1, 0, network.in_channels)).sigmoid())}


def shuffled(cohort: Cohort, folder: Path, seed: int) -> Cohort:
    """The same scans, with the labels of all of them dealt out anew."""
    scans = read_scan_list(cohort.datalist)
    known = [scan for scan in scans.scans if scan.label is not None]
    labels = np.random.default_rng(seed).permutation([scan.label for scan in known]).tolist()
    dealt = tuple(replace(scan, label=label) for scan, label in zip(known, labels, strict=True))
    return replace(cohort, datalist=write_scan_list(folder, replace(scans, scans=dealt)))


def shipped(cohort: Cohort, options: argparse.Namespace) -> Said:
    """Answers of the shipped bundle."""
    model = ScanRiskModel(options.shipped, "cpu", options.classifier)
    said = per_scan(cohort, lambda path: model.judge(read_candidates(path)).probability)
    detector = read_candidates(cohort.folder / cohort.part("test")[0].file).detector
    return said | {NO_MARKS: model.judge(empty_scan("", detector)).probability}


def malignancy(cohort: Cohort, embed: Remembered) -> Said:
    """Greatest expected rating of malignancy among marks that the detector shows; 0 without any."""

    def greatest(path: Path) -> float:
        kept = read_candidates(path).best(6, 0.3)
        answers = embed(torch.from_numpy(kept.cubes).float())[:, -ANSWERS:]
        return float((1 + split_answers(answers).ratings[:, 0].sigmoid().sum(dim=1)).max()) if len(kept) else 0.0

    return per_scan(cohort, greatest)


def best_score(cohort: Cohort) -> Said:
    return per_scan(cohort, lambda path: float(read_candidates(path).scores.max(initial=0.0)))


def per_scan(cohort: Cohort, say: Callable[[Path], float]) -> Said:
    return {scan.id: say(cohort.folder / scan.file) for scan in cohort.part("test")}


def row(name: str, cohort: Cohort, said: Said, ranking_only: bool = False) -> dict[str, Any]:
    """A line of the table."""
    scans = cohort.part("test")
    values, truth = [said[scan.id] for scan in scans], [scan.label == 1 for scan in scans]
    if ranking_only:
        return {"score": name, "scans": len(scans), "AUC": auroc(values, truth)}
    facts = {"score": name, "scans": len(scans), **told(binary_scores(values, truth))}
    facts |= {"ECE if calibrated": calibrated_error(values)}
    return facts | ({"a scan without marks": said[NO_MARKS]} if NO_MARKS in said else {})


def calibrated_error(values: Sequence[float], draws: int = 500) -> float:
    """The calibration error that so few scans would show if these probabilities were right: the median of draws."""
    said, random = np.array(values), np.random.default_rng(0)
    dealt = (random.random(len(said)) < said for _ in range(draws))
    return float(np.median([binary_scores(said, true, resamples=1).reliability.expected_error for true in dealt]))


def told(scores: BinaryScores) -> dict[str, Any]:
    def interval(of: Any) -> Sequence[float]:
        return [of.low, of.high]

    return {
        "AUC": scores.auc.value,
        "95 %": interval(scores.auc),
        "log loss": scores.log_loss.value,
        "of it 95 %": interval(scores.log_loss),
        "Brier": scores.brier.value,
        "ECE": scores.reliability.expected_error,
        "slope": scores.slope,
    }
