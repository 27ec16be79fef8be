"""``lungdet evaluate``: score a detector by the book."""

from __future__ import annotations

import argparse

from .exit_codes import EXIT_OK
from .number_types import whole


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    kinds = parser.add_subparsers(title="what to evaluate", required=True, metavar="KIND")
    _add_froc(kinds.add_parser("froc", help="sensitivity against false positives per scan, from CSV files"))


def _add_froc(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Score marks by the protocol of LUNA16 or a simplified one, print a table, and write OUT/froc.json, froc.csv, "
        "froc.png, froc.svg, precision_recall.png and precision_recall.svg."
    )
    parser.add_argument("--annotations", required=True, metavar="CSV", help="nodules, in the form of LUNA16")
    parser.add_argument("--predictions", required=True, metavar="CSV", help="marks, likewise, with a probability")
    parser.add_argument("--excluded", metavar="CSV", help="findings that are neither nodules nor errors")
    parser.add_argument("--seriesuids", metavar="CSV", help="the scans that count, one series UID a line")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="folder for the results")
    parser.add_argument(
        "--protocol", choices=("luna16", "simplified"), default="luna16",
        help="luna16 (default): exclusion list, 100 marks a scan, interpolated; simplified: no exclusion list, all "
        "marks, the nearest operating point. Their CPMs differ: never compare one with the other",
    )  # fmt: skip
    parser.add_argument("--hit", choices=("distance", "iou"), help="centre within the radius (default), or overlap")
    parser.add_argument("--min-iou", type=float, metavar="V", help="least overlap for --hit iou (default 0.1)")
    parser.add_argument("--max-marks", type=int, metavar="N", help="how many marks of a scan count")
    parser.add_argument(
        "--size-edges", type=float, nargs="*", default=(6.0, 10.0), metavar="MM",
        help="diameters that divide the nodules by size (default 6 10; none if empty)",
    )  # fmt: skip
    parser.add_argument(
        "--strata", nargs="+", default=(), metavar="COLUMN", help="columns of the annotations to divide the nodules by"
    )
    parser.add_argument(
        "--ignore-unlisted", action="store_true", help="leave out predictions in series that no list names"
    )
    parser.add_argument(
        "--bootstraps", type=whole(), default=1000, metavar="N", help="resamplings for the intervals (default 1000)"
    )
    parser.add_argument("--seed", type=whole(), default=0, help="of the resamplings (default 0)")
    parser.add_argument("--no-figures", action="store_true", help="draw nothing; then matplotlib is not needed")
    parser.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    parser.set_defaults(run=run_froc)


def run_froc(options: argparse.Namespace) -> int:
    """Print the table, and write the files."""
    from lungdet.reports.score_figures import require_matplotlib
    from lungdet.workflows import evaluate_froc
    from lungdet.workflows.evaluate import prepare_scores

    if not options.no_figures:
        require_matplotlib()
    inputs = (options.annotations, options.predictions, options.excluded, options.seriesuids)
    prepare_scores(options.output, [path for path in inputs if path is not None], not options.no_figures)
    evaluation = evaluate_froc(
        options.annotations,
        options.predictions,
        options.excluded,
        options.seriesuids,
        protocol=options.protocol,
        hit=options.hit,
        min_iou=options.min_iou,
        max_marks=options.max_marks,
        size_edges_mm=tuple(options.size_edges),
        strata_columns=tuple(options.strata),
        ignore_unlisted=options.ignore_unlisted,
        resamples=options.bootstraps,
        seed=options.seed,
    )
    evaluation.write(options.output, figures=not options.no_figures)
    print(evaluation.to_text())
    print(f"\nwritten: {options.output}/froc.json")
    return EXIT_OK
