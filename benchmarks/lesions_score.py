"""Body-part scores of slices of unseen synthetic torsos, and of real CT: order, line, landmarks, parts, and speed.

Order (Kendall's tau) and line (R2 of a Theil-Sen line) are of each volume for itself, against the place of its slices.
For a landmark, the median of its heights over the bodies is looked up in every body; the error is how far from the true
place that lies, in mm. Parts are named by the thresholds in the bundle's ``score.json``.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import detector_results
import numpy as np
import torch
from scipy.optimize import isotonic_regression

from lungdet.engines import labelled_scan
from lungdet.lesions import LabelledScan, ScoreScale
from lungdet.lesions.robust_line import explained_variance, rank_correlation, robust_line
from lungdet.phantoms import make_torso
from lungdet.readers import read_ct
from lungdet.records import BODY_REGIONS, CTVolume
from lungdet.workflows.bundle import bundle_root, load_weights, open_bundle

SPACING_MM = (3.5, 3.5, 5.0)
ENDS = ("jaw", "thigh")  # of the torso itself: no landmarks within it


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bundle", default="body_part_regressor", help="name or folder")
    parser.add_argument("--weights", type=Path, help="a folder with model.pt and score.json in place of the bundle's")
    parser.add_argument("--torsos", type=int, default=24, help="unseen bodies")
    parser.add_argument("--ct", type=Path, nargs="*", default=[], help="real CT, of which order and line are measured")


def main(options: argparse.Namespace) -> None:
    opened = OpenRegressor.open(options.bundle, options.weights)
    seeds = range(options.seed, options.seed + (4 if options.quick else options.torsos))
    spacing = (3.5, 3.5, 20.0) if options.quick else SPACING_MM
    scans, landmarks = [], []
    for seed in seeds:
        phantom = make_torso(seed, spacing_mm=spacing)
        scans.append(labelled_scan(phantom, opened.score(phantom.volume)))
        landmarks.append({name: z for name, z in phantom.torso.landmarks_mm.items() if name not in ENDS})
    rows = [torso_row(scans, landmarks, opened.scale)]
    places = landmark_rows(scans, landmarks, opened.scale)
    rows += [real_row(path, opened) for path in options.ct]
    settings = {"bundle": options.bundle, "torsos": len(seeds), "seed": options.seed, "spacing_mm": spacing}
    detector_results.append(options.out, "lesions score", settings, {"rows": rows, "landmarks": places})
    print(detector_results.markdown(rows), "\n")
    print(detector_results.markdown(places))


@dataclass
class OpenRegressor:
    """A bundle's network with its weights and its scale."""

    network: Any
    scorer: Any
    scale: ScoreScale
    seconds: float = 0.0

    @classmethod
    def open(cls, bundle: str, weights: Path | None) -> OpenRegressor:
        """Open a bundle, with other weights if they are given."""
        parser = open_bundle(bundle_root(bundle))
        network = parser.get_parsed_content("network")
        files = [parser.get_parsed_content(name) for name in ("checkpoint", "score_file")]
        if weights is not None:
            files = [weights / "model.pt", weights / "score.json"]
        digest = load_weights(network, files[0], parser.get_parsed_content("device"))
        scale = ScoreScale.load(files[1], weights_sha256=digest)
        return cls(network.eval(), parser.get_parsed_content("inferer"), scale)

    @torch.no_grad()
    def score(self, volume: CTVolume) -> np.ndarray:
        """Raw scores of a volume; the time is kept."""
        start = time.process_time()
        raw = self.scorer(self.network, volume)
        self.seconds = time.process_time() - start
        return raw


def torso_row(scans: list[LabelledScan], landmarks: list[dict[str, float]], scale: ScoreScale) -> dict[str, Any]:
    """Everything that is measured of torsos, as one row."""
    orders, lines = zip(*(order_and_line(scan.raw * np.sign(scale.scale), scan.z_mm) for scan in scans), strict=True)
    said = [[BODY_REGIONS.index(scale.region(height)) for height in scale.heights(scan.raw)] for scan in scans]
    right = [
        one == BODY_REGIONS.index(truth)
        for row, scan in zip(said, scans, strict=True)
        for one, truth in zip(row, scan.region, strict=True)
    ]
    errors = np.concatenate(list(landmark_errors(scans, landmarks, scale).values()))
    return {
        "volumes": f"{len(scans)} unseen torsos",
        "slices": len(right),
        "tau, mean": float(np.mean(orders)),
        "tau, least": float(np.min(orders)),
        "R2, mean": float(np.mean(lines)),
        "R2, least": float(np.min(lines)),
        "landmark mm, median": float(np.median(errors)),
        "landmark mm, 90 %": float(np.percentile(errors, 90)),
        "part accuracy": float(np.mean(right)),
    }


def landmark_rows(
    scans: list[LabelledScan], landmarks: list[dict[str, float]], scale: ScoreScale
) -> list[dict[str, Any]]:
    """Errors landmark by landmark, from head to feet."""
    return [
        {"landmark": name, "median mm": float(np.median(found)), "90 % mm": float(np.percentile(found, 90))}
        for name, found in landmark_errors(scans, landmarks, scale).items()
    ]


def landmark_errors(
    scans: list[LabelledScan], landmarks: list[dict[str, float]], scale: ScoreScale
) -> dict[str, np.ndarray]:
    """How far from each landmark, in each body, the height lies that is the landmark's in the median body; mm."""
    down = [-scan.z_mm[::-1] for scan in scans]  # rising towards the feet
    rising = [isotonic_regression(scale.heights(scan.raw)[::-1]).x for scan in scans]
    errors = {}
    for name in landmarks[0]:
        true = np.array([-marks[name] for marks in landmarks])
        heights = [np.interp(at, place, height) for at, place, height in zip(true, down, rising, strict=True)]
        usual = float(np.median(heights))
        found = [np.interp(usual, height, place) for height, place in zip(rising, down, strict=True)]
        errors[name] = np.abs(np.array(found) - true)
    return errors


def real_row(path: Path, opened: OpenRegressor) -> dict[str, Any]:
    """Order and line of a real CT, and the processor's time for its slices."""
    volume = read_ct(path, choose="thinnest")
    raw = opened.score(volume)
    z_mm = volume.affine_lps[2, 3] + volume.affine_lps[2, 2] * np.arange(len(raw))
    order, line = order_and_line(raw * np.sign(opened.scale.scale), z_mm)
    heights = opened.scale.heights(raw)
    return {
        "volumes": path.name,
        "slices": len(raw),
        "tau, mean": order,
        "R2, mean": line,
        "from height": float(heights[z_mm.argmax()]),
        "to height": float(heights[z_mm.argmin()]),
        "CPU s": opened.seconds,
    }


def order_and_line(raw: np.ndarray, z_mm: np.ndarray) -> tuple[float, float]:
    """Kendall's tau and the R2 of a robust line of scores that should rise as z falls."""
    slope, level = robust_line(-z_mm, raw)
    return rank_correlation(-z_mm, raw), explained_variance(raw, slope * -z_mm + level)


if __name__ == "__main__":
    raise SystemExit("python benchmarks/lesions.py score")
