"""``lungdet datalist``: labels of a data set to a training list."""

from __future__ import annotations

import argparse
from pathlib import Path

from .exit_codes import EXIT_FAILED, EXIT_OK
from .messages import messages_above_the_bar
from .number_types import real
from .study_options import add_reading_arguments, reading_settings

KINDS = ("lidc", "luna16", "deeplesion", "tensorbox", "radiographs", "ct")
LESION_TYPES = ("bone", "abdomen", "mediastinum", "liver", "lung", "kidney", "soft tissue", "pelvis", "unknown")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = (
        "Write a training list: boxes in LPS mm, split by patient, with scans that have no nodule, and regions to "
        "ignore kept apart; or labelled radiographs, split by patient. Ends with 1 if anything was left out or an "
        "official split leaks."
    )
    parser.add_argument("kind", choices=KINDS, help="which data set")
    parser.add_argument(
        "source", nargs="+", metavar="SOURCE",
        help="lidc: XML file, folder or archive; luna16: folder of the CSV files; deeplesion: DL_info.csv; tensorbox: "
        "JSON lists; ct: folders of DICOM, NIfTI files, or folders of both, without labels; radiographs: a folder "
        "with a folder for each class, or a CSV with image,label[,patient][,split]",
    )  # fmt: skip
    parser.add_argument("-o", "--output", required=True, metavar="LIST.json", help="where the list goes")
    parser.add_argument("--images", metavar="BASE", help="folder of the images; the list names them relative to it")
    parser.add_argument(
        "--split", type=real(), nargs=3, metavar=("TRAIN", "VAL", "TEST"),
        help="shares of the parts; by default the official split, or 80 10 10 (radiographs: 70 15 15) "
        "where there is none",
    )  # fmt: skip
    parser.add_argument("--folds", type=int, default=0, metavar="N", help="number the training part for N folds")
    parser.add_argument("--seed", type=int, default=0, help="of the split (default 0)")
    parser.add_argument(
        "--patients", metavar="CSV",
        help="lidc, luna16: a CSV with patient_id,series_uid; tensorbox, radiographs: with "
        "patient_id,image_path",
    )  # fmt: skip
    parser.add_argument(
        "--patient-pattern", default="", metavar="REGEX",
        help="tensorbox, radiographs, ct: finds the patient in an image path, in its first group if it has one",
    )  # fmt: skip
    parser.add_argument(
        "--to-tensorbox", action="store_true",
        help="tensorbox: turn a training list of slices back: LIST_train.json, LIST_val.json and LIST_test.json",
    )  # fmt: skip
    parser.add_argument(
        "--min-readers", type=int, default=3, metavar="N",
        help="lidc: nodules of fewer readers are regions to ignore (default 3)",
    )  # fmt: skip
    parser.add_argument(
        "--level", type=float, default=0.5, metavar="L",
        help="lidc: share of a nodule's readers that must include a voxel (default 0.5)",
    )  # fmt: skip
    add_reading_arguments(parser.add_argument_group("lidc: a CT of --images that is not what it should be"), "error")
    group = parser.add_argument_group("deeplesion")
    group.add_argument("--png", metavar="DIR", help="first make the volumes in BASE from the slices of Images_png")
    group.add_argument("--slices", action="store_true", help="2D: key slices as PNG, boxes in pixels")
    group.add_argument("--margin-px", type=float, default=5.0, metavar="PX", help="padding of the marks (default 5)")
    group.add_argument("--margin-mm", type=float, default=0.0, metavar="MM", help="further padding (default 0)")
    group.add_argument(
        "--depth", choices=("slice", "diameter"), default="slice", help="how far boxes reach along the slices"
    )
    group.add_argument("--types", nargs="+", choices=LESION_TYPES, metavar="TYPE", help="train on these types only")
    group.add_argument(
        "--leave-out", nargs="+", default=(), metavar="FLAG",
        help="ignore marks that are swapped, degenerate, skew, apart, outside, noisy, contradictory",
    )  # fmt: skip
    _add_radiographs(parser.add_argument_group("radiographs"))
    parser.set_defaults(run=run)


def _add_radiographs(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--classes", metavar="LIST", help="class list: vindr5, nncpr30, unifesp22, mednist6, or a YAML or CSV file"
    )
    group.add_argument(
        "--multi-label", action="store_true", help="without --classes: a picture may have several labels, as a;b"
    )
    group.add_argument("--by-group", action="store_true", help="label by the groups of the class list")
    group.add_argument(
        "--no-content", action="store_true", help="do not look for pictures that are there twice, by their pixels"
    )


def run(options: argparse.Namespace) -> int:
    """Make the list and print what it holds; 1 if something was left out."""
    if options.to_tensorbox:
        return _export(options)
    if options.kind == "radiographs":
        return _radiographs(options)
    from lungdet.datalists import DeepLesionChoice, LidcChoice
    from lungdet.workflows.datalist import DatalistOptions, make_datalist

    choice = DeepLesionChoice(
        options.slices, options.margin_px, options.margin_mm, options.depth, options.types, options.leave_out
    )
    chosen = DatalistOptions(
        deeplesion_png=options.png,
        images=options.images,
        shares=None if options.split is None else tuple(options.split),
        folds=options.folds,
        seed=options.seed,
        patients=options.patients,
        patient_pattern=options.patient_pattern,
        reading=reading_settings(options),
        lidc=LidcChoice(options.min_readers, options.level),
        deeplesion=choice,
    )
    with messages_above_the_bar():
        result = make_datalist(options.kind, [Path(source) for source in options.source], options.output, chosen)
    print(result)
    print(f"list: {result.path}")
    return EXIT_OK if result.good else EXIT_FAILED


def _radiographs(options: argparse.Namespace) -> int:
    """Make a list of labelled pictures."""
    from lungdet.workflows.radiograph_list import RadiographListOptions, make_radiograph_list

    if len(options.source) != 1 or options.folds:
        raise ValueError("radiographs takes one folder or CSV, and makes no folds")
    chosen = RadiographListOptions(
        images=options.images,
        classes=options.classes,
        multi_label=options.multi_label,
        by_group=options.by_group,
        shares=None if options.split is None else tuple(options.split),
        seed=options.seed,
        patients=options.patients,
        patient_pattern=options.patient_pattern,
        with_content=not options.no_content,
    )
    result = make_radiograph_list(options.source[0], options.output, chosen)
    print(result)
    print(f"list: {result.path}")
    return EXIT_OK if result.good else EXIT_FAILED


def _export(options: argparse.Namespace) -> int:
    """Turn a training list to TensorBox lists."""
    from lungdet.workflows.tensorbox_export import export_tensorbox

    if options.kind != "tensorbox" or len(options.source) != 1:
        raise ValueError("--to-tensorbox goes with tensorbox and one training list")
    for path in export_tensorbox(options.source[0], options.output):
        print(f"list: {path}")
    return EXIT_OK
