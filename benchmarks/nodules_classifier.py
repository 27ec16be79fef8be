"""The nodule classifier on cubes of synthetic patients kept out: nodule or look-alike, type, ratings, calibration.

    python benchmarks/nodules.py classifier --patients 12

The same patients are drawn three times: with scanners as in training, with thin slices only, and with thick ones only.
Beside them what a rule says without any network: the density that :func:`lungdet.lesions.measure_nodule` finds as the
type (calcified if a good part of the cube's middle is above 200 HU), and its long axis as the order of malignancy.

``--marks`` adds what counts in use: the detector's own marks on whole synthetic scans, true and false, each with the
cube that is cut there. They are those of ``nodules_filter.py``, made once and kept in that folder.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import detector_results
import numpy as np
import torch
from detector_scans import seed_range
from monai.data import MetaTensor
from monai.utils import convert_to_numpy
from nodules_filter import SLICES_MM
from nodules_filter_marks import marked_scans

from lungdet.engines import ScoredCube, nodule_answer_files, read_scored_cube, score_cubes
from lungdet.engines.seeded_dataset import draw_seed
from lungdet.geometry.frames import ras_to_lps
from lungdet.geometry.nodule_window import NoduleError
from lungdet.lesions import measure_nodule
from lungdet.metrics import auroc
from lungdet.metrics.froc_curve import number_or_none
from lungdet.metrics.rating_levels import median_from_shares
from lungdet.records import NODULE_TYPES, CTVolume, SeriesInfo
from lungdet.reports import write_files
from lungdet.transforms import MakeBackgroundd, RandNoduleCubesd
from lungdet.workflows.opened_bundle import OpenedBundle

GROUPS: dict[str, dict[str, float]] = {
    "as in training": {},
    "thin slices": {"thick_ratio": 0.0, "coarse_ratio": 0.0},
    "thick slices": {"thick_ratio": 1.0, "coarse_ratio": 1.0},
}
CUBES_A_DRAW, BATCH = 16, 16
CALCIUM_HU, CALCIUM_PART, MIDDLE = 200.0, 0.1, 4  # of the voxels within 4 mm of the mark

Item = Mapping[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the settings of this part."""
    parser.add_argument("--patients", type=int, default=12, help="unseen patients")
    parser.add_argument("--cubes", type=int, default=48, help="of each patient and each kind of scanner")
    parser.add_argument("--bundle", default="nodule_classifier", help="name of a shipped bundle, or a folder")
    parser.add_argument("--checkpoint", type=Path, help="other weights than the bundle's")
    parser.add_argument("--no-rule", action="store_true", help="leave out the rule without a network")
    parser.add_argument("--marks", type=Path, help="folder of the detector's marks; made there if they are not there")
    parser.add_argument("--marked", type=seed_range, default=range(29_000, 29_030), help="chests of these: first:end")
    parser.add_argument("--files", type=Path, help="folder for metrics.json and figures of the first kind of scanner")


def main(options: argparse.Namespace) -> None:
    """Score and print the tables."""
    overrides = {} if options.checkpoint is None else {"checkpoint": str(options.checkpoint), "classifier_file": None}
    opened = OpenedBundle(options.bundle, None, overrides)
    network = opened.network()
    model = opened.load_weights(network)
    seeds = range(options.seed, options.seed + (1 if options.quick else options.patients))
    drawn = draw(seeds, 4 if options.quick else options.cubes)
    if options.marks is not None:
        drawn["the detector's marks"] = marked(options.marks, options.marked[: 1 if options.quick else None])
    results, scored = {}, {}
    for name, items in drawn.items():
        cubes, seconds = rate(opened, network, items)
        scored[name] = score_cubes(cubes, threshold=opened.take("answers").file.threshold)
        results[name] = {"milliseconds": 1000 * seconds / len(items), **scored[name].to_json()}
        if not options.no_rule and name == next(iter(GROUPS)):  # measuring takes a while
            results[name]["rule"] = rule_scores(items)
    settings = {"patients": len(seeds), "seed": options.seed, "cubes": len(next(iter(drawn.values()))),
                "weights": model.weights_sha256}  # fmt: skip
    detector_results.append(options.out, "nodules classifier", settings, results)
    if options.files is not None:
        write_files(options.files, nodule_answer_files(scored[next(iter(GROUPS))]))
    for table in tables(results):
        print(detector_results.markdown(table), "\n")


def draw(seeds: Iterable[int], count: int) -> dict[str, list[Item]]:
    """Paint each patient once, and draw cubes for every kind of scanner."""
    drawn: dict[str, list[Item]] = {name: [] for name in GROUPS}
    make = MakeBackgroundd(spacing_mm=(1.0, 1.0, 1.0), shape=(304, 264, 288))
    for seed in seeds:
        painted = make({"seed": seed})
        for name, settings in GROUPS.items():
            for start in range(0, count, CUBES_A_DRAW):
                transform = RandNoduleCubesd(num_samples=min(CUBES_A_DRAW, count - start), **settings)
                transform.set_random_state(seed=draw_seed(seed, start, 0))
                drawn[name] += transform(painted)
    return drawn


def marked(folder: Path, seeds: Sequence[int]) -> list[Item]:
    """Cubes at the detector's marks, but for those on what is neither nodule nor look-alike for sure."""
    items: list[Item] = []
    for scan in marked_scans(folder, seeds, SLICES_MM):
        right, counts = scan.hits()
        away = np.linalg.norm(scan.marks_mm[:, None] - scan.nodules_mm[None], axis=2)  # (marks, nodules)
        for row in np.flatnonzero(counts):
            size = float(scan.diameters_mm[away[row].argmin()]) if right[row] else math.nan
            image = MetaTensor(torch.from_numpy(scan.cubes[row].astype(np.float32))[None], affine=np.eye(4))
            items.append(
                {"image": image, "nodule": float(right[row]), "diameter_mm": size, "patient": f"phantom-{scan.seed}"}
            )
    return items


@torch.no_grad()
def rate(opened: OpenedBundle, network: Any, items: Sequence[Item]) -> tuple[list[ScoredCube], float]:
    """Answer for cubes; also the CPU-seconds of window, network and answers."""
    scale, inferer, answers = (opened.take(name) for name in ("scale_cubes", "inferer", "answers"))
    cubes: list[ScoredCube] = []
    start = time.process_time()
    for first in range(0, len(items), BATCH):
        batch = items[first : first + BATCH]
        images = torch.stack([scale({"image": item["image"]})["image"].as_tensor() for item in batch])
        said = answers(inferer(images.to(opened.device), network))
        cubes += [read_scored_cube(item, answer) for item, answer in zip(batch, said, strict=True)]
    return cubes, time.process_time() - start


def rule_scores(items: Sequence[Item]) -> dict[str, Any]:
    """What measuring alone says of the nodules whose type is known; where it fails it is wrong, and no size."""
    right, sizes, malignancy = [], [], []
    for item in items:
        if int(item.get("kind", -1)) < 0:
            continue
        density, long_mm = measured(item)
        right.append(density == NODULE_TYPES[int(item["kind"])])
        sizes.append(long_mm)
        malignancy.append(float(median_from_shares(convert_to_numpy(item["ratings"])[0])))
    if not right:
        return {}
    level = np.array(malignancy)
    sided = level != 3  # the middle
    return {
        "type_accuracy": float(np.mean(right)),
        "malignancy_auc": number_or_none(auroc(np.array(sizes)[sided], level[sided] > 3)),
        "not_measured": float(np.mean(np.array(sizes) == 0)),
    }


def measured(item: Item) -> tuple[str, float]:
    """Type and long axis in mm by :func:`measure_nodule` and the share of calcium; nothing where it fails."""
    image = item["image"]
    hu, affine = convert_to_numpy(image)[0], ras_to_lps(convert_to_numpy(image.affine).astype(np.float64))
    middle = np.array(hu.shape) // 2
    core = hu[tuple(slice(at - MIDDLE, at + MIDDLE) for at in middle)]
    x, y, z = (affine @ [*(middle - 0.5), 1])[:3].tolist()
    try:
        found = measure_nodule(CTVolume(hu, affine, SeriesInfo("cube")), (x, y, z))
    except NoduleError:
        return "", 0.0
    return ("calcified" if (core > CALCIUM_HU).mean() > CALCIUM_PART else found.density), found.long_mm


def tables(results: Mapping[str, Any]) -> list[list[dict[str, Any]]]:
    """Heads by kind of scanner; ratings, sizes, look-alikes and confusion of the first kind."""
    first = next(iter(results.values()))
    names = [row["class"].replace("_", " ") for row in first["types"]["scores"]["classes"]]
    confusion = zip(names, first["types"]["confusion"], strict=True)
    return [
        [head_row(name, result) for name, result in results.items()],
        [type_row(name, result) for name, result in results.items() if result["types"]["nodules"]],
        [rating_row(row) for row in first["ratings"]],
        [size_row(row) for row in first["sizes"]],
        [{key.replace("_", " "): value for key, value in row.items()} for row in first["places"]],
        [{"true type, said as": name, **dict(zip(names, counts, strict=True))} for name, counts in confusion],
    ]


def head_row(name: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """Nodule or look-alike."""
    part = result["nodule"]
    return {
        "scans": name,
        "cubes": part["cases"],
        "nodules": part["positives"],
        **with_interval("AUC", part["auc"]),
        "sensitivity": part["sensitivity"],
        "false positive rate": part["false_positive_rate"],
        "log loss": part["log_loss"]["value"],
        "without knowledge": part["base_log_loss"],
        "ECE": part["calibration"]["ece"],
        "CPU ms a cube": result["milliseconds"],
    }


def type_row(name: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """Types and malignancy, and what the rule says of them."""
    types, malignancy, rule = result["types"], result["ratings"][0], result.get("rule", {})
    return {
        "scans": name,
        "nodules": types["nodules"],
        **with_interval("type accuracy", types["accuracy"]),
        "by rule": rule.get("type_accuracy"),
        "type AUC": types["mean_auc"],
        "type ECE": types["calibration"]["ece"],
        **with_interval("malignancy AUC", malignancy["auc"]),
        "by long axis": rule.get("malignancy_auc"),
    }


def rating_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """One rating."""
    names = {
        "exact": "exact",
        "within_one": "within one",
        "spread_error": "spread error",
        "ranked_score": "ranked score",
    }
    return {
        "rating": row["rating"],
        "nodules": row["cases"],
        **with_interval("error of the mean", row["mean_error"]),
        "without knowledge": row["base_mean_error"],
        **with_interval("kappa", row["kappa"]),
        **{label: row[key]["value"] for key, label in names.items()},
    }


def size_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Nodules of one size."""
    plain = {key.replace("_", " "): value for key, value in row.items() if key not in ("auc", "diameter")}
    return {"diameter": row["diameter"], **with_interval("AUC", row["auc"]), **plain}


def with_interval(name: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """Two cells: value and interval."""
    known = content["interval"][0] is not None
    return {name: content["value"], f"95 %, {name}": content["interval"] if known else None}
