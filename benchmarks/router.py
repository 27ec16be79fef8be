"""The router's figures: one command a table, results as lines of JSON beside it.

    python benchmarks/router.py mednist --mednist FOLDER                 # the shipped weights on pictures kept out
    python benchmarks/router.py unifesp --radiographs labels.csv         # train on real radiographs, then score
    python benchmarks/router.py robustness --radiographs labels.csv      # the same weights on disturbed pictures
    python benchmarks/router.py domain --radiographs labels.csv --mednist FOLDER   # ... on what is no radiograph

``mednist``: a folder with a folder for each of MedNIST's six classes. ``labels.csv``: ``image,label,patient`` with the
labels of the UNIFESP competition, beside its pictures. What ``unifesp`` trains stays in ``--work``, where the two below
it look for it. Each part is a file of its own beside this one, ``router_<part>.py``. How fast it all is:
``router_speed.py``. ``--quick`` shows that a command works: its figures mean nothing.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))
PARTS = {
    "mednist": "accuracy of the shipped weights on a random hold-out",
    "unifesp": "train on real radiographs and score on patients kept out",
    "robustness": "accuracy on disturbed pictures",
    "domain": "whether what is no radiograph is told from radiographs",
}


def main(arguments: list[str]) -> None:
    from run_part import hand_over

    hand_over("router", read_arguments(arguments))


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="part", required=True)
    for part, text in PARTS.items():
        command = commands.add_parser(part, help=text, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        command.add_argument("--work", type=Path, default=Path("router_work"), help="folder of lists and weights")
        command.add_argument("--out", type=Path, default=Path("router_results.jsonl"), help="results are added to it")
        command.add_argument("--seed", type=int, default=0, help="of the split by patient")
        command.add_argument("--threads", type=int, default=1)
        command.add_argument("--quick", action="store_true", help="tiny, to see that it works")
        importlib.import_module(f"router_{part}").add_arguments(command)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
