"""Scores of a classifier as text for the terminal, and tables as CSV that a spreadsheet can open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lungdet.counted import counted

from .csv_rows import table_to_csv

NAME_WIDTH, CELL = 28, 11


def rows_to_csv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Write rows as CSV in UTF-8, numbers at full precision, None as nothing.

    A text that a spreadsheet would take for a formula gets an apostrophe before it: names of files come from outside.

    Example:
        >>> rows_to_csv(["file", "probability"], [{"file": "=1+1", "probability": 0.5}, {"file": "b"}]).decode().split()
        ['file,probability', "'=1+1,0.5", 'b,']
    """
    return table_to_csv(columns, ([row.get(name) for name in columns] for row in rows))


def classification_to_text(content: Mapping[str, Any]) -> str:
    """Describe the scores in lines of text.

    Args:
        content: what ``metrics.json`` of a classifier's evaluation holds.
    """
    parts = [_section(content["labels"], "class", content["patients"])]
    if content.get("groups"):
        parts.append(_section(content["groups"], "group", content["patients"]))
    if content.get("robustness"):
        parts.append(_robustness(content["robustness"]))
    lines = [f"pictures with labels that are probably wrong: {content['label_errors']['pictures']}"]
    area = (content.get("out_of_domain") or {}).get("auroc")
    if area is not None:
        lines.append(f"out of domain against the others: AUROC {area:.4f}")
    return "\n\n".join([*parts, "\n".join(lines)])


def _section(content: Mapping[str, Any], kind: str, patients: int | None) -> str:
    scores, bounds = content["scores"], content["intervals"]
    plural = "classes" if kind == "class" else f"{kind}s"
    whose, unit = (f" of {counted(patients, 'patient')}", "patient") if patients else ("", "picture")
    lines = [f"{counted(scores['images'], 'picture')}{whose}, {len(scores['classes'])} {plural}"]
    for name in ("accuracy", "macro_recall", "macro_precision", "macro_f1"):
        low, high = bounds[name]
        interval = "" if low is None else f"  ({low:.4f} to {high:.4f}, {100 * bounds['confidence']:g} % CI by {unit})"
        lines.append(f"{name.replace('_', ' '):<{NAME_WIDTH}}{_number(scores[name])}{interval}")
    lines.append(f"{'calibration error (ECE)':<{NAME_WIDTH}}{_number(content['calibration']['ece'])}")
    answered = content["answered"]
    accuracy = _number(answered["accuracy"])
    lines.append(f"{'answered':<{NAME_WIDTH}}{_number(answered['coverage'])}  accuracy on it {accuracy}")
    at = content["coverage"]["accuracy_at_coverage"]["0.9"]
    lines += [f"{'accuracy at 90 % coverage':<{NAME_WIDTH}}{_number(at)}", ""]
    heads = "".join(f"{name:>{CELL}}" for name in ("pictures", "recall", "precision", "f1"))
    lines.append(f"{kind:<{NAME_WIDTH}}{heads}")
    for part in scores["classes"]:
        rates = "".join(f"{_number(part[name]):>{CELL}}" for name in ("recall", "precision", "f1"))
        lines.append(f"{part['class']:<{NAME_WIDTH}}{part['support']:>{CELL}}{rates}")
    return "\n".join(lines)


def _robustness(rows: Sequence[Mapping[str, Any]]) -> str:
    names = [name for name in rows[0] if name != "disturbance"]
    heads = "".join(f"{name.replace('_', ' '):>{max(CELL, len(name) + 2)}}" for name in names)
    lines = [f"{'disturbance':<{NAME_WIDTH}}{heads}"]
    for row in rows:
        cells = "".join(f"{_number(row[name]):>{max(CELL, len(name) + 2)}}" for name in names)
        lines.append(f"{row['disturbance']:<{NAME_WIDTH}}{cells}")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
