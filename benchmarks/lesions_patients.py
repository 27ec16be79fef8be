"""Synthetic DeepLesion patients that no network was trained on, written once."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from lungdet.phantoms import write_deeplesion

PATIENTS, QUICK_PATIENTS, IMAGE_SIZE, CONTEXT_MM = 150, 6, 256, 5.0


def add_patients(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--patients", type=int, default=PATIENTS, help="synthetic ones to make")
    parser.add_argument("--folder", type=Path, help="DL_info.csv, truth.csv and Images_png to use in their place")


def patients_folder(options: argparse.Namespace) -> Path:
    """The folder of ``DL_info.csv``, ``truth.csv`` and ``Images_png``."""
    if options.folder is not None:
        return options.folder
    count = QUICK_PATIENTS if options.quick else options.patients
    folder = options.work / f"deeplesion_{count}_{IMAGE_SIZE}_{options.seed}"
    if not (folder / "DL_info.csv").is_file():  # it is written last
        shutil.rmtree(folder, ignore_errors=True)
        size = IMAGE_SIZE // 2 if options.quick else IMAGE_SIZE
        write_deeplesion(folder, patients=count, seed=options.seed, image_size=size, context_mm=CONTEXT_MM)
    return folder
