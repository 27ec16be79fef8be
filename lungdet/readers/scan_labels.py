"""A CSV with one label for each scan: ``id,cancer``."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from .label_errors import LabelProblem
from .label_table import LabelTable

ID = "id"
YES_NO = {"0": 0, "1": 1, "0.0": 0, "1.0": 1}


def read_scan_labels(
    path: str | Path, *, label: str = "cancer", strict: bool = True
) -> tuple[dict[str, int], tuple[LabelProblem, ...]]:
    """Read which scans are positive, as the Data Science Bowl 2017 gave it: an ``id``, and ``cancer`` as 0 or 1.

    Columns of other names are kept out; so are blanks around a field and a byte-order mark. A scan that is named twice
    with one label is a fault of the second line; with two labels it is a fault of all its lines, for nobody can tell
    which is right.

    Args:
        path: the file.
        label: name of the label's column.
        strict: raise for faulty lines, instead of leaving them out.

    Returns:
        Labels, 0 or 1, by scan, in the order of the file, and what is wrong with the lines that were left out.

    Raises:
        AnnotationError: the file lacks a column, or ``strict`` and a line is faulty.
        OSError: it cannot be opened.
    """
    table = LabelTable(path, (ID, label), remedy=f"name the column of the label (--label-column), now {label!r}")
    scans, texts = table.text(ID), table.text(label)
    table.refuse([not scan for scan in scans], lambda row: f"no {ID} is named")
    table.refuse([not text for text in texts], lambda row: f"{label} is missing; write 0 or 1, or remove the line")
    table.refuse([text not in YES_NO for text in texts], lambda row: f"{label} is {texts[row]!r}, wanted 0 or 1")
    lines: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for scan, text, line, good in zip(scans, texts, table.lines.tolist(), table.good.tolist(), strict=True):
        if good:
            lines[scan][YES_NO[text]].append(line)

    def say(row: int) -> str:
        said = "; ".join(
            f"{value} in line {', '.join(map(str, where))}" for value, where in sorted(lines[scans[row]].items())
        )
        return f"the scan {scans[row]!r} has two labels: {said}; correct one"

    table.refuse([len(lines[scan]) > 1 for scan in scans], say)
    kept = [scan if good else (row,) for row, (scan, good) in enumerate(zip(scans, table.good.tolist(), strict=True))]
    table.refuse_repeats(kept, "the scan")
    rows = zip(scans, texts, table.good.tolist(), strict=True)
    return {scan: YES_NO[text] for scan, text, good in rows if good}, table.close(strict)
