"""The history of a training, from a table that it wrote, as a figure."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .score_figures import COLORS, SIZE_INCH, STYLE, encode_figure, require_matplotlib

STEPS = ("epoch", "iteration")  # what a column may be named that counts steps, the best first
History = Mapping[str, NDArray[np.float64]]


def read_history(path: str | Path) -> dict[str, NDArray[np.float64]]:
    """Read a CSV file with a row for each step of a training.

    Args:
        path: the file. Its first row names the columns; one is ``epoch`` or ``iteration``, the others are numbers such
            as ``loss`` or ``cpm``. A cell without a number (CPM is not measured in every epoch) is NaN.

    Returns:
        ``(N,)`` for each column.

    Raises:
        ValueError: no column counts the steps, or a row is longer than the first.
    """
    with Path(path).open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    names = list(rows[0]) if rows else []
    if not any(step in names for step in STEPS) or any(None in row for row in rows):
        raise ValueError(f"{path}: a history needs a column named {' or '.join(STEPS)}, and no cell without a name")
    return {name: np.array([_number(row[name]) for row in rows]) for name in names}


def draw_history(history: History) -> dict[str, bytes]:
    """Draw losses, and beside them what lies between 0 and 1, such as the CPM.

    Args:
        history: see :func:`read_history`. Columns with ``loss`` in their name go to the left axis, ``cpm`` and columns
            that begin with ``val`` to the right one, others (such as a learning rate) are left out.

    Returns:
        The figure by format: ``{"png": ..., "svg": ...}``.

    Raises:
        MissingPlotsError: matplotlib is not installed.
    """
    require_matplotlib()
    import matplotlib
    from matplotlib.figure import Figure

    step = next(name for name in STEPS if name in history)
    losses = [name for name in history if "loss" in name.lower()]
    scores = [name for name in history if name not in losses and (name.startswith("val") or "cpm" in name.lower())]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=SIZE_INCH, layout="constrained")
        axes = figure.add_subplot()
        right = axes.twinx() if scores else None
        for color, name in zip(COLORS * 10, losses + scores, strict=False):
            target: Any = axes if name in losses else right
            there = np.isfinite(history[name])
            marker = "." if name in losses else "o"
            target.plot(history[step][there], history[name][there], marker, linestyle="-", color=color, label=name)
        axes.set_xlabel(step)
        axes.set_ylabel("loss")
        axes.grid(True)
        if right is not None:
            right.set_ylim(0, 1)
            right.set_ylabel(", ".join(scores))
            right.spines["right"].set_visible(True)
        handles = [line for each in (axes, right) if each is not None for line in each.get_lines()]
        if handles:
            figure.legend(handles, [str(line.get_label()) for line in handles], loc="outside upper center", ncols=3)
        return encode_figure(figure)


def _number(cell: str | None) -> float:
    try:
        return float(cell or math.nan)
    except ValueError:
        return math.nan
