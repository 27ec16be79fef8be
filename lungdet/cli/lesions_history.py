"""``lungdet lesions history``: the same lesion over time."""

from __future__ import annotations

import argparse

from .exit_codes import EXIT_FAILED, EXIT_OK
from .messages import complain, tell_first, warn


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = (
        "Find which marks of a patient are the same lesion in other studies, and write its diameters over time: "
        "OUT/sequences.csv, OUT/history.json, OUT/index.html, and plots. Without --embeddings, place, size and type "
        "tell lesions apart. Ends with 1 if rows had to be left out; a missing picture or embedding is a warning."
    )
    parser.add_argument(
        "source", metavar="DL_info.csv", help="lesions with patient and study, or the folder that it lies in"
    )
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="folder for tables, plots and page")
    parser.add_argument("--embeddings", metavar="NPZ", help="file of `lungdet lesions embed`")
    parser.add_argument("--images", metavar="DIR", help="Images_png: show the lesions beside the plots")
    parser.add_argument(
        "--rule", choices=("optimal", "greedy"), default="optimal",
        help="optimal assignment between studies, or the rule of the paper on DeepLesion (default: optimal)",
    )  # fmt: skip
    parser.add_argument(
        "--threshold", type=float, metavar="D", help="lesions farther apart than this are not the same (default: 1)"
    )
    parser.add_argument("--plots", type=int, default=20, metavar="N", help="patients to draw (default: 20)")
    parser.add_argument("--patient", action="append", default=[], metavar="ID", help="draw this one; may be repeated")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Follow the lesions of a table; 1 if rows were left out."""
    from lungdet.workflows.history import HistoryOptions, find_lesion_histories

    how = HistoryOptions(
        embeddings=options.embeddings,
        images=options.images,
        rule=options.rule,
        threshold=options.threshold,
        plots=options.plots,
        patients=options.patient,
    )
    summary = find_lesion_histories(options.source, options.output, how)
    print(summary)
    tell_first(summary.notes, warn, "history.json")
    tell_first(summary.problems, complain, "history.json")
    return EXIT_FAILED if summary.problems else EXIT_OK
