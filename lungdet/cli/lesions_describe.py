"""``lungdet lesions describe``: how many lesions, how large, where, and how they grow."""

from __future__ import annotations

import argparse

from .exit_codes import EXIT_FAILED, EXIT_OK
from .messages import complain, tell_first


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = (
        "Count lesions by type, measure them, sum their diameters in each study, and tell growth from measurement "
        "error between studies: tables as CSV and JSON, figures, and one page, OUT/index.html. Ends with 1 if rows "
        "had to be left out."
    )
    parser.add_argument(
        "source", metavar="LIST", help="DL_info.csv, its folder, or a training list of `lungdet datalist` (.json)"
    )
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="folder for tables, figures and page")
    parser.add_argument(
        "--relative-error", type=float, metavar="PERCENT",
        help="standard deviation of a diameter in percent of it (default: 8.6, two observers; one observer: 6.1)",
    )  # fmt: skip
    parser.add_argument(
        "--absolute-error", type=float, metavar="MM", help="further standard deviation in mm (default: 0.33)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Describe a list; 1 if rows were left out."""
    from lungdet.lesions import MeasurementError
    from lungdet.workflows.describe import describe_lesions

    given = {
        "relative": None if options.relative_error is None else options.relative_error / 100,
        "absolute_mm": options.absolute_error,
    }
    error = MeasurementError(**{name: value for name, value in given.items() if value is not None})
    described = describe_lesions(options.source, options.output, error)
    tell_first(described.problems, complain, "lesions.json")
    print(described)
    return EXIT_FAILED if described.problems else EXIT_OK
