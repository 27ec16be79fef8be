"""What the tools around a nodule are worth, on synthetic patients kept out: one command a table, results as JSON.

    python benchmarks/nodules.py lungs             # the lungs' mask: overlap, nodules on the pleura, speed
    python benchmarks/nodules.py measuring         # size and volume of a marked nodule
    python benchmarks/nodules.py classifier        # nodule or not, its type and its ratings
    python benchmarks/nodules.py initialisation    # the classifier from scratch and from other weights, at few labels
    python benchmarks/nodules.py crop              # the detector on the lungs alone
    python benchmarks/nodules.py filter            # the detector with and without the classifier
    python benchmarks/nodules.py risk              # one probability for a scan
    python benchmarks/nodules.py all               # all of them

Each part is a file of its own beside this one, ``nodules_<part>.py``, with settings of its own: ``lungs --help``.
``--quick`` shows that a command works: its figures mean nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from run_part import run

os.environ.setdefault("OMP_NUM_THREADS", "1")
PARTS = {
    "lungs": "the lungs' mask of unseen chests and trunks, and of real CT",
    "measuring": "size and volume of a marked nodule",
    "classifier": "nodule or not, its type and its ratings, each with an interval",
    "initialisation": "the classifier from scratch and from other weights, at few labelled nodules",
    "crop": "the detector on the lungs alone: CPM and time, beside the whole scan",
    "filter": "the detector's CPM with and without the classifier",
    "risk": "one probability for a scan, on a cohort with a known rule",
}


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--out", type=Path, default=Path("nodules_results.jsonl"), help="results are added to it")
    command.add_argument("--seed", type=int, default=910_000, help="of the patients: far from those of training")
    command.add_argument("--quick", action="store_true", help="tiny, to see that it works")


if __name__ == "__main__":
    run("nodules", __doc__, PARTS, add_arguments, sys.argv[1:])
