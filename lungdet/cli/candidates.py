"""``lungdet candidates``: scans and their labels to what a model of scan risk trains on."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lungdet.counted import counted

from .exit_codes import EXIT_FAILED, EXIT_OK
from .messages import complain, messages_above_the_bar, tell_first, warn
from .number_types import real, whole
from .study_options import add_reading_arguments, reading_settings

if TYPE_CHECKING:
    from lungdet.workflows.scan_candidates import CandidateResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = (
        "Find the best marks of a nodule detector in every scan of a folder, cut out the cubes around them, and split "
        "the scans by their labels. An interrupted run goes on where it stopped; a scan is searched again where its "
        "files (names, sizes, times of last change), the detector or the settings are others."
    )
    parser.add_argument("folder", metavar="DIR", help="holds a folder of DICOM, or a volume's file, for each scan")
    parser.add_argument("--labels", metavar="CSV", help="id,cancer: name of each scan, and 0 or 1; without it no split")
    parser.add_argument(
        "--label-column", default="cancer", metavar="NAME", help="of the labels, 0 or 1 (default cancer)"
    )
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="folder for the results")
    parser.add_argument(
        "--bundle", default="nodule_detector", help="name or folder of a detector that you trust: its settings run code"
    )
    add_reading_arguments(parser)
    parser.add_argument("--device", help="cpu, cuda, cuda:1, ...; the bundle decides if it is not given")
    parser.add_argument("--top", type=whole(1), default=6, metavar="N", help="marks of a scan at most (default 6)")
    parser.add_argument(
        "--min-score", type=real(1.0), default=0.02, metavar="S", help="leave out marks below it (default 0.02)"
    )
    parser.add_argument(
        "--split", type=real(), nargs=3, default=(70.0, 15.0, 15.0), metavar=("TRAIN", "VAL", "TEST"),
        help="shares of the parts (default 70 15 15)",
    )  # fmt: skip
    parser.add_argument("--seed", type=whole(), default=0, help="of the split (default 0)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Find the candidates of every scan; 1 if a scan failed."""
    from lungdet.workflows import find_candidates

    with messages_above_the_bar():
        summary = find_candidates(
            options.folder,
            options.output,
            options.labels,
            label=options.label_column,
            bundle=options.bundle,
            device=options.device,
            top=options.top,
            least_score=options.min_score,
            shares=dict(zip(("training", "validation", "test"), options.split, strict=True)),
            seed=options.seed,
            on_result=_print_result,
            **reading_settings(options),
        )
    tell_first(summary.problems, warn, str(options.labels))
    for weak in summary.weak:
        warn(f"{summary.list_path}: {weak}; name more scans of both labels in {options.labels}, or change --split")
    for result in summary.failed:
        complain(f"{result.scan}: {result.error}")
    parts: dict[str, list[int]] = {}
    for scan in summary.scans.scans:
        parts.setdefault(scan.part, []).append(scan.label or 0)
    told = ", ".join(f"{len(labels)} {part} ({sum(labels)} positive)" for part, labels in sorted(parts.items()))
    found = f"{len(summary.scans.scans)} of {counted(len(summary.results), 'scan')}"
    print(f"{found}: {told or 'none'}; list: {summary.list_path}")
    return EXIT_FAILED if summary.failed else EXIT_OK


def _print_result(result: CandidateResult) -> None:
    from tqdm import tqdm

    if result.candidates is not None:
        tqdm.write(f"{result.scan}: {counted(result.candidates, 'candidate')}{', kept' if result.kept else ''}")
