"""``lungdet phantom``: a synthetic chest or trunk, a synthetic DeepLesion, or a cohort with a label for each scan."""

from __future__ import annotations

import argparse
from pathlib import Path

from lungdet.counted import counted

from .exit_codes import EXIT_OK
from .number_types import real, whole

CHEST_SPACING_MM, CHEST_SIZE = (1.0, 1.0, 1.5), (352, 352, 200)
TORSO_SPACING_MM, TORSO_SIZE = (1.7, 1.7, 5.0), (256, 256)
TORSO_LESIONS_STREAM = 501
KINDS = ("chest", "torso", "deeplesion", "cohort")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = (
        "Write synthetic CT with its truth. chest: OUT/dicom, the nodules as OUT/truth.json and OUT/truth.csv, and "
        "OUT/excluded.csv. torso: OUT/dicom from jaw to thigh, and OUT/truth.json with landmarks, the body coordinate "
        "of each slice and lesions. deeplesion: OUT/Images_png, OUT/DL_info.csv and OUT/truth.csv. cohort: a chest in "
        "OUT/ID for each patient, OUT/labels.csv (id,cancer) and OUT/truth.json; a run that was stopped goes on."
    )
    parser.add_argument("output", metavar="OUT", help="folder to write into")
    parser.add_argument("--kind", choices=KINDS, default="chest", help="(default chest)")
    parser.add_argument("--seed", type=whole(), default=0, help="which patient, or which data set (default 0)")
    parser.add_argument(
        "--patients", type=whole(1), default=20, metavar="N", help="of deeplesion or cohort (default 20)"
    )
    scan = parser.add_argument_group("chest, torso and cohort")
    scan.add_argument("--spacing", type=real(positive=True), nargs=3, metavar="MM", help="voxel size x y z")
    scan.add_argument(
        "--size", type=whole(2), nargs=3, metavar="N", help="voxels along x y z (a torso: z about its middle)"
    )
    scan.add_argument("--lesions", type=whole(), default=0, metavar="N", help="of a torso (default none)")
    folder = parser.add_argument_group("deeplesion")
    folder.add_argument("--image-size", type=whole(1), default=512, metavar="N", help="columns and rows (default 512)")
    folder.add_argument("--context", type=real(), default=30.0, metavar="MM", help="above and below marks (default 30)")
    folder.add_argument(
        "--hide-training-types", action="store_true", help="type -1 in the training part, as in the real one"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write a phantom and its truth."""
    write = {"chest": _write_chest, "torso": _write_torso, "deeplesion": _write_deeplesion, "cohort": _write_cohort}
    write[options.kind](options)
    return EXIT_OK


def _new_scan(output: str) -> Path:
    """Refuse a folder that holds a scan: slices of two patients would lie in one."""
    folder = Path(output)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder}: is no folder; name another one to write into")
    slices = folder / "dicom"
    if slices.exists() and (not slices.is_dir() or any(slices.iterdir())):
        raise ValueError(f"{slices}: is filled already; remove it, or name another folder")
    return folder


def _write_chest(options: argparse.Namespace) -> None:
    from lungdet.phantoms import make_chest, write_dicom_series, write_truth

    folder = _new_scan(options.output)
    spacing, size = options.spacing or CHEST_SPACING_MM, options.size or CHEST_SIZE
    chest = make_chest(options.seed, spacing_mm=tuple(spacing), shape=tuple(size))
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
        f"{counted(len(info.slice_uids), 'slice')} in {folder / 'dicom'}, "
        f"{counted(len(chest.nodules), 'nodule')} in {folder / 'truth.csv'}"
    )


def _write_torso(options: argparse.Namespace) -> None:
    import numpy as np

    from lungdet.phantoms import draw_lesions, draw_torso, make_torso, write_dicom_series, write_torso_truth

    folder = _new_scan(options.output)
    spacing = tuple(options.spacing or TORSO_SPACING_MM)
    torso = draw_torso(options.seed)
    rng = np.random.default_rng([options.seed, TORSO_LESIONS_STREAM])
    drawn = draw_lesions(rng, torso, f"{options.seed:06d}", 1, options.lesions)
    states = [state for lesion in drawn if (state := lesion.state(0)) is not None]
    heights = None
    if options.size:
        half = (options.size[2] - 1) / 2 * spacing[2]
        middle = sum(torso.z_range_mm) / 2
        heights = (middle - half, middle + half)
    size = tuple((options.size or TORSO_SIZE)[:2])
    phantom = make_torso(options.seed, spacing_mm=spacing, size=size, z_range_mm=heights, lesions=states)
    info = write_dicom_series(phantom.volume, folder / "dicom", seed=options.seed)
    write_torso_truth(folder / "truth.json", phantom, info.series_uid, image="dicom", lesions=states)
    print(
        f"{counted(len(info.slice_uids), 'slice')} in {folder / 'dicom'}, "
        f"{counted(len(states), 'lesion')} in {folder / 'truth.json'}"
    )


def _write_deeplesion(options: argparse.Namespace) -> None:
    from lungdet.phantoms import write_deeplesion

    written = write_deeplesion(
        options.output,
        patients=options.patients,
        seed=options.seed,
        image_size=options.image_size,
        context_mm=options.context,
        hide_training_types=options.hide_training_types,
    )
    rows = f"{counted(len(written.rows), 'lesion')} of {counted(written.patients, 'patient')}"
    slices = f"{counted(written.slices, 'slice')} in {written.folder / 'Images_png'}"
    print(f"{rows} in {written.folder / 'DL_info.csv'}, {slices}")


def _write_cohort(options: argparse.Namespace) -> None:
    from lungdet.phantoms import write_cohort

    grid = {"spacing_mm": options.spacing, "shape": options.size}
    given = {name: tuple(value) for name, value in grid.items() if value}
    cohort = write_cohort(options.output, options.patients, options.seed, **given)
    ill = sum(patient.cancer for patient in cohort)
    print(f"{counted(len(cohort), 'scan')}, {ill} of them with cancer, in {Path(options.output) / 'labels.csv'}")
