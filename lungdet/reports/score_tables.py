"""Scores of a detector as a table for the terminal, and its curve as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lungdet.counted import counted

NAME_WIDTH = 26


def froc_to_text(content: Mapping[str, Any]) -> str:
    """Describe the scores in lines of text.

    Args:
        content: what ``froc.json`` holds.

    Returns:
        The rule, the counts, sensitivities with their interval, and a row for each stratum.
    """
    unit, intervals = content["unit"], content.get("intervals")
    counts = (
        f"{counted(content['scans'], unit)}, {counted(content['nodules'], 'nodule')}, "
        f"{counted(content['marks'], 'mark')}: "
        f"TP {content['true_positives']}, FN {content['false_negatives']}, FP {content['false_positives']}, "
        f"{content['double_hits']} double hits, {content['on_excluded']} on excluded findings"
    )
    lines = [f"{content['protocol']}: {content['rule']}", counts, *(f"note: {note}" for note in content["notes"]), ""]
    lines.append(_row(f"FP/{unit}", [f"{rate:g}" for rate in content["fp_rates"]], "mean (CPM)"))
    lines.append(_numbers("sensitivity", content["sensitivities"], content["cpm"]))
    if intervals:
        for place, name in enumerate(("low", "high")):
            values = [bounds[place] for bounds in intervals["sensitivities"]]
            lines.append(_numbers(f"  {100 * intervals['confidence']:g} % CI, {name}", values, intervals["cpm"][place]))
    for part in content["strata"]:
        name = f"{part['kind']} {part['label']} ({part['nodules']})"
        lines.append(_numbers(name, part["sensitivities"], part["cpm"]))
    if content["strata"]:
        lines.append("  (nodules of each stratum, against the false positives of all)")
    return "\n".join(lines)


def columns_to_csv(columns: Mapping[str, Iterable[Any]]) -> bytes:
    """Write columns of numbers, at full precision; all must be as long.

    Example:
        >>> columns_to_csv({"threshold": [float("inf"), 0.5], "sensitivity": [0.0, 1.0]}).decode().splitlines()
        ['threshold,sensitivity', 'inf,0.0', '0.5,1.0']
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return stream.getvalue().encode("ascii")


def _numbers(name: str, values: Sequence[float | None], mean: float | None) -> str:
    return _row(name, [_number(value) for value in values], _number(mean))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _row(name: str, cells: Sequence[str], last: str) -> str:
    return f"{name:<{NAME_WIDTH}}" + "".join(f"{cell:>8}" for cell in cells) + f"{last:>12}"
