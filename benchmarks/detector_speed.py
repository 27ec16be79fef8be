"""Seconds and memory of whole scans: the network alone, from DICOM to a report, and on a GPU if there is one."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import detector_results
import detector_speed_gpu
import numpy as np
import torch
from detector_machine import in_fresh_process, measured
from detector_score import open_detector
from detector_scoring import detector_finder

PRECISIONS = ("bfloat16", "float32")
SPACING_MM, DICOM_SPACING_MM = (1.4, 1.4, 1.4), (0.7, 0.7, 1.0)


def main(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder, "scan.npy")
        in_fresh_process(write_scan_image, image, options.size, min(200, max(options.slices)))
        rows = [scan_row(options, image, count, each) for each in PRECISIONS for count in options.slices]
        detector_results.append(options.out, "speed", settings_of(options), {"rows": rows})
        print(detector_results.markdown(rows))
        if options.dicom:
            print(f"\n{run_dicom(options, Path(folder))}")
    if not options.quick:
        run_nms()
    detector_speed_gpu.main(options)


def settings_of(options: argparse.Namespace) -> dict[str, Any]:
    names = ("checkpoint", "config_overrides", "slices", "size", "repeats", "dicom")
    return {name: getattr(options, name) for name in names}


def write_scan_image(path: Path, size: int, slices: int) -> None:
    """A phantom as the network sees it: a second look at noise alone would find other candidates."""
    from lungdet.geometry.hounsfield import scale_hu
    from lungdet.phantoms import make_chest

    chest = make_chest(9999, spacing_mm=SPACING_MM, shape=(size, size, slices))
    np.save(path, scale_hu(torch.from_numpy(chest.volume.array).float(), -1000.0, 400.0).numpy())


def scan_row(options: argparse.Namespace, image: Path, slices: int, precision: str) -> dict[str, Any]:
    overrides = {**options.config_overrides, "precision": precision}
    seconds, peak = in_fresh_process(scan_cost, image, slices, overrides, options.checkpoint, options.repeats)
    return {
        "scan": f"{options.size} x {options.size} x {slices}",
        "precision": precision,
        "CPU seconds": seconds,
        "peak MiB above network and scan": peak,
    }


def scan_cost(
    path: Path, slices: int, overrides: Mapping[str, Any], checkpoint: str | None, repeats: int
) -> tuple[float, float]:
    """Median CPU seconds from a scan to boxes, and the first run's peak above what network and scan take."""
    warnings.simplefilter("ignore")
    whole = np.load(path, mmap_mode="r")
    image = torch.empty(1, 1, *whole.shape[:2], slices)
    for start in range(0, slices, whole.shape[2]):  # longer ones repeat it
        part = image[0, 0, :, :, start : start + whole.shape[2]]
        part.copy_(torch.from_numpy(np.array(whole[:, :, : part.shape[2]])))
    find = detector_finder(*open_detector(overrides, checkpoint, "cpu"))
    find(torch.rand(1, 1, 32, 32, 16))  # torch loads its kernels
    runs = [measured(lambda: find(image)) for _ in range(repeats)]
    return statistics.median(seconds for _, seconds, _ in runs), runs[0][2]


def run_dicom(options: argparse.Namespace, folder: Path) -> str:
    """Seconds of the wall that ``lungdet detect`` takes on two cores, from the call to the report."""
    series = folder / "series"
    in_fresh_process(write_series, series, options.dicom)
    command = [sys.executable, "-c", "import sys; from lungdet.cli import main; sys.exit(main())", "detect"]
    command += [str(series), "--output", str(folder / "out"), "--device", "cpu", "--bundle", options.bundle]
    cores = sorted(os.sched_getaffinity(0))[:2]
    before, limits = os.sched_getaffinity(0), {**os.environ, "OMP_NUM_THREADS": str(len(cores))}
    os.sched_setaffinity(0, cores)
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=limits)
    seconds = time.perf_counter() - start
    os.sched_setaffinity(0, before)
    size = " x ".join(map(str, options.dicom))
    if done.returncode:
        return f"from DICOM, {size}: failed after {seconds:.1f} s: {done.stderr.strip()[-300:]}"
    detector_results.append(options.out, "dicom", settings_of(options), {"wall_seconds": seconds, "cores": len(cores)})
    return f"from DICOM to a report, {size}: {seconds:.1f} s on {len(cores)} cores"


def write_series(folder: Path, size: Sequence[int]) -> None:
    from lungdet.phantoms import make_chest, write_dicom_series

    write_dicom_series(make_chest(9998, spacing_mm=DICOM_SPACING_MM, shape=(size[0], size[1], size[2])).volume, folder)


def run_nms() -> None:
    """The table of suppression is a benchmark of its own."""
    path = Path(__file__).with_name("nms.py")
    if path.is_file():
        print(flush=True)
        subprocess.run([sys.executable, str(path)], check=False)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    root = Path(__file__).parents[1] / "bundles" / "nodule_detector"
    parser.add_argument("--checkpoint", default=str(root / "models" / "model.pt"), help="weights; '' for random ones")
    parser.add_argument("--bundle", default="nodule_detector", help="whose weights read the DICOM series")
    parser.add_argument("--slices", type=int, nargs="+", default=[100, 200, 800])
    parser.add_argument("--size", type=int, default=256, help="columns and rows")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--dicom", type=int, nargs=3, default=[512, 512, 300], help="size of the DICOM series")
