"""What the commands that look at CT studies have in common."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from .exit_codes import EXIT_FAILED, EXIT_OK
from .messages import complain
from .number_types import real, whole

if TYPE_CHECKING:
    from lungdet.workflows import DetectSummary, StudyResult

LUNGS_MARGIN_MM = 10.0  # as in lungdet.geometry.near_lungs, which loads too much for a help text
READING = (
    ("--on-gap", "interpolate", "missing slices"),
    ("--on-tilt", "resample", "a tilted gantry"),
    ("--on-spacing", "resample", "slices that lie unevenly"),
    ("--on-single", "thickness", "a single slice, which can be taken as thick as it says"),
)


def add_study_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe what is read, by which detector, and what is left out."""
    add_source_arguments(parser)
    add_reading_arguments(parser)
    parser.add_argument("--min-score", type=real(1.0), metavar="S", help="leave out findings below this score, 0 to 1")
    parser.add_argument(
        "--pictures", type=whole(), default=10, metavar="N", help="draw the first N findings (default 10)"
    )
    parser.add_argument(
        "--no-guard", action="store_true", help="do not warn of scans that hold no lungs or are upside down"
    )
    parser.add_argument(
        "--lungs-only", type=real(), nargs="?", const=LUNGS_MARGIN_MM, metavar="MM",
        help=f"leave out findings further from the lungs than MM (default {LUNGS_MARGIN_MM:g})",
    )  # fmt: skip
    parser.add_argument(
        "--whole-scan", action="store_true", help="search all of a scan, not only the box of both lungs: slower"
    )


def add_source_arguments(parser: argparse.ArgumentParser, bundle: str | None = None) -> None:
    """Describe which studies go through which bundle, and where the results go; None is the nodule detector's."""
    parser.add_argument(
        "ct", nargs="+", metavar="CT", help="a DICOM folder or file, or a NIfTI, MetaImage or NRRD file"
    )
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="folder for the results")
    parser.add_argument(
        "--bundle", default=bundle, metavar="BUNDLE",
        help="name or folder of a bundle that you trust: its settings run code "
        f"(default {bundle or 'nodule_detector'})",
    )  # fmt: skip
    parser.add_argument("--series", metavar="UID", help="which series to read, or the unique beginning of its UID")
    parser.add_argument(
        "--choose", choices=("thinnest", "none"), default="thinnest",
        help="of several series take the thinnest axial one of each study (default), or refuse",
    )  # fmt: skip
    parser.add_argument("--device", help="cpu, cuda, cuda:1, ...; the bundle decides if it is not given")


def add_reading_arguments(parser: argparse._ActionsContainer, default: str = "as the bundle says") -> None:
    """Describe what may be done about a CT that is not what it should be."""
    for name, allowed, what in READING:
        parser.add_argument(name, choices=("error", allowed), help=f"about {what} (default: {default})")


def reading_settings(options: argparse.Namespace) -> dict[str, Any]:
    """Return what was said to be done, by the names of :func:`lungdet.readers.read_ct`."""
    names = [name.removeprefix("--").replace("-", "_") for name, _, _ in READING]
    return {name: value for name in names if (value := getattr(options, name)) is not None}


def study_settings(options: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of :class:`lungdet.workflows.StudySettings`."""
    return {
        "bundle": options.bundle,
        "device": options.device,
        "series": options.series,
        "choose": None if options.choose == "none" else options.choose,
        **reading_settings(options),
        "max_pictures": options.pictures,
        "guard": not options.no_guard,
        "lungs_margin_mm": options.lungs_only,
        "overrides": {"crop_to_lungs": False} if options.whole_scan else {},
        "on_result": _print_result,
    }


def tell_summary(summary: DetectSummary, output: str) -> int:
    """Complain of what went wrong, and say where the rest is; 1 if anything did."""
    for study in summary.failed:
        complain(study.error if study.source in study.error else f"{study.source}: {study.error}")
    if summary.problem:
        complain(summary.problem)
    elif len(summary.studies) > 1:
        print(f"{len(summary.reports)} of {len(summary.studies)} studies, summary: {output}/summary.csv")
    return EXIT_FAILED if summary.failed or summary.problem else EXIT_OK


def _print_result(study: StudyResult) -> None:
    from lungdet.reports import report_to_text

    if study.report is not None:
        print(f"{report_to_text(study.report, study.part)}, report: {study.page}", flush=True)
