"""Figures of FROC and precision-recall curves. matplotlib is imported only when something is drawn."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # told apart by colour-blind readers, too
SIZE_INCH = (5.2, 4.2)
OFF_THE_AXIS = 1e-3  # a logarithmic axis has no zero: curves begin this far before its first tick
STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "grid.color": "#d9d9d9",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "svg.hashsalt": "lungdet",  # the same curve gives the same file
}


class MissingPlotsError(ImportError, ValueError):
    """matplotlib is not installed."""


@dataclass(frozen=True, eq=False)
class CurveToDraw:
    """One line of a figure.

    Attributes:
        label: for the legend.
        x, y: ``(N,)`` the line; empty for dots alone.
        band_x: ``(B,)`` and ``band``: ``(B, 2)``, low and high, of the confidence band; empty for none.
        dots_x, dots_y: ``(D,)`` points to mark.
    """

    label: str
    x: ArrayLike
    y: ArrayLike
    band_x: ArrayLike = ()
    band: ArrayLike = ()
    dots_x: ArrayLike = ()
    dots_y: ArrayLike = ()


def require_matplotlib() -> None:
    """Make sure that figures can be drawn, before time is spent on what they would show.

    Raises:
        MissingPlotsError: they cannot.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise MissingPlotsError("drawing figures needs matplotlib: pip install lungdet[plots]") from error


def draw_froc(
    curves: Sequence[CurveToDraw], fp_rates: Sequence[float] = (0.125, 8.0), unit: str = "scan", title: str = ""
) -> dict[str, bytes]:
    """Draw FROC curves over a binary-logarithmic axis.

    Args:
        curves: ``x`` false positives per scan, ``y`` sensitivity.
        fp_rates: the rates that get a tick; the first and the last are the ends of the axis.
        unit: what false positives are counted per.
        title: above the axes.

    Returns:
        The figure by format: ``{"png": ..., "svg": ...}``.

    Raises:
        MissingPlotsError: matplotlib is not installed.
    """
    with _figure(title) as (figure, axes):
        for color, curve in zip(COLORS * len(curves), curves, strict=False):
            x, y = np.asarray(curve.x, dtype=np.float64), np.asarray(curve.y, dtype=np.float64)
            _line(axes, np.maximum(x, min(fp_rates) * OFF_THE_AXIS), y, curve, color)
        axes.set_xscale("log", base=2)
        axes.set_xlim(min(fp_rates), max(fp_rates))
        rates = sorted(set(fp_rates))
        axes.set_xticks(rates, [_fraction(rate) for rate in rates])
        axes.minorticks_off()
        axes.set_xlabel(f"false positives per {unit}")
        axes.set_ylabel("sensitivity")
        axes.legend(loc="best")
        return encode_figure(figure)


def draw_precision_recall(
    curves: Sequence[CurveToDraw], style: Literal["precision", "tensorbox"] = "precision", title: str = ""
) -> dict[str, bytes]:
    """Draw precision-recall curves.

    Args:
        curves: ``x`` recall, ``y`` precision.
        style: ``"precision"`` over recall, or as TensorBox drew it in 2017: recall over ``1 - precision``, with the
            diagonal on which precision equals recall.
        title: above the axes.

    Returns:
        The figure by format.

    Raises:
        MissingPlotsError: matplotlib is not installed.
        ValueError: the style is unknown.
    """
    if style not in ("precision", "tensorbox"):
        raise ValueError(f"style must be 'precision' or 'tensorbox', got {style!r}")
    with _figure(title) as (figure, axes):
        for color, curve in zip(COLORS * len(curves), curves, strict=False):
            recall, precision = np.asarray(curve.x, dtype=np.float64), np.asarray(curve.y, dtype=np.float64)
            if style == "precision":
                _line(axes, recall, precision, curve, color)
            else:
                axes.plot(1 - precision, recall, color=color, label=curve.label)
        axes.set_xlim(0, 1)
        if style == "tensorbox":
            axes.plot([1, 0], [0, 1], color="black", linewidth=0.8)
        axes.set_xlabel("recall" if style == "precision" else "1 - precision")
        axes.set_ylabel("precision" if style == "precision" else "recall")
        axes.legend(loc="best" if style == "precision" else "center right")
        return encode_figure(figure)


def _line(axes: Axes, x: Any, y: Any, curve: CurveToDraw, color: str) -> None:
    (line,) = axes.plot(x, y, color=color, zorder=3)
    (dots,) = axes.plot(curve.dots_x, curve.dots_y, "o", color=color, markersize=4.5, zorder=4, clip_on=False)
    (line if np.size(x) else dots).set_label(curve.label)
    dots.set_in_layout(False)  # those on the frame are drawn whole, and take no room
    band = np.asarray(curve.band, dtype=np.float64).reshape(-1, 2)
    if len(band):
        axes.fill_between(np.asarray(curve.band_x), band[:, 0], band[:, 1], color=color, alpha=0.18, linewidth=0)


@contextmanager
def _figure(title: str) -> Iterator[tuple[Figure, Axes]]:
    """Give a figure that no global state of matplotlib knows of."""
    require_matplotlib()
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=SIZE_INCH, layout="constrained")
        axes = figure.add_subplot()
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_ylim(0, 1)
        axes.set_yticks(np.linspace(0, 1, 11))
        axes.grid(True)
        axes.set_axisbelow(True)
        yield figure, axes


def encode_figure(figure: Figure) -> dict[str, bytes]:
    """Return a figure by format; the same figure gives the same bytes."""
    files = {}
    for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
        stream = io.BytesIO()
        figure.savefig(stream, format=kind, dpi=200, metadata=metadata)
        files[kind] = stream.getvalue()
    return files


def _fraction(rate: float) -> str:
    """Write a rate as it is printed in papers.

    Example:
        >>> [_fraction(rate) for rate in (0.125, 0.5, 0.3, 8.0)]
        ['1/8', '1/2', '0.3', '8']
    """
    return f"1/{round(1 / rate)}" if rate < 1 and (1 / rate).is_integer() else f"{rate:g}"
