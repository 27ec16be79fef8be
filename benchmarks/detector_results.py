"""Results as lines of JSON in one file, and as tables on the screen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from detector_machine import describe_machine

Row = Mapping[str, Any]


def append(out: Path, part: str, settings: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    """Add one line to ``out`` and return what it holds; what was written before stays."""
    line = {"part": part, **describe_machine(), "settings": dict(settings), "result": dict(result)}
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("a") as file:
        file.write(json.dumps(line, default=str) + "\n")
    return line


def read(out: Path, part: str) -> list[dict[str, Any]]:
    """Lines of one part, oldest first; a last line that was cut off by a kill is left out."""
    found = []
    for text in out.read_text().splitlines() if out.is_file() else []:
        try:
            line = json.loads(text)
        except json.JSONDecodeError:
            continue
        if line["part"] == part:
            found.append(line)
    return found


def markdown(rows: Sequence[Row]) -> str:
    """A table with a column for each key, in the order in which keys appear.

    Example:
        >>> print(markdown([{"name": "a", "CPM": 0.5}, {"name": "b"}]))
        | name | CPM |
        |---|---|
        | a | 0.500 |
        | b |  |
    """
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(shown(row.get(column)) for column in columns) + " |" for row in rows]
    return "\n".join(lines)


def shown(value: Any) -> str:
    """A number short enough for a table."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"
    if isinstance(value, (list, tuple)):
        return " to ".join(map(shown, value))
    return str(value)
