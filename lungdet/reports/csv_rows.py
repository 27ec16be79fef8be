"""Tables as CSV that reads back whatever is in it, and that a spreadsheet can open."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


class Digits(str):
    """A number that is written already, and is no formula."""

    __slots__ = ()


def table_to_csv(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> bytes:
    r"""Write rows as CSV in UTF-8, each ended by a line feed, numbers at full precision, None as nothing.

    A text that a spreadsheet would take for a formula gets an apostrophe before it: names of files come from outside.
    A text with a line end of any kind is quoted. What is no Unicode is written as ``\udcff``.

    Example:
        >>> table_to_csv(["file", "probability"], [["=1+1", 0.5], ["b", None]]).decode().split()
        ['file,probability', "'=1+1,0.5", 'b,']
    """
    lines = [_line(columns), *(_line([_cell(value) for value in row]) for row in rows)]
    return "".join(lines).encode("utf-8", errors="backslashreplace")


def _line(cells: Sequence[Any]) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\r\n").writerow(cells)  # quotes what holds a sign of its line ends
    return stream.getvalue().removesuffix("\r\n") + "\n"


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Digits) and value.startswith(FORMULA_SIGNS):
        return f"'{value}"
    return value
