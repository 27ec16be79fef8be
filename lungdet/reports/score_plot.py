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

SIZE_INCH, DPI = (7.6, 5.0), 150
WINDOW_HU = (-1000.0, 500.0)  # lungs, fat, muscle and bone are all told apart
REGION_COLORS = dict(zip(BODY_REGIONS, (COLORS[0], COLORS[2], COLORS[4]), strict=True))
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
        figure = Figure(figsize=SIZE_INCH if coronal is not None else (5.2, SIZE_INCH[1]), layout="constrained")
        if coronal is None:
            plot = figure.add_subplot()
        else:
            picture, plot = figure.subplots(1, 2, sharey=True, width_ratios=(1, 1.15))
            _draw_section(picture, scan, coronal, edges_mm)
        _draw_plot(plot, scan)
        figure.suptitle(_plain(source_name(scan.series.source)), fontsize=10, x=0.01, ha="left")
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=DPI, metadata={"Software": None})
        return stream.getvalue()


def _draw_section(axes: Axes, scan: ScanScore, coronal: NDArray[Any], edges_mm: tuple[float, ...]) -> None:
    left, right, top, bottom = edges_mm
    low, high = WINDOW_HU
    axes.imshow(coronal, cmap="gray", vmin=low, vmax=high, extent=(left, right, bottom, top), aspect="equal")
    for part in scan.covered:
        axes.axhspan(part.bottom_mm, part.top_mm, xmax=0.03, color=REGION_COLORS[part.region], linewidth=0)
    axes.set_xticks([])
    axes.set_ylabel("z mm (to the head)")
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
    if not axes.get_ylabel() and axes.get_subplotspec().get_gridspec().ncols == 1:  # type: ignore[union-attr]
        axes.set_ylabel("z mm (to the head)")
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
