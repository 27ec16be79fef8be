"""One command, many tables: each part is a file beside it, with ``add_arguments(command)`` and ``main(options)``."""

from __future__ import annotations

import argparse
import importlib
import logging
import warnings
from collections.abc import Callable, Mapping

AddArguments = Callable[[argparse.ArgumentParser], None]


def run(command: str, text: str, parts: Mapping[str, str], add_shared: AddArguments, arguments: list[str]) -> None:
    """Run ``<command>_<part>.py``, or with ``all`` one part after another.

    Args:
        command: name of the command's own file.
        text: its docstring.
        parts: what each is about, by name.
        add_shared: adds the options that all parts have.
        arguments: of the command line.
    """
    if arguments[:1] == ["all"]:
        for part in parts:
            print(f"\n## {part}\n", flush=True)
            run(command, text, parts, add_shared, [part, *arguments[1:]])
        return
    hand_over(command, read_arguments(command, text, parts, add_shared, arguments))


def hand_over(command: str, options: argparse.Namespace) -> None:
    """Let a part work, and nothing but it speak."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    if "threads" in options:
        import torch

        torch.set_num_threads(options.threads)
    importlib.import_module(f"{command}_{options.part}").main(options)


def read_arguments(
    command: str, text: str, parts: Mapping[str, str], add_shared: AddArguments, arguments: list[str]
) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    commands = parser.add_subparsers(dest="part", required=True, metavar="{" + ",".join((*parts, "all")) + "}")
    for part, about in parts.items():
        if part not in arguments[:1] and arguments[:1] not in ([], ["-h"], ["--help"]):
            continue  # its file may need what this run does not
        taken = commands.add_parser(part, help=about, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        add_shared(taken)
        if part in arguments[:1]:
            importlib.import_module(f"{command}_{part}").add_arguments(taken)
    return parser.parse_args(arguments)
