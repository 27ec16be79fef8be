"""Figures of a nodule classifier or a risk: ROC curves, and said ratings beside the readers'.

matplotlib is imported only when something is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .classification_figures import figure_to_png, figure_with_axes
from .score_figures import COLORS, STYLE, CurveToDraw, require_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL_INCH, PANELS_ACROSS = 2.5, 4


@dataclass(frozen=True, eq=False)
class RatingToDraw:
    """One panel of a figure of ratings.

    Attributes:
        label: above it.
        readers: ``(N,)`` levels of the readers.
        said: ``(N,)`` means that were said.
        levels: how many there are.
    """

    label: str
    readers: ArrayLike
    said: ArrayLike
    levels: int = 5


def draw_roc(curves: Sequence[CurveToDraw], title: str = "") -> bytes:
    """Draw ROC curves.

    Args:
        curves: ``x`` rate of false positives, ``y`` of true ones; dots mark thresholds in use.
        title: above the axes.

    Returns:
        PNG bytes.

    Raises:
        MissingPlotsError: matplotlib is not installed.
    """
    with figure_with_axes((5.2, 5.4), title) as (figure, (axes,)):
        axes.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle=":")
        for color, curve in zip(COLORS * len(curves), curves, strict=False):
            axes.plot(curve.x, curve.y, color=color, label=curve.label, zorder=3)
            axes.plot(curve.dots_x, curve.dots_y, "o", color=color, markersize=5, zorder=4, clip_on=False)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="false positive rate", ylabel="sensitivity", aspect="equal")
        if curves:
            axes.legend(loc="lower right")
        return figure_to_png(figure)


def draw_ratings(panels: Sequence[RatingToDraw], title: str = "") -> bytes:
    """Draw boxes of the said means over the levels of the readers: quartiles, and whiskers from 5 to 95 %.

    Returns:
        PNG bytes.

    Raises:
        MissingPlotsError: matplotlib is not installed.
    """
    require_matplotlib()
    import matplotlib
    from matplotlib.figure import Figure

    across = min(PANELS_ACROSS, max(1, len(panels)))
    down = max(1, -(-len(panels) // across))
    with matplotlib.rc_context({**STYLE, "axes.grid": True, "axes.axisbelow": True}):
        figure = Figure(figsize=(PANEL_INCH * across, PANEL_INCH * down + 0.5), layout="constrained")
        figure.suptitle(title, fontsize=10, x=0.01, ha="left")
        places = figure.subplots(down, across, squeeze=False).ravel()
        for number, (axes, panel) in enumerate(zip(places, panels, strict=False)):
            _draw_panel(axes, panel, COLORS[0])
            if number % across == 0:
                axes.set_ylabel("said (mean)")
            if number >= len(panels) - across:
                axes.set_xlabel("readers (median)")
        for axes in places[len(panels) :]:
            axes.set_axis_off()
        return figure_to_png(figure)


def _draw_panel(axes: Axes, panel: RatingToDraw, color: str) -> None:
    readers, said = np.asarray(panel.readers, dtype=np.float64), np.asarray(panel.said, dtype=np.float64)
    axes.plot([1, panel.levels], [1, panel.levels], color="black", linewidth=0.8, linestyle=":")
    for level in range(1, panel.levels + 1):
        values = said[readers == level]
        if not len(values):
            continue
        low, first, middle, third, high = np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95))
        axes.plot([level, level], [low, high], color=color, linewidth=1.0)
        axes.bar(level, max(third - first, 0.01), 0.55, first, color=color, alpha=0.35)
        axes.plot([level - 0.27, level + 0.27], [middle, middle], color=color, linewidth=1.6)
        axes.text(level, panel.levels + 0.42, str(len(values)), ha="center", va="top", fontsize=6)
    ticks = range(1, panel.levels + 1)
    axes.set(xlim=(0.5, panel.levels + 0.5), ylim=(0.6, panel.levels + 0.5), xticks=ticks, yticks=ticks)
    axes.set_title(panel.label, fontsize=8, loc="left")
