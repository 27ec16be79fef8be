"""LUNA16's tables: rows read, and the time it takes.

python benchmarks/labels.py luna16 [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path

import numpy as np


def main(arguments: list[str]) -> None:
    from lungdet.readers import (
        read_luna16_annotations,
        read_luna16_excluded,
        read_luna16_predictions,
        read_luna16_series_uids,
    )

    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path(os.environ.get("LUNGDET_REAL_DATA", beside)) / "luna16")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    uids = read_luna16_series_uids(options.folder / "seriesuids.csv")
    readers = {
        "annotations.csv": read_luna16_annotations,
        "annotations_excluded.csv": read_luna16_excluded,
        "deeplung_dpn26_predictions.csv": read_luna16_predictions,
    }
    print(f"{len(uids)} scans; median of {options.rounds}, checks of every row included")
    for name, read in readers.items():
        path, clocks, cpus = options.folder / name, [], []
        for _ in range(options.rounds):
            clock, cpu = time.perf_counter(), time.process_time()
            table = read(path, series_uids=uids)
            clocks.append(time.perf_counter() - clock)
            cpus.append(time.process_time() - cpu)
        rows = f"{len(table)} rows" + (f" and {table.repeats} repeats" if table.repeats else "")
        print(f"  {name:32} {rows:28} {statistics.median(clocks):6.3f} s, {statistics.median(cpus):6.3f} s of CPU")
    clock = time.perf_counter()
    np.genfromtxt(options.folder / "deeplung_dpn26_predictions.csv", delimiter=",", skip_header=1, usecols=range(1, 5))
    print(f"  numpy.genfromtxt of the marks, four columns, no checks {time.perf_counter() - clock:18.3f} s")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
