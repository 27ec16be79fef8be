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
import importlib
import logging
import os
import sys
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))
PARTS = {
    "lungs": "the lungs' mask of unseen chests and trunks, and of real CT",
    "measuring": "size and volume of a marked nodule",
    "classifier": "nodule or not, its type and its ratings, each with an interval",
    "initialisation": "the classifier from scratch and from other weights, at few labelled nodules",
    "crop": "the detector on the lungs alone: CPM and time, beside the whole scan",
    "filter": "the detector's CPM with and without the classifier",
    "risk": "one probability for a scan, on a cohort with a known rule",
}


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["all"]:
        for part in PARTS:
            print(f"\n## {part}\n", flush=True)
            main([part, *arguments[1:]])
        return
    options = read_arguments(arguments)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    importlib.import_module(f"nodules_{options.part}").main(options)


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="part", required=True, metavar="{" + ",".join((*PARTS, "all")) + "}")
    for part, text in PARTS.items():
        if part not in arguments[:1] and arguments[:1] not in ([], ["-h"], ["--help"]):
            continue  # its file may need what this run does not
        command = commands.add_parser(part, help=text, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        command.add_argument("--out", type=Path, default=Path("nodules_results.jsonl"), help="results are added to it")
        command.add_argument("--seed", type=int, default=910_000, help="of the patients: far from those of training")
        command.add_argument("--quick", action="store_true", help="tiny, to see that it works")
        if part in arguments[:1]:
            importlib.import_module(f"nodules_{part}").add_arguments(command)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
