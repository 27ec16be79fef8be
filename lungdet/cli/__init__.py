"""The command line, one file for each command.

Everything heavy is imported inside the commands: ``lungdet --help`` must stay quick.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from lungdet import __version__

from . import analyze, bundle, candidates, datalist, detect, evaluate, label, lesions, phantom, route, score, series
from .command_parser import CommandParser
from .exit_codes import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE
from .messages import be_quiet, complain, show_any_name

__all__ = ["EXIT_FAILED", "EXIT_INTERRUPTED", "EXIT_OK", "EXIT_USAGE", "build_parser", "main"]

_COMMANDS = (
    ("detect", detect, "find nodules in CT studies, and write reports"),
    ("analyze", analyze, "find, measure and judge nodules in CT studies, and write reports"),
    ("label", label, "say of radiographs what they show, or ask a person"),
    ("route", route, "copy radiographs where rules send them, by what they show"),
    ("score", score, "say which part of the body CT studies show, and flag what does not fit"),
    ("series", series, "list the series that can be read"),
    ("datalist", datalist, "turn the labels of a data set into a training list"),
    ("candidates", candidates, "cut out what a detector marks in scans, to learn a label of the whole scan"),
    ("evaluate", evaluate, "score a detector from CSV files"),
    ("lesions", lesions, "describe measured lesions, find those that look alike, and follow them over time"),
    ("phantom", phantom, "write a synthetic chest CT as DICOM, with truth"),
    ("bundle", bundle, "say where a shipped bundle is, or copy it"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: as on the command line, without the program's name; those of this process if None.

    Returns:
        0; 1 if something failed; 130 if interrupted. Wrong usage leaves with 2.
    """
    options = build_parser().parse_args(arguments)
    show_any_name()
    be_quiet(options.debug)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("lungdet: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # `lungdet series ... | head`: nothing is wrong, and nothing more can be said
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except Exception as error:
        if options.debug:
            raise
        from lungdet.workflows.explain import explain

        complain(explain(error))
        return EXIT_FAILED


def build_parser() -> argparse.ArgumentParser:
    """Describe all commands."""
    about = "Find lung nodules in chest CT; label and sort radiographs by what they show. Not for clinical use."
    parser = CommandParser(prog="lungdet", description=about)
    parser.add_argument("--version", action="version", version=f"lungdet {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    common = CommandParser(add_help=False)
    common.add_argument("--debug", action="store_true", help="show tracebacks and all messages")
    for name, command, description in _COMMANDS:
        added = commands.add_parser(name, parents=[common], help=description)
        command.add_arguments(added)
        added.siblings = commands.choices
    return parser
