"""What the lesion tools are worth, on synthetic patients kept out: one command a table, results as lines of JSON.

    python benchmarks/lesions.py score        # body-part scores of slices: order, line, landmarks, parts
    python benchmarks/lesions.py retrieval    # what looks alike: against raw features and chance, and how fast
    python benchmarks/lesions.py matching     # the same lesion later: pairs and whole sequences
    python benchmarks/lesions.py all          # the three of them

Each part is a file of its own beside this one, ``lesions_<part>.py``, with settings of its own: ``retrieval --help``.
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
    "score": "body-part scores of the slices of unseen trunks",
    "retrieval": "lesions that look alike, of other patients",
    "matching": "the same lesion over studies",
}


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--work", type=Path, default=Path("lesions_work"), help="folder of what is made on the way")
    command.add_argument("--out", type=Path, default=Path("lesions_results.jsonl"), help="results are added to it")
    command.add_argument("--seed", type=int, default=900_000, help="of the patients: far from those of training")
    command.add_argument("--threads", type=int, default=1)
    command.add_argument("--quick", action="store_true", help="tiny, to see that it works")


if __name__ == "__main__":
    run("lesions", __doc__, PARTS, add_arguments, sys.argv[1:])
