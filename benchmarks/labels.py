"""Read public labels and compare with what was published about them: one table for each data set.

    python benchmarks/labels.py                     # all data sets
    python benchmarks/labels.py lidc --help

Each part is a file of its own beside this one, ``labels_<data set>.py``, with ``main(arguments)``.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

PARTS = sorted(path.stem.removeprefix("labels_") for path in Path(__file__).parent.glob("labels_*.py"))


def main(arguments: list[str]) -> None:
    sys.path.insert(0, str(Path(__file__).parent))
    if arguments and arguments[0] in PARTS:
        importlib.import_module(f"labels_{arguments[0]}").main(arguments[1:])
        return
    if arguments:
        sys.exit(f"usage: labels.py [{'|'.join(PARTS)}] [options]")
    for part in PARTS:
        print(f"\n=== {part}\n")
        importlib.import_module(f"labels_{part}").main([])


if __name__ == "__main__":
    main(sys.argv[1:])
