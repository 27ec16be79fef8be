"""DeepLesion's table: our boxes and diameters against its own, and the time for as many rows as the whole set has.

    python benchmarks/labels.py deeplesion [--table DL_info.csv]

Beside it the plain way: a dictionary for each row, and its box by a tensor of one mark.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

WHOLE_SET = 32735  # rows of the whole DL_info.csv
EXCERPT = "deeplesion/DL_info_excerpt.csv"


def default_table() -> Path:
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("LUNGDET_REAL_DATA", beside)) / EXCERPT


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, default=default_table())
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    print_agreement(options.table)
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder, "DL_info.csv")
        repeat_rows(options.table, whole, WHOLE_SET)
        print(f"\n{WHOLE_SET} rows to typed records with boxes, median of {options.rounds}")
        for name, convert in (("lungdet", ours), ("a dictionary and a tensor for each row", plain)):
            seconds, cpu = timed(lambda convert=convert: convert(whole), options.rounds)
            print(f"  {name:40} {seconds:6.2f} s, {cpu:6.2f} s of CPU")


def print_agreement(table: Path) -> None:
    from lungdet.readers import read_deeplesion

    lesions = read_deeplesion(table).lesions
    boxes = np.array([lesion.recist_box_edge() for lesion in lesions])
    boxes_off = np.abs(boxes - np.array([lesion.box_edge for lesion in lesions]))
    marks = np.array([lesion.recist_edge for lesion in lesions]).reshape(-1, 4, 2)
    lengths = np.linalg.norm(marks[:, 1::2] - marks[:, 0::2], axis=2)
    lengths_off = np.abs(lengths - np.array([lesion.diameters_px for lesion in lesions]))
    print(f"{len(lesions)} rows read, {len({lesion.patient for lesion in lesions})} patients")
    print(f"  Bounding_boxes: largest difference {boxes_off.max():.5f} px")
    print(f"  Lesion_diameters_Pixel_: largest difference {lengths_off.max():.5f} px (six digits are given)")
    flags = Counter(flag for lesion in lesions for flag in lesion.flags)
    print("  flags: " + ", ".join(f"{flag} {count}" for flag, count in flags.most_common()))


def repeat_rows(source: Path, target: Path, count: int) -> None:
    """Write ``count`` rows: those of ``source`` again and again, each time of other patients."""
    with source.open(newline="") as stream:
        head, *rows = csv.reader(stream)
    with target.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(head)
        for number in range(count):
            row = list(rows[number % len(rows)])
            row[1] = str(int(row[1]) + 10_000 * (number // len(rows)))
            row[0] = f"{int(row[1]):06d}{row[0][6:]}"
            writer.writerow(row)


def ours(table: Path) -> int:
    from lungdet.readers import read_deeplesion

    return len([lesion.recist_box_edge() for lesion in read_deeplesion(table).lesions])


def plain(table: Path) -> int:
    import torch

    from lungdet.geometry.recist import recist_to_box

    boxes = []
    with table.open(newline="") as stream:
        for row in csv.DictReader(stream):
            for name in ("Bounding_boxes", "Lesion_diameters_Pixel_", "Normalized_lesion_location", "Spacing_mm_px_"):
                row[name] = [float(value) for value in row[name].split(",")]
            mark = [float(value) for value in row["Measurement_coordinates"].split(",")]
            boxes.append(recist_to_box(torch.tensor(mark).reshape(1, 4, 2), 5.0))
    return len(boxes)


def timed(work: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Median seconds by the clock and of this process; what is imported is imported before."""
    work()
    clocks, cpus = [], []
    for _ in range(rounds):
        clock, cpu = time.perf_counter(), time.process_time()
        work()
        clocks.append(time.perf_counter() - clock)
        cpus.append(time.process_time() - cpu)
    return statistics.median(clocks), statistics.median(cpus)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
