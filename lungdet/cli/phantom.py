"""``lungdet phantom``: a synthetic chest CT."""

from __future__ import annotations

import argparse
from pathlib import Path

from .exit_codes import EXIT_OK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = "Write OUT/dicom, the true nodules as OUT/truth.json and OUT/truth.csv, and OUT/excluded.csv."
    parser.add_argument("output", metavar="OUT", help="folder to write into")
    parser.add_argument("--seed", type=int, default=0, help="which chest (default 0)")
    parser.add_argument(
        "--spacing", type=float, nargs=3, default=(1.0, 1.0, 1.5), metavar="MM", help="voxel size x y z"
    )
    parser.add_argument("--size", type=int, nargs=3, default=(352, 352, 200), metavar="N", help="voxels along x y z")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write a phantom and its truth."""
    from lungdet.phantoms import make_chest, write_dicom_series, write_truth

    folder = Path(options.output)
    chest = make_chest(options.seed, spacing_mm=tuple(options.spacing), shape=tuple(options.size))
    info = write_dicom_series(chest.volume, folder / "dicom", seed=options.seed)
    write_truth(
        chest.nodules,
        info.series_uid,
        folder / "truth.json",
        folder / "truth.csv",
        image="dicom",
        ignored=chest.ignored,
        lookalikes=chest.lookalikes,
        excluded_csv_path=folder / "excluded.csv",
    )
    print(
        f"{len(info.slice_uids)} slices in {folder / 'dicom'}, {len(chest.nodules)} nodules in {folder / 'truth.csv'}"
    )
    return EXIT_OK
