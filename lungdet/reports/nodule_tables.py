"""Scores of a nodule classifier, or of one probability, as text for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lungdet.counted import counted

from .classification_tables import CELL, NAME_WIDTH

NO_SLOPE = "not estimable: positives and negatives are too few, or do not overlap"
RATING_COLUMNS = {
    "mean_error": "error", "base_mean_error": "no skill", "kappa": "kappa", "exact": "exact",
    "within_one": "within 1", "spread_error": "spread err", "auc": "AUC",
}  # fmt: skip


def nodule_scores_to_text(content: Mapping[str, Any]) -> str:
    """Describe the scores in lines of text.

    Args:
        content: what ``metrics.json`` of a nodule classifier's evaluation holds.
    """
    whose = f" of {counted(content['patients'], 'patient')}" if content["patients"] else ""
    binary, types = content["nodule"], content["types"]
    parts = [f"{counted(content['cubes'], 'cube')}{whose}", binary_to_text(binary, "nodule or look-alike")]
    at, rate = f"sensitivity at {binary['threshold']:g}", _number(binary["false_positive_rate"])
    parts.append(f"{at:<{NAME_WIDTH}}{_number(binary['sensitivity'])}, false positive rate {rate}")
    parts.append(_types_to_text(types))
    names = [row["class"] for row in types["scores"]["classes"]]
    parts.append(_table("true type, said as", names, zip(names, types["confusion"], strict=True)))
    rows = [(row["rating"], [_value(row[key]) for key in RATING_COLUMNS]) for row in content["ratings"]]
    parts.append(_table("rating", list(RATING_COLUMNS.values()), rows))
    for title, key in (("diameter", "sizes"), ("place", "places")):
        if content[key]:
            parts.append(_rows_to_text(title, content[key]))
    return "\n\n".join(parts)


def binary_to_text(content: Mapping[str, Any], title: str) -> str:
    """Describe the scores of one probability.

    Args:
        content: :meth:`~lungdet.metrics.BinaryScores.to_json`.
        title: what it is the probability of.
    """
    lines = [f"{title}: {counted(content['cases'], 'case')}, {content['positives']} of them positive"]
    names = {"auc": "AUC", "log_loss": "log loss", "brier": "Brier score", "bias": "said too often by"}
    lines += [f"{label:<{NAME_WIDTH}}{_with_interval(content[key])}" for key, label in names.items()]
    base, calibration = content["base_log_loss"], content["calibration"]
    lines.append(f"{'log loss without knowledge':<{NAME_WIDTH}}{_number(base)}")
    lines.append(f"{'calibration error (ECE)':<{NAME_WIDTH}}{_number(calibration['ece'])}")
    slope = NO_SLOPE if content["calibration_slope"] is None else _number(content["calibration_slope"])
    lines.append(f"{'calibration slope':<{NAME_WIDTH}}{slope}")
    return "\n".join(lines)


def _types_to_text(content: Mapping[str, Any]) -> str:
    lines = [f"types: {counted(content['nodules'], 'nodule')}"]
    lines.append(f"{'accuracy':<{NAME_WIDTH}}{_with_interval(content['accuracy'])}")
    lines.append(f"{'calibration error (ECE)':<{NAME_WIDTH}}{_number(content['calibration']['ece'])}")
    rows = [
        (row["class"], [row["support"], row["recall"], row["precision"], _with_interval(row["auc"])])
        for row in content["scores"]["classes"]
    ]
    return "\n".join([*lines, _table("type", ["nodules", "recall", "precision", "AUC (95 %)"], rows)])


def _rows_to_text(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """A table of rows whose column ``title`` names them."""
    names = [name for name in rows[0] if name != title]
    cells = ((str(row[title]), [_value(row[name]) for name in names]) for row in rows)
    return _table(title, [name.replace("_", " ") for name in names], cells)


def _table(title: str, heads: Sequence[str], rows: Any) -> str:
    shown = [(name.replace("_", " "), [_shown(value) for value in values]) for name, values in rows]
    lines = [(title, list(heads)), *shown]
    widths = [max(CELL, *(len(cells[place]) + 2 for _, cells in lines)) for place in range(len(heads))]
    return "\n".join(
        f"{name:<{NAME_WIDTH}}" + "".join(f"{cell:>{wide}}" for cell, wide in zip(cells, widths, strict=True))
        for name, cells in lines
    )


def _value(value: Any) -> Any:
    return value["value"] if isinstance(value, Mapping) else value


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, (str, int)) else _number(value)


def _with_interval(content: Mapping[str, Any]) -> str:
    low, high = content["interval"]
    return _number(content["value"]) + ("" if low is None else f" ({low:.4f} to {high:.4f})")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
