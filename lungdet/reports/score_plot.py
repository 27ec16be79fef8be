"""Draw the scores of a scan beside the scan. matplotlib is imported only when something is drawn."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lungdet.records import BODY_REGIONS, ScanScore

from .csv_file import source_name
from .score_figures import COLORS, STYLE, require_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 150
PLOT_INCH = (3.8, 4.2)  # the plot's width, and the usual height of plot and section
SECTION_INCH, LEAST_HEIGHT_INCH = (1.0, 4.6), 2.4  # narrowest and widest section
LEFT_INCH, RIGHT_INCH, BOTTOM_INCH, TOP_INCH, GAP_INCH = 0.9, 0.15, 0.55, 0.5, 0.2
WINDOW_HU = (-1000.0, 500.0)  # lungs, fat, muscle and bone are all told apart
REGION_COLORS = dict(zip(BODY_REGIONS, (COLORS[0], COLORS[2], COLORS[4]), strict=True))
HEIGHT_LABEL = "z mm (to the head)"
NO_REGION_COLOR, FLAG_COLOR = "#7f7f7f", "#b3261e"
FLAGGED = {"gap": "_", "reversed": "v", "foreign": "X", "outside": "s"}  # what concerns single slices


def draw_score(scan: ScanScore, coronal: NDArray[Any] | None = None, edges_mm: tuple[float, ...] = ()) -> bytes:
    """Draw score against height, head at the top, with the line, what is covered, and what is flagged.

    Args:
        scan: the answer.
        coronal: ``(rows, columns)`` HU of a section seen from the front, rows from the head to the feet and columns to
            the patient's left; None for none.
        edges_mm: its left and right, top and bottom edge in LPS mm; needed with it.

    Returns:
        A PNG; the same scan gives the same bytes.

    Raises:
        MissingPlotsError: matplotlib is not installed.
        ValueError: a section comes without its edges.
    """
    require_matplotlib()
    import matplotlib
    from matplotlib.figure import Figure

    if coronal is not None and len(edges_mm) != 4:
        raise ValueError(f"a section needs its left, right, top and bottom edge in mm, got {edges_mm}")
    with matplotlib.rc_context(STYLE):
        width, height = _section_size(edges_mm) if coronal is not None else (-GAP_INCH, PLOT_INCH[1])
        begin = LEFT_INCH + width + GAP_INCH
        whole = (begin + PLOT_INCH[0] + RIGHT_INCH, BOTTOM_INCH + height + TOP_INCH)
        figure = Figure(figsize=whole)
        plot = figure.add_axes(_place(begin, PLOT_INCH[0], height, whole))
        _draw_plot(plot, scan)
        if coronal is None:
            plot.set_ylabel(HEIGHT_LABEL)
        else:
            plot.tick_params(labelleft=False)
            picture = figure.add_axes(_place(LEFT_INCH, width, height, whole), sharey=plot)
            _draw_section(picture, scan, coronal, edges_mm)
        name = _plain(source_name(scan.series.source))
        figure.text(0.01, 1 - 0.05 / whole[1], name, fontsize=10, ha="left", va="top")
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=DPI, metadata={"Software": None})
        return stream.getvalue()


def _section_size(edges_mm: tuple[float, ...]) -> tuple[float, float]:
    """Width and height of a section in inch, true to scale unless it is very flat or very long."""
    left, right, top, bottom = edges_mm
    aspect = (right - left) / (top - bottom)
    width = min(max(PLOT_INCH[1] * aspect, SECTION_INCH[0]), SECTION_INCH[1])
    return width, max(min(width / aspect, PLOT_INCH[1]), LEAST_HEIGHT_INCH)


def _place(left: float, width: float, height: float, whole: tuple[float, float]) -> tuple[float, float, float, float]:
    """Where axes lie, in parts of the figure."""
    return left / whole[0], BOTTOM_INCH / whole[1], width / whole[0], height / whole[1]


def _draw_section(axes: Axes, scan: ScanScore, coronal: NDArray[Any], edges_mm: tuple[float, ...]) -> None:
    left, right, top, bottom = edges_mm
    low, high = WINDOW_HU
    axes.imshow(coronal, cmap="gray", vmin=low, vmax=high, extent=(left, right, bottom, top), aspect="auto")
    for part in scan.covered:
        axes.axhspan(part.bottom_mm, part.top_mm, xmax=0.03, color=REGION_COLORS[part.region], linewidth=0)
    axes.set_xticks([])
    axes.set_ylabel(HEIGHT_LABEL)
    axes.set_xlabel("patient's right at the left", fontsize=8)


def _draw_plot(axes: Axes, scan: ScanScore) -> None:
    z_mm = np.array(scan.z_mm)
    score = np.array([np.nan if value is None else value for value in scan.score])
    for name, color in (*REGION_COLORS.items(), ("", NO_REGION_COLOR)):
        of = np.array([region == name for region in scan.region]) & ~np.isnan(score)
        if of.any():
            axes.plot(score[of], z_mm[of], "o", color=color, markersize=3, label=name or "elsewhere", zorder=3)
    if scan.line is not None:
        ends = np.array([z_mm[0], z_mm[-1]])
        label = f"line: tau {scan.line.tau:.3f}, R2 {scan.line.r2:.3f}"
        axes.plot([scan.line.at(z) for z in ends], ends, color="black", linewidth=0.9, label=label)
    if scan.lungs_mm is not None:
        top, bottom = scan.lungs_mm
        axes.axhspan(bottom, top, color=COLORS[5], alpha=0.15, linewidth=0, label="lungs", zorder=0)
    for kind, marker in FLAGGED.items():
        rows = sorted({row for flag in scan.flags if flag.kind == kind for row in flag.rows})
        if rows:
            axes.plot(
                score[rows], z_mm[rows], marker, color=FLAG_COLOR, markersize=7, fillstyle="none", label=kind, zorder=4
            )
    axes.set_xlabel("score (0 top of the trunk, 1 bottom)")
    axes.set_xlim(*_limits(score))
    axes.grid(True)
    axes.set_axisbelow(True)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower left", fontsize=8)
    whole = [flag.kind.replace("_", " ") for flag in scan.flags if not flag.rows]
    axes.set_title(f"flags: {', '.join(whole)}" if whole else "", fontsize=9, loc="left", color=FLAG_COLOR)


def _limits(score: NDArray[np.float64]) -> tuple[float, float]:
    """Show the whole trunk, and more where the scores go beyond."""
    known = score[~np.isnan(score)]
    return min(0.0, *known.tolist(), 0.0) - 0.04, max(1.0, *known.tolist(), 1.0) + 0.04


def _plain(text: str) -> str:
    """Keep matplotlib from reading a name as mathematics."""
    return "".join(letter for letter in text if letter.isprintable()).replace("$", r"\$")
