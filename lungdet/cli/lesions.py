"""``lungdet lesions``: what can be done with measured lesions, one file for each subcommand or two."""

from __future__ import annotations

import argparse

from . import lesions_describe, lesions_history, lesions_query

_SUBCOMMANDS = (
    ("describe", lesions_describe.add_arguments, "how many, how large, where, and how they grow"),
    ("embed", lesions_query.add_embed_arguments, "give each a vector, for what looks alike"),
    ("query", lesions_query.add_query_arguments, "which of other patients look most like one"),
    ("history", lesions_history.add_arguments, "which are the same lesion later, and what became of it"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the subcommands."""
    parser.description = "Work with the lesions of a DL_info.csv, or of a training list."
    subcommands = parser.add_subparsers(title="subcommands", required=True, metavar="WHAT")
    common = argparse.ArgumentParser(add_help=False)
    # SUPPRESS: else the default here would undo a --debug before the subcommand's name
    common.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help="show tracebacks")
    for name, describe, about in _SUBCOMMANDS:
        describe(subcommands.add_parser(name, parents=[common], help=about))
