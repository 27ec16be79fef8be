"""The detector on the box of the lungs beside the detector on the whole scan: CPM, seconds, and marks that differ.

The chests are unseen; their field is as wide as a patient's. Seconds are of one core from HU in memory to boxes, and
hold the search for the lungs. ``--ct`` adds real scans, of which seconds are told, and how far marks agree.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import detector_results
import numpy as np
import torch

from lungdet.detection.findings import make_report
from lungdet.engines.save_findings import volume_of
from lungdet.geometry.lung_mask import lung_mask
from lungdet.metrics import NoduleFROC
from lungdet.readers import read_ct
from lungdet.records import DetectionReport
from lungdet.transforms import LoadCTd, MakePhantomd
from lungdet.workflows import Detector

FIELD_MM, SPACING_MM = (360.0, 360.0, 280.0), (1.0, 1.0, 2.0)
MIN_SCORE = 0.01  # low scores belong on the curve
SAME_MM, SHOWN_FROM = 3.0, 0.3
Item = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the settings of this part."""
    parser.add_argument("--chests", type=int, default=12)
    parser.add_argument("--margins", type=float, nargs="+", default=[20.0], help="mm around the lungs' box")
    parser.add_argument("--ct", type=Path, nargs="*", default=[], help="real CT")


def main(options: argparse.Namespace) -> None:
    """Measure and print the tables."""
    torch.set_num_threads(1)
    detectors = {"whole": open_detector(None)}
    detectors |= {f"lungs and {margin:g} mm": open_detector(margin) for margin in options.margins}
    seeds = range(options.seed, options.seed + (1 if options.quick else options.chests))
    rows = chest_rows(detectors, seeds, 4.0 if options.quick else 1.0)
    real = [row for path in options.ct for row in real_rows(detectors, path)]
    detector_results.append(
        options.out, "nodules crop", {"seeds": [seeds[0], len(seeds)]}, {"rows": rows, "real": real}
    )
    for table in (rows, real):
        if table:
            print(detector_results.markdown(table), "\n")


def open_detector(margin_mm: float | None) -> Detector:
    """Open the shipped detector; None searches the whole scan."""
    crop = {} if margin_mm is None else {"crop_margin_mm": margin_mm}
    return Detector(overrides={"min_score": MIN_SCORE, "crop_to_lungs": margin_mm is not None, **crop})


def chest_rows(detectors: Mapping[str, Detector], seeds: Sequence[int], coarser: float) -> list[dict[str, Any]]:
    """One row for each way, over all chests."""
    spacing = tuple(step * coarser for step in SPACING_MM)
    shape = [round(length / step) for length, step in zip(FIELD_MM, spacing, strict=True)]
    metrics = {name: NoduleFROC() for name in detectors}
    seconds: dict[str, list[float]] = {name: [] for name in detectors}
    voxels: dict[str, list[float]] = {name: [] for name in detectors}
    for seed in seeds:
        made = MakePhantomd(image_key="ct", spacing_mm=spacing, shape=shape)({"seed": seed})
        for name, detector in detectors.items():
            found, item, taken = search(detector, made)
            boxes = np.array([finding.box_lps_mm for finding in found.findings]).reshape(-1, 6)
            scores = np.array([finding.score for finding in found.findings])
            metrics[name].update(([(boxes, scores)], [{"box": made["box"], "ignore_box": made["ignore_box"]}]))
            seconds[name].append(taken)
            voxels[name].append(float(np.prod(item["image"].shape)))
    return [
        {
            "searched": name,
            "scans": len(seeds),
            "nodules": metric.result().nodules,
            "CPM": metric.compute(),
            "95 % CI": list(metric.intervals().cpm),
            "voxels for the network": float(np.mean(voxels[name]) / np.mean(voxels["whole"])),
            "seconds a scan": float(np.median(seconds[name])),
        }
        for name, metric in metrics.items()
    ]


def search(detector: Detector, item: Mapping[str, Any]) -> tuple[DetectionReport, Item, float]:
    """Detect in a scan that is in memory: the findings, what the detector made of the scan, and CPU-seconds."""
    start = time.process_time()
    ready: Item = dict(item)
    for step in detector.preprocessing.flatten().transforms:  # type: ignore[attr-defined]
        ready = ready if isinstance(step, LoadCTd) else step(ready)
    with torch.no_grad():
        ready["pred"] = detector.inferer(ready["image"].as_tensor()[None], detector.network)[0]
        ready = detector.postprocessing(ready)
    seconds = time.process_time() - start
    volume = volume_of(ready["ct"])
    affines = ready["image"].affine, ready["ct"].affine
    boxes, scores = ready["pred_box"], ready["pred_score"]
    return make_report(boxes, scores, *affines, volume.array.shape, volume.info, detector.model), ready, seconds


def real_rows(detectors: Mapping[str, Detector], path: Path) -> Iterator[dict[str, Any]]:
    """A real scan: how many of the marks that the whole scan gives are there in the other ways."""
    item = LoadCTd("ct", choose="thinnest")({"ct": str(path)})
    volume = read_ct(path, choose="thinnest")
    lungs = lung_mask(volume.array, volume.affine_lps)
    whole = search(detectors["whole"], item)[0]
    for name, detector in detectors.items():
        found, ready, seconds = search(detector, item)
        inside = [
            finding for finding in whole.findings if finding.score >= SHOWN_FROM and in_lungs(finding, lungs.box())
        ]
        same = [nearest(finding, found) for finding in inside]
        shift = [
            abs(score - finding.score) for finding, (away, score) in zip(inside, same, strict=True) if away < SAME_MM
        ]
        yield {
            "scan": path.name,
            "searched": name,
            "voxels for the network": int(np.prod(ready["image"].shape)),
            "seconds": seconds,
            f"marks from {SHOWN_FROM:g}": sum(finding.score >= SHOWN_FROM for finding in found.findings),
            "of the whole scan's in the lungs' box": len(inside),
            "found again": len(shift),
            "change of score, median": float(np.median(shift)) if shift else None,
        }


def in_lungs(finding: Any, box: Sequence[slice]) -> bool:
    """Whether the middle of a finding lies in a box of voxels."""
    middle = (np.array(finding.box_voxel[:3]) + finding.box_voxel[3:]) / 2
    return all(span.start <= place < span.stop for place, span in zip(middle, box, strict=True))


def nearest(finding: Any, report: DetectionReport) -> tuple[float, float]:
    """Distance to the nearest finding of a report in mm, and its score."""
    away = [float(np.linalg.norm(np.subtract(finding.center_lps_mm, one.center_lps_mm))) for one in report.findings]
    index = int(np.argmin(away)) if away else -1
    return (away[index], report.findings[index].score) if away else (float("inf"), 0.0)
