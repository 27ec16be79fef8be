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
import importlib
import logging
import os
import sys
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))
PARTS = {
    "score": "body-part scores of the slices of unseen trunks",
    "retrieval": "lesions that look alike, of other patients",
    "matching": "the same lesion over studies",
}


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["all"]:
        for part in PARTS:
            print(f"\n## {part}\n", flush=True)
            main([part, *arguments[1:]])
        return
    import torch

    options = read_arguments(arguments)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(options.threads)
    importlib.import_module(f"lesions_{options.part}").main(options)


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="part", required=True, metavar="{score,retrieval,matching,all}")
    for part, text in PARTS.items():
        if part not in arguments[:1] and arguments[:1] not in ([], ["-h"], ["--help"]):
            continue  # its file may need what this run does not
        command = commands.add_parser(part, help=text, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        command.add_argument(
            "--work", type=Path, default=Path("lesions_work"), help="folder of what is made on the way"
        )
        command.add_argument("--out", type=Path, default=Path("lesions_results.jsonl"), help="results are added to it")
        command.add_argument("--seed", type=int, default=900_000, help="of the patients: far from those of training")
        command.add_argument("--threads", type=int, default=1)
        command.add_argument("--quick", action="store_true", help="tiny, to see that it works")
        if part in arguments[:1]:
            importlib.import_module(f"lesions_{part}").add_arguments(command)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
