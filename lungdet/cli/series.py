"""``lungdet series``: what there is to read."""

from __future__ import annotations

import argparse

from .exit_codes import EXIT_FAILED, EXIT_OK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("ct", nargs="+", metavar="CT", help="a folder or file")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the series of every source; 1 if one holds none."""
    from lungdet.readers import list_series

    code = EXIT_OK
    for source in options.ct:
        candidates = list_series(source)
        print(f"{source}: {len(candidates)} series")
        for candidate in candidates:
            print(f"  {candidate}")
        code = code if candidates else EXIT_FAILED
    return code
