"""Files a second: radiographs of 2048 x 2048 pixels in 16 bits, from DICOM on the disk to a decision.

::

    python benchmarks/router_speed_files.py --files 100 --workers 0 1 2 4

The files are phantoms, written first; each is read once before the clock starts, so that the disk does not count.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from detector_machine import describe_machine
from detector_results import markdown

from lungdet.phantoms import make_radiograph, write_radiograph_dicom
from lungdet.workflows import RadiographLabeller

KINDS = ("chest", "abdomen", "hand", "spine", "knee", "skull")
MIB = 1 << 20


def main(options: argparse.Namespace) -> None:
    machine = describe_machine()
    print(f"{machine['cpu']}, {len(os.sched_getaffinity(0))} processors, {machine['threads']} torch threads")
    labeller = RadiographLabeller(options.bundle, device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(Path(folder), options.files, options.side, options.syntax)
        size = sum(file.stat().st_size for file in files) / len(files) / MIB
        print(f"{len(files)} files, {options.side} x {options.side}, 16 bits, {options.syntax}, {size:.1f} MiB each")
        warm_up(labeller, files)
        rows = [time_workers(labeller, files, workers, options.batch_size) for workers in options.workers]
        rows.append(time_reading(labeller, files))
    print(markdown(rows))


def write_files(folder: Path, count: int, side: int, syntax: str) -> list[Path]:
    """Write six kinds of phantoms, each several times under UIDs of its own: drawing takes longer than writing."""
    pictures = {kind: make_radiograph(7, kind, rows=side, columns=side) for kind in KINDS[: max(1, min(count, 6))]}
    paths = []
    for number in range(count):
        picture = pictures[KINDS[number % len(pictures)]]
        path = folder / f"{number:04d}.dcm"
        paths.append(write_radiograph_dicom(picture, path, bits=16, seed=number, transfer_syntax=syntax))
    return paths


def warm_up(labeller: RadiographLabeller, files: Sequence[Path]) -> None:
    for file in files:
        file.read_bytes()
    list(labeller(files[:16]))


def time_workers(labeller: RadiographLabeller, files: Sequence[Path], workers: int, batch_size: int) -> dict[str, Any]:
    cpu, start = time.process_time(), time.perf_counter()
    done = list(labeller(files, workers=workers, batch_size=batch_size))
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    assert not [labelled.error for labelled in done if labelled.error]
    return row(f"{workers} threads that read", len(files), wall, cpu)


def time_reading(labeller: RadiographLabeller, files: Sequence[Path]) -> dict[str, Any]:
    cpu, start = time.process_time(), time.perf_counter()
    for file in files:
        labeller.preprocessing({"image": str(file)})
    return row("reading alone, one thread", len(files), time.perf_counter() - start, time.process_time() - cpu)


def row(name: str, count: int, wall: float, cpu: float) -> dict[str, Any]:
    return {"run": name, "images/s": round(count / wall, 1), "CPU ms an image": round(1000 * cpu / count, 1)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--syntax", default="explicit", help="transfer syntax, see lungdet.phantoms.TRANSFER_SYNTAXES")
    parser.add_argument("--workers", type=int, nargs="+", default=(0, 1, 2, 4))
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--bundle", default="body_part_router")
    parser.add_argument("--threads", type=int, help="threads of torch; its own choice if not given")
    chosen = parser.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    main(chosen)
