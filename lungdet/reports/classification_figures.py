"""Figures of a classifier: what is taken for what, whether probabilities hold, what passing wins, what disturbs it.

matplotlib is imported only when something is drawn.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .score_figures import COLORS, STYLE, CurveToDraw, require_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CELL_INCH, LEAST_INCH, MOST_INCH = 0.36, 3.6, 16.0
LIGHTEST_TEXT = 0.55  # from this shade on a number in a cell is white
LONGEST_NAME = 28


@dataclass(frozen=True, eq=False)
class ReliabilityToDraw:
    """One line of a reliability diagram.

    Attributes:
        label: for the legend.
        edges: ``(B + 1,)`` of the bins.
        counts: ``(B,)`` statements in each.
        confidence, accuracy: ``(B,)``; NaN in empty bins.
    """

    label: str
    edges: ArrayLike
    counts: ArrayLike
    confidence: ArrayLike
    accuracy: ArrayLike


def draw_confusion(matrix: ArrayLike, classes: Sequence[str], title: str = "", unit: str = "pictures") -> bytes:
    """Draw a confusion matrix, shaded by the part of each true class.

    Args:
        matrix: ``(K, K)`` or, with a last row and column for "none", ``(K + 1, K + 1)``; rows true, columns chosen. A
            row and column of "none" that hold nothing are left out.
        classes: ``K`` names.
        title: above the axes.
        unit: what is counted.

    Returns:
        PNG bytes.

    Raises:
        MissingPlotsError: matplotlib is not installed.
        ValueError: names and matrix do not fit.
    """
    counts, names = _with_names(np.asarray(matrix, dtype=np.float64), classes)
    totals = counts.sum(axis=1, keepdims=True)
    shades = counts / np.where(totals > 0, totals, 1)
    side = min(MOST_INCH, max(LEAST_INCH, CELL_INCH * len(names) + 1.2))
    with figure_with_axes((side + 1.0, side), title) as (figure, (axes,)):
        axes.imshow(shades, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor")
        rows = [f"{name} ({_count(total)})" for name, total in zip(names, totals[:, 0], strict=True)]
        axes.set_yticks(range(len(names)), rows)
        axes.tick_params(length=0)
        axes.grid(False)
        axes.set_xlabel("chosen")
        axes.set_ylabel(f"true ({unit})")
        for row, column in zip(*np.nonzero(counts), strict=True):
            color = "white" if shades[row, column] >= LIGHTEST_TEXT else "black"
            text = _count(counts[row, column])
            axes.text(column, row, text, ha="center", va="center", color=color, fontsize=8 if len(text) < 4 else 6)
        return figure_to_png(figure)


def draw_reliability(lines: Sequence[ReliabilityToDraw], title: str = "") -> bytes:
    """Draw how often statements of a confidence are right, over how many such statements there are.

    Raises:
        MissingPlotsError: matplotlib is not installed.
    """
    with figure_with_axes((5.2, 6.2), title, rows=(3, 1)) as (figure, (axes, below)):
        axes.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle=":", label="right as often as said")
        for color, line in zip(COLORS * len(lines), lines, strict=False):
            said, was = np.asarray(line.confidence, dtype=np.float64), np.asarray(line.accuracy, dtype=np.float64)
            filled = np.isfinite(said) & np.isfinite(was)
            counts = np.asarray(line.counts, dtype=np.float64)
            sizes = 4 + 80 * np.sqrt(counts / max(float(counts.max(initial=0)), 1.0))  # a bin of one is a speck
            axes.plot(said[filled], was[filled], "-", color=color, linewidth=0.8, alpha=0.6)
            axes.scatter(
                said[filled], was[filled], sizes[filled], color=color, label=line.label, clip_on=False, zorder=3
            )
            below.stairs(counts, np.asarray(line.edges), color=color, linewidth=1.4)
        axes.set(xlim=(0, 1), ylim=(0, 1), ylabel="part that was right")
        axes.tick_params(labelbottom=False)
        most = max((int(np.max(line.counts, initial=0)) for line in lines), default=0)
        ticks = [0, *(10**power for power in range(len(str(max(most, 1)))))]
        below.set_yscale("symlog", linthresh=1)
        below.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        below.minorticks_off()
        below.set(xlim=(0, 1), ylim=(0, 1.5 * max(most, 1)), xlabel="confidence", ylabel="statements")
        figure.legend(loc="outside lower center", markerscale=0.7)
        return figure_to_png(figure)


def draw_coverage(curves: Sequence[CurveToDraw], target_accuracy: float | None = None, title: str = "") -> bytes:
    """Draw accuracy on what is answered over the part that is answered.

    Args:
        curves: ``x`` coverage, ``y`` accuracy; dots mark where the threshold of the router lies.
        target_accuracy: a line across.
        title: above the axes.

    Raises:
        MissingPlotsError: matplotlib is not installed.
    """
    with figure_with_axes((5.2, 4.2), title) as (figure, (axes,)):
        lowest, dots = 1.0, False
        for color, curve in zip(COLORS * len(curves), curves, strict=False):
            x, y = np.asarray(curve.x, dtype=np.float64), np.asarray(curve.y, dtype=np.float64)
            axes.step(x, y, where="pre", color=color, label=curve.label)
            axes.plot(curve.dots_x, curve.dots_y, "o", color=color, markersize=6, clip_on=False, zorder=4)
            dots |= bool(np.size(curve.dots_x))
            steady = y[x >= 0.1] if (x >= 0.1).any() else y  # one wrong picture at the very left would flatten the rest
            lowest = min(lowest, float(np.append(steady, curve.dots_y).min(initial=1.0)))
        if target_accuracy is not None:
            lowest = min(lowest, target_accuracy)
            label = f"target {target_accuracy:g}"
            axes.axhline(target_accuracy, color="black", linewidth=0.8, linestyle=":", label=label)
        if dots:
            axes.plot((), (), "o", color="black", markersize=6, label="what is answered")
        axes.set(xlim=(0, 1), ylim=(max(0.0, lowest - 0.1 * (1 - lowest) - 0.005), 1 + 0.02 * (1 - lowest)))
        axes.set(xlabel="part that is answered (coverage)", ylabel="accuracy on it")
        axes.legend(loc="lower left")
        return figure_to_png(figure)


def _in_words(disturbance: str) -> str:
    return "undisturbed" if disturbance == "none" else disturbance.replace("_", " ")


def draw_robustness(scores: Mapping[str, Sequence[float]], names: Sequence[str], title: str = "") -> bytes:
    """Draw scores under disturbances as bars.

    Args:
        scores: by what is scored, one for each disturbance; NaN for none.
        names: of the disturbances.
        title: above the axes.

    Raises:
        MissingPlotsError: matplotlib is not installed.
    """
    with figure_with_axes((6.0, 1.0 + 0.22 * len(names) * (1 + len(scores))), title) as (figure, (axes,)):
        places, thick = np.arange(len(names), dtype=np.float64), 0.8 / max(len(scores), 1)
        for shift, (color, (label, values)) in enumerate(zip(COLORS * len(scores), scores.items(), strict=False)):
            lengths = np.nan_to_num(np.asarray(values, dtype=np.float64))
            rows = places + (shift - (len(scores) - 1) / 2) * thick
            axes.barh(rows, lengths, thick * 0.9, color=color, label=label)
            for row, length, value in zip(rows, lengths, values, strict=True):
                axes.text(length + 0.01, row, f"{value:.3f}" if np.isfinite(value) else "-", va="center", fontsize=8)
        axes.set_yticks(places, [_in_words(name) for name in names])
        axes.invert_yaxis()
        axes.set_xlim(0, 1.1)
        axes.set_xticks(np.linspace(0, 1, 6))
        axes.grid(False, axis="y")
        figure.legend(loc="outside lower center", ncols=3)
        return figure_to_png(figure)


def _with_names(matrix: NDArray[np.float64], classes: Sequence[str]) -> tuple[NDArray[np.float64], list[str]]:
    names = [textwrap.shorten(str(name).replace("_", " "), LONGEST_NAME, placeholder="…") for name in classes]
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) - len(names) not in (0, 1):
        raise ValueError(f"a matrix of {matrix.shape} has no place for {len(names)} classes and none")
    if len(matrix) > len(names):
        if matrix[-1].any() or matrix[:, -1].any():
            return matrix, [*names, "none"]
        matrix = matrix[:-1, :-1]
    return matrix, names


def _count(value: float) -> str:
    """Write a count; shares of one, as of several labels, with a digit.

    Example:
        >>> _count(3.0), _count(0.5), _count(12.25)
        ('3', '0.5', '12.2')
    """
    return f"{value:.0f}" if abs(value - round(value)) < 1e-6 else f"{value:.1f}"


def figure_to_png(figure: Figure) -> bytes:
    """Encode a figure; the same one gives the same bytes."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=150, metadata={"Software": None})
    return stream.getvalue()


@contextmanager
def figure_with_axes(
    size_inch: tuple[float, float], title: str, rows: Sequence[float] = (1,)
) -> Iterator[tuple[Figure, list[Axes]]]:
    """Give a figure that no global state of matplotlib knows of, with axes below each other."""
    require_matplotlib()
    import matplotlib
    from matplotlib.figure import Figure

    style: dict[Any, Any] = {**STYLE, "axes.grid": True, "axes.axisbelow": True}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=size_inch, layout="constrained")
        axes = list(figure.subplots(len(rows), 1, height_ratios=list(rows), squeeze=False)[:, 0])
        axes[0].set_title(title, fontsize=10, loc="left")
        yield figure, axes
