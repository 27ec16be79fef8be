"""What the command line says when it is no result."""

from __future__ import annotations

import io
import logging
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any


def complain(message: str) -> None:
    """Put an error on one line, but for the lists that some errors carry; control characters of files are left out."""
    shown = "".join(letter for letter in message if letter == "\n" or letter.isprintable())
    print(f"lungdet: error: {shown}", file=sys.stderr)


def warn(message: str) -> None:
    """Put on one line what a user should know, though the results are there."""
    print(f"lungdet: warning: {''.join(letter for letter in message if letter.isprintable())}", file=sys.stderr)


def tell_first(messages: Sequence[str], say: Callable[[str], None], where: str, most: int = 10) -> None:
    """Say the first of many messages, and then how many more there are, and which file has them all."""
    for message in messages[:most]:
        say(message)
    if len(messages) > most:
        say(f"and {len(messages) - most} more; {where} has them all")


def show_any_name() -> None:
    """Write what a terminal's encoding has no sign for with a backslash: no name of a file ends a run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def be_quiet(debug: bool) -> None:
    """Show the readers' warnings in one form, and hide those that other packages address to developers."""
    logging.basicConfig(level=logging.WARNING, format="lungdet: %(levelname)s: %(message)s")
    if debug:
        logging.getLogger("lungdet").setLevel(logging.DEBUG)
    else:
        warnings.filterwarnings("ignore", module=r"(?!lungdet)")


def messages_above_the_bar() -> AbstractContextManager[Any]:
    """Let log messages and a progress bar share the terminal."""
    from tqdm.contrib.logging import logging_redirect_tqdm

    redirect: AbstractContextManager[Any] = logging_redirect_tqdm()
    return redirect
