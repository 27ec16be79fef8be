"""``lungdet series``: what there is to read."""

from __future__ import annotations

import argparse

from .exit_codes import EXIT_FAILED, EXIT_OK
from .messages import complain


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("ct", nargs="+", metavar="CT", help="a folder or file")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the series of every source; 1 if one holds none or cannot be read."""
    from lungdet.readers import list_series
    from lungdet.readers.plain_text import printable

    code = EXIT_OK
    for source in options.ct:
        try:
            candidates = list_series(source)
        except (ValueError, OSError) as error:  # one bad source does not stop the rest
            if options.debug:
                raise
            complain(str(error))
            code = EXIT_FAILED
            continue
        print(f"{printable(source)}: {len(candidates)} series")
        for candidate in candidates:
            print(f"  {candidate}")
        code = code if candidates else EXIT_FAILED
    return code
