"""The lungs' mask against the truth of unseen synthetic patients of two kinds; speed, memory; volumes of a real scan.

Chests have 12 nodules each, of which those on the pleura count: how many of their voxels are kept, of all together and
of each nodule in the mean. The windpipe's row tells how much of its lumen outside of the lungs is in the mask.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import detector_results
import numpy as np
from detector_machine import memory_mib

from lungdet.geometry.frames import spacing_of
from lungdet.geometry.lung_facts import lung_facts
from lungdet.geometry.lung_mask import LungMask, lung_mask
from lungdet.phantoms import chest_lungs, make_chest, make_torso, torso_lungs
from lungdet.phantoms.chest import NODULE_STREAM
from lungdet.phantoms.patient import Patient, draw_patient
from lungdet.phantoms.placement import PlacedNodule, place_nodules
from lungdet.readers import read_ct
from lungdet.records import CTVolume
from lungdet.reports import lung_sheet

CHEST_MM, NODULES = (370.0, 300.0, 280.0), 12
CHEST_SPACINGS = ((1.4, 1.4, 1.4), (1.0, 1.0, 2.5), (1.0, 1.0, 5.0))
TORSO_SPACINGS = ((2.0, 2.0, 3.0), (2.8, 2.8, 5.0))
TORSO_MM = 420.0
SPEED_SHAPE, SPEED_SPACING = (512, 512, 300), (0.7, 0.7, 0.93)

Spacing = tuple[float, float, float]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the settings of this part."""
    parser.add_argument("--chests", type=int, default=6, help="patients at each spacing")
    parser.add_argument("--torsos", type=int, default=6, help="patients at each spacing")
    parser.add_argument("--ct", type=Path, nargs="*", default=[], help="real CT, of which volumes are told")
    parser.add_argument("--sheets", type=Path, help="folder for sheets of the real CT")


def main(options: argparse.Namespace) -> None:
    """Measure and print the tables."""
    count = (1, 1) if options.quick else (options.chests, options.torsos)
    rows = [
        chest_row(range(options.seed, options.seed + count[0]), step) for step in CHEST_SPACINGS[: 3 - options.quick]
    ]
    rows += [torso_row(range(options.seed, options.seed + count[1]), step) for step in TORSO_SPACINGS[options.quick :]]
    speed = [] if options.quick else [speed_row(options.seed)]
    real = [real_row(path, options.sheets) for path in options.ct]
    settings = {"chests": count[0], "torsos": count[1], "seed": options.seed, "nodules": NODULES}
    result = {"rows": rows, "speed": speed, "real": real}
    detector_results.append(options.out, "nodules lungs", settings, result)
    for table in (rows, speed, real):
        if table:
            print(detector_results.markdown(table), "\n")


def chest_row(seeds: Sequence[int], spacing: Spacing) -> dict[str, Any]:
    """Chests at one spacing."""
    scores, kept, pooled, lumen = [], [], np.zeros(2), np.zeros(2)
    x, y, z = (int(length / step) for length, step in zip(CHEST_MM, spacing, strict=True))
    for seed in seeds:
        volume = make_chest(seed, spacing_mm=spacing, shape=(x, y, z), nodules=NODULES).volume
        patient = draw_patient(seed)
        found, seconds = timed(volume)
        truth = chest_lungs(patient, volume)
        scores.append(compare(found.labels, truth, seconds))
        for placed in place_nodules(patient, np.random.default_rng([seed, NODULE_STREAM]), NODULES):
            voxels = nodule_voxels(placed, patient, volume) if placed.truth.location == "juxtapleural" else ()
            inside = [found.labels[tuple(at)] > 0 for at in voxels if truth[tuple(at)]]
            if inside:
                kept.append(float(np.mean(inside)))
                pooled += sum(inside), len(inside)
        lumen += windpipe_in(found.labels, truth, patient, volume)
    row = summary("chest", spacing, scores)
    return row | {
        "nodules on the pleura": len(kept),
        "of their voxels kept": float(pooled[0] / max(pooled[1], 1)),
        "mean of each nodule": float(np.mean(kept)) if kept else None,
        "of the windpipe in the mask": float(lumen[0] / max(lumen[1], 1)),
    }


def torso_row(seeds: Sequence[int], spacing: Spacing) -> dict[str, Any]:
    """Whole trunks at one spacing: belly, pelvis, table, arms."""
    scores = []
    for seed in seeds:
        phantom = make_torso(seed, spacing_mm=spacing, size=int(TORSO_MM / spacing[0]))
        found, seconds = timed(phantom.volume)
        scores.append(compare(found.labels, torso_lungs(phantom.torso, phantom.volume), seconds))
    return summary("trunk", spacing, scores)


def summary(kind: str, spacing: Spacing, scores: list[dict[str, float]]) -> dict[str, Any]:
    """The mean over scans, and the worst Dice of a lung."""
    names = ("Dice", "too much", "missed", "wrong side", "volume error", "seconds")
    means = {name: float(np.mean([score[name] for score in scores])) for name in names}
    shown = " x ".join(f"{step:g}" for step in spacing)
    worst = min(score["worst Dice"] for score in scores)
    return {"phantom": kind, "voxel, mm": shown, "scans": len(scores), "Dice, worst lung": worst, **means}


def compare(labels: np.ndarray, truth: np.ndarray, seconds: float) -> dict[str, float]:
    """Dice of each lung, and parts of the true lungs."""
    sides = [(labels == side, truth == side) for side in (1, 2)]
    dice = [2 * float((own & true).sum()) / float(own.sum() + true.sum()) for own, true in sides]
    found, lungs = labels > 0, truth > 0
    total = float(lungs.sum())
    return {
        "Dice": float(np.mean(dice)),
        "worst Dice": min(dice),
        "too much": float((found & ~lungs).sum()) / total,
        "missed": float((lungs & ~found).sum()) / total,
        "wrong side": float((found & lungs & (labels != truth)).sum()) / total,
        "volume error": abs(float(found.sum()) / total - 1),
        "seconds": seconds,
    }


def timed(volume: CTVolume) -> tuple[LungMask, float]:
    """Find lungs, and tell the CPU-seconds."""
    start = time.process_time()
    found = lung_mask(volume.array, volume.affine_lps)
    return found, time.process_time() - start


def nodule_voxels(placed: PlacedNodule, patient: Patient, volume: CTVolume) -> np.ndarray:
    """``(N, 3)`` indices of the voxels of a nodule's shape."""
    affine, box = volume.affine_lps, placed.truth.box_lps_mm
    step, origin = np.diag(affine)[:3], affine[:3, 3]
    low = np.maximum(np.floor((np.array(box[:3]) - origin) / step), 0).astype(int)
    high = np.minimum(np.ceil((np.array(box[3:]) - origin) / step) + 1, volume.array.shape).astype(int)
    spans = [np.arange(first, last) for first, last in zip(low, high, strict=True)]
    places = np.stack(np.meshgrid(*spans, indexing="ij"), axis=-1).reshape(-1, 3)
    inside = placed.shape.distance_mm(places * step + origin - patient.offset_lps_mm) < 0
    return places[inside]


def windpipe_in(labels: np.ndarray, truth: np.ndarray, patient: Patient, volume: CTVolume) -> tuple[int, int]:
    """Voxels of the windpipe and the main bronchi outside of the lungs that are in the mask, and how many there are."""
    affine, windpipe = volume.affine_lps, patient.mediastinum.windpipe
    step, origin = np.diag(affine)[:3], affine[:3, 3] - patient.offset_lps_mm
    reach = windpipe.start_radius.max()
    ends = np.concatenate([windpipe.start, windpipe.end])
    low = np.maximum((ends.min(axis=0) - reach - origin) / step, 0).astype(int)
    high = np.minimum((ends.max(axis=0) + reach - origin) / step + 2, volume.array.shape).astype(int)
    inside = count = 0
    for index in range(low[2], high[2]):
        spans = np.arange(low[0], high[0]), np.arange(low[1], high[1]), np.array([index])
        places = np.stack(np.meshgrid(*spans, indexing="ij"), axis=-1).reshape(-1, 3)
        places = places[windpipe.distance_mm(places * step + origin, 0.0) < 0]
        places = places[truth[tuple(places.T)] == 0]
        inside, count = inside + int((labels[tuple(places.T)] > 0).sum()), count + len(places)
    return inside, count


def speed_row(seed: int) -> dict[str, Any]:
    """One scan of 512 x 512 x 300: seconds of one core, and memory above the volume."""
    size = np.array(SPEED_SHAPE) * SPEED_SPACING
    spacing = tuple(float(step) for step in size / (256, 256, 150))
    small = make_chest(seed, spacing_mm=spacing, shape=(256, 256, 150)).volume
    block = np.repeat(np.repeat(np.repeat(small.array.T, 2, axis=0), 2, axis=1), 2, axis=2)
    volume = CTVolume(block.T, np.diag([*SPEED_SPACING, 1.0]), small.info)
    block[...] += np.random.default_rng(seed).integers(-20, 20, block.shape[1:], dtype=np.int16)
    Path("/proc/self/clear_refs").write_text("5")  # forgets the highest memory so far
    before = memory_mib("VmRSS")
    _, seconds = timed(volume)
    return {"voxels": "512 x 512 x 300", "seconds": seconds, "MiB above the volume": memory_mib("VmHWM") - before}


def real_row(path: Path, sheets: Path | None) -> dict[str, Any]:
    """Volumes and density of a real scan."""
    volume = read_ct(path, choose="thinnest")
    found, seconds = timed(volume)
    x, y, z = (float(step) for step in spacing_of(volume.affine_lps))
    facts = lung_facts(volume.array, found.labels, (x, y, z))
    if sheets is not None:
        sheets.mkdir(parents=True, exist_ok=True)
        (sheets / f"{path.name}.png").write_bytes(lung_sheet(volume, found.labels, notes=found.notes))
    shown = {f"{side}, ml": fact.volume_ml for side, fact in facts.items()}
    both = facts["both"]
    told = found.reason or "; ".join(found.notes)
    return {"scan": path.name, **shown, "mean HU": both.mean_hu, "below -950 HU, %": both.emphysema_percent,
            "seconds": seconds, "said": told}  # fmt: skip
