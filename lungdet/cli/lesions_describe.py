"""``lungdet lesions describe``: how many lesions, how large, where, and how they grow."""

from __future__ import annotations

import argparse

from .exit_codes import EXIT_FAILED, EXIT_OK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = (
        "Count lesions by type, measure them, sum their diameters in each study, and tell growth from measurement "
        "error between studies: tables as CSV and JSON, figures, and one page, OUT/index.html. Ends with 1 if rows "
        "had to be left out."
    )
    parser.add_argument("source", metavar="LIST", help="DL_info.csv, or a training list of `lungdet datalist`")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="folder for tables, figures and page")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Describe a list; 1 if rows were left out."""
    from lungdet.workflows.describe import describe_lesions

    described = describe_lesions(options.source, options.output)
    print(described)
    return EXIT_FAILED if described.problems else EXIT_OK
