"""Read a CSV of labels column by column, and remember every line that cannot be trusted.

Columns are converted as a whole, which is what makes 50,000 rows take a tenth of a second; only when that fails are the
values looked at one by one, to name the lines.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .label_errors import AnnotationError, LabelProblem

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


class LabelTable:
    """A CSV as columns of text. Methods that read a column note the faults in it, and never raise for a single row.

    Args:
        path: the file.
        columns: names that its header must have; further columns are kept out. With ``header=False`` the file has no
            header, or one that begins with the first of these names, and these are its columns.
        header: whether a header is needed.
        remedy: what a user can do where a column is missing.

    Attributes:
        lines: ``(N,)`` line of every row, counted from 1.
        good: ``(N,)`` rows in which no fault was found so far.
        problems: what was found.

    Raises:
        AnnotationError: the file is empty, is no text, or misses columns or has one twice.
        OSError: it cannot be opened.
    """

    def __init__(self, path: str | Path, columns: Sequence[str], *, header: bool = True, remedy: str = "") -> None:
        self.path, self._remedy = str(path), remedy
        self.problems: list[LabelProblem] = []
        rows, lines = _parse(self.path)
        if header or (rows and rows[0][0].strip() == columns[0]):
            if not rows:
                raise self.error("the file is empty; wanted at least the header " + ",".join(columns))
            names = [name.strip() for name in rows[0]]
            rows, lines = rows[1:], lines[1:]
        else:
            names = list(columns)
        places = self._find_columns(names, columns)
        rows, lines = self._drop_misfits(rows, lines, len(names))
        by_column: list[tuple[str, ...]] = list(zip(*rows, strict=True)) if rows else [()] * len(names)
        self._text = {
            name: tuple(map(str.strip, by_column[place])) for name, place in zip(columns, places, strict=True)
        }
        self.lines: NDArray[np.int64] = np.array(lines, dtype=np.int64)
        self.good: BoolArray = np.ones(len(rows), dtype=np.bool_)

    def __len__(self) -> int:
        return len(self.lines)

    def text(self, column: str) -> tuple[str, ...]:
        """Return a column as it is written, without blanks around it."""
        return self._text[column]

    def numbers(self, column: str) -> FloatArray:
        """Return a column as ``(N,)`` finite numbers; a row with anything else is noted, and holds NaN."""
        return self.number_lists(column, 1)[:, 0]

    def number_lists(self, column: str, count: int) -> FloatArray:
        """Return a column of ``count`` numbers with commas between them as ``(N, count)``, like :meth:`numbers`."""
        texts = self._text[column]
        try:
            values = _all_numbers(texts, count)
        except ValueError:
            values = np.array([_numbers(text, count) for text in texts], dtype=np.float64).reshape(len(texts), count)
        wanted = "a finite number" if count == 1 else f"{count} finite numbers"
        self.refuse(~np.isfinite(values).all(axis=1), lambda row: _not_numbers(column, texts[row], wanted))
        return values

    def whole_numbers(self, column: str, count: int = 1) -> NDArray[np.int64]:
        """Return a column as ``(N, count)`` whole numbers; a row with anything else is noted, and holds zeros."""
        values = self.number_lists(column, count)
        values = np.where(np.abs(values) < 2**53, values, 0.0)  # NaN is noted already
        broken = (values != np.round(values)).any(axis=1)
        self.refuse(
            np.asarray(broken, dtype=np.bool_),
            lambda row: f"{column} is {self._text[column][row]!r}, wanted a whole number",
        )
        return values.astype(np.int64)

    def refuse(self, bad: ArrayLike, say: Callable[[int], str]) -> None:
        """Note rows as faulty.

        Args:
            bad: ``(N,)`` which rows.
            say: tells what is wrong, from the index of a row. Rows known as faulty are not named again.
        """
        bad = np.asarray(bad, dtype=np.bool_)
        for row in np.flatnonzero(bad & self.good).tolist():
            self.problems.append(LabelProblem(self.path, int(self.lines[row]), say(row)))
        self.good &= ~bad

    def refuse_repeats(self, keys: Sequence[Hashable], what: str = "the row") -> None:
        """Note rows whose key came before."""
        repeats = self.repeats(keys)
        if repeats.any():
            first: dict[Hashable, int] = {}
            for line, key in zip(self.lines.tolist(), keys, strict=True):
                first.setdefault(key, line)
            self.refuse(repeats, lambda row: f"{what} repeats line {first[keys[row]]}; remove one")

    def repeats(self, keys: Sequence[Hashable]) -> BoolArray:
        """Tell, ``(N,)``, which keys came before; the first of equals is none."""
        repeated = np.zeros(len(keys), dtype=np.bool_)
        if len(set(keys)) < len(keys):
            seen: set[Hashable] = set()
            for row, key in enumerate(keys):
                repeated[row] = key in seen
                seen.add(key)
        return repeated

    def error(self, what: str) -> AnnotationError:
        """Make the error for a fault of the whole file."""
        return AnnotationError([LabelProblem(self.path, None, what)])

    def close(self, strict: bool) -> tuple[LabelProblem, ...]:
        """Return the faults by line; raise them if ``strict``.

        Raises:
            AnnotationError: there are some, and ``strict``.
        """
        problems = tuple(sorted(self.problems, key=lambda problem: problem.line or 0))
        if strict and problems:
            raise AnnotationError(problems)
        return problems

    def _find_columns(self, names: Sequence[str], wanted: Sequence[str]) -> list[int]:
        missing = [name for name in wanted if name not in names]
        twice = [name for name in wanted if names.count(name) > 1]
        if twice:
            raise self.error(f"column {', '.join(twice)} is there more than once; remove or rename the others")
        if not missing:
            return [names.index(name) for name in wanted]
        what = f"no column {', '.join(missing)}; the header has {', '.join(names)[:200]}"
        what += f"; {self._remedy}" if self._remedy else ""
        if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
            what = f"fields are not separated by commas: {names[0][:80]!r}; export it with commas and decimal points"
        raise self.error(what)

    def _drop_misfits(self, rows: list[list[str]], lines: list[int], width: int) -> tuple[list[list[str]], list[int]]:
        """Keep rows of the right length; note the others."""
        if all(len(row) == width for row in rows):
            return rows, lines
        for row, line in zip(rows, lines, strict=True):
            if len(row) != width:
                hint = "; numbers need decimal points, not commas" if len(row) > width else "; it may be cut off"
                what = f"{len(row)} fields where {width} are wanted{hint}"
                self.problems.append(LabelProblem(self.path, line, what))
        fitting = [index for index, row in enumerate(rows) if len(row) == width]
        return [rows[index] for index in fitting], [lines[index] for index in fitting]


def _parse(path: str) -> tuple[list[list[str]], list[int]]:
    """Return all rows that are not blank, and their lines."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream, strict=True)
            rows = list(reader)
            lines = list(range(1, len(rows) + 1))
            if reader.line_num != len(rows):  # a field in quotes holds a line break
                stream.seek(0)
                again = csv.reader(stream, strict=True)
                lines = [again.line_num for _ in again]
    except UnicodeDecodeError as error:
        what = f"byte {error.start} is no UTF-8 text; save it as CSV in UTF-8"
        raise AnnotationError([LabelProblem(path, None, what)]) from error
    except csv.Error as error:
        raise AnnotationError([LabelProblem(path, reader.line_num, f"no CSV ({error}); export it again")]) from error
    blank = any(not row for row in rows)
    lines = [line for row, line in zip(rows, lines, strict=True) if row] if blank else lines
    return [row for row in rows if row] if blank else rows, lines


def _all_numbers(texts: Sequence[str], count: int) -> FloatArray:
    """Convert a column at once.

    Raises:
        ValueError: something in it is no number, or a text does not hold ``count`` of them.
    """
    parts: Sequence[str] = texts
    if count > 1:
        if not all(text.count(",") == count - 1 for text in texts):
            raise ValueError("another count of numbers")
        parts = ",".join(texts).split(",") if texts else ()
    values = np.fromiter(map(float, parts), np.float64, len(parts))
    if any("_" in text for text in texts):  # Python takes 1_000 for a number
        raise ValueError("an underscore")
    return values.reshape(len(texts), count)


def _numbers(text: str, count: int) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    return values if len(values) == count and "_" not in text else [float("nan")] * count


def _not_numbers(column: str, text: str, wanted: str) -> str:
    hint = ""
    if any(len(part.split(",")) == 2 for part in text.split()) and ";" not in text and wanted.startswith("a "):
        hint = f"; write {text.strip().replace(',', '.')} with a decimal point"
    return f"{column} is {text[:80]!r}, wanted {wanted}{hint}"
