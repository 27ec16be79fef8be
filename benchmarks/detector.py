"""The detector's figures: one command a table, results as lines of JSON beside it.

    python benchmarks/detector.py cache --cache FOLDER             # the evaluation scans, once
    python benchmarks/detector.py score --cache FOLDER --checkpoint model.pt
    python benchmarks/detector.py ablation --cache FOLDER --seconds 400
    python benchmarks/detector.py retinanet --cache FOLDER --seconds 1200
    python benchmarks/detector.py speed

``--quick`` shows that a command works: tiny scans, a few seconds of training, figures that mean nothing. Each part is a
file of its own beside this one, ``detector_<part>.py``. One thread, unless ``--threads`` says otherwise.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))
PARTS = {
    "cache": "write the evaluation scans",
    "score": "CPM, strata, thick slices, seconds and memory of weights",
    "ablation": "variants of the network at equal CPU seconds",
    "retinanet": "MONAI's 3D RetinaNet on the same patches and scans",
    "speed": "seconds and memory of whole scans",
}
HEADLINE_SCANS, ABLATION_SCANS = range(9000, 9060), range(9100, 9140)
TINY = {"scan_shape": [80, 80, 64], "spacing_mm": [3.5, 3.5, 3.5]}
TINY_PATCHES = {"patch_size": [48, 48, 16], "patches_per_scan": 4}
LOOK = {**TINY, "network_def#second_look": True}
QUICK = {
    "cache": {"scans": range(9200, 9202), "slices_mm": [3.5, 7.0], "config_overrides": TINY},
    "score": {"scans": range(9200, 9202), "slices_mm": [3.5, 7.0], "config_overrides": LOOK, "checkpoint": ""},
    "ablation": {
        "scans": range(9200, 9202),
        "slices_mm": [3.5],
        "config_overrides": {**TINY, **TINY_PATCHES},
        "seconds": 2.0,
        "train_seeds": range(9300, 9302),
        "mixers": ["convlstm"],
    },
    "retinanet": {
        "scans": range(9200, 9202),
        "slices_mm": [3.5],
        "config_overrides": {**TINY, **TINY_PATCHES},
        "seconds": 2.5,
        "train_seeds": range(9300, 9302),
        "zoo_patch": [48, 48, 16],
    },
    "speed": {"slices": [32, 64], "size": 64, "repeats": 1, "dicom": [128, 128, 20], "checkpoint": ""},
}


def main(arguments: list[str]) -> None:
    from run_part import hand_over

    hand_over("detector", read_arguments(arguments))


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="part", required=True)
    for part, text in PARTS.items():
        command = commands.add_parser(part, help=text, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        importlib.import_module(f"detector_{part}").add_arguments(command)
        add_common_arguments(command, ABLATION_SCANS if part in ("ablation", "retinanet") else HEADLINE_SCANS)
        if "--quick" in arguments:
            command.set_defaults(**QUICK[part])
    return parser.parse_args(arguments)


def add_common_arguments(parser: argparse.ArgumentParser, scans: range) -> None:
    from detector_scans import seed_range

    parser.add_argument("--cache", type=Path, default=Path("detector_cache"), help="folder of the evaluation scans")
    parser.add_argument("--scans", type=seed_range, default=scans, help="seeds of the evaluation scans, A:B")
    parser.add_argument("--out", type=Path, default=Path("detector_results.jsonl"), help="results are added to it")
    parser.add_argument(
        "--config-overrides", type=json.loads, default={}, help="new values for the bundle's common.yaml, as JSON"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1, help="that make scans")
    parser.add_argument("--quick", action="store_true", help="tiny, to see that it works")


if __name__ == "__main__":
    main(sys.argv[1:])
