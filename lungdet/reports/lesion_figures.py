"""Figures of measured lesions: how many, how large, where, and how they change between studies.

matplotlib is imported only when something is drawn.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lungdet.records.lesion_description import LesionDescription, StudyGrowth
from lungdet.records.measured_lesion import TYPE_NAMES, UNKNOWN_TYPE, MeasuredLesion

from .score_figures import STYLE, require_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LONG, SHORT = "#0072B2", "#E69F00"
TYPE_COLORS = dict(
    zip(
        TYPE_NAMES,
        ("#7A4B00", "#E69F00", "#56B4E9", "#D55E00", "#0072B2", "#CC79A7", "#009E73", "#4B2E83", "#9A9A9A"),
        strict=True,
    )
)
TYPE_MARKERS = dict(zip(TYPE_NAMES, "sDo^pvPXh", strict=True))  # told apart without colour, too
GROWTH_COLORS = {"grows": "#D55E00", "shrinks": "#0072B2", "within error": "#9A9A9A"}
LIMIT_SD = 1.96  # 95 % of changes without growth lie within
BIN_MM, LAST_MM = 5.0, 100.0
MOST_PERCENT = 150.0  # greater changes are drawn at the upper edge
COLUMNS = 3


def draw_lesion_figures(description: LesionDescription) -> dict[str, bytes]:
    """Draw what there is to draw.

    Args:
        description: of the lesions.

    Returns:
        PNG bytes by file name: ``types.png``, ``diameters.png``, and, where lesions have a location, ``places.png``,
        and, where studies can be compared, ``growth.png``. Nothing without lesions.

    Raises:
        MissingPlotsError: matplotlib is not installed.
    """
    if not description.lesions:
        return {}
    figures = {"types.png": draw_type_counts(description.lesions), "diameters.png": draw_diameters(description.lesions)}
    if any(lesion.location is not None for lesion in description.lesions):
        figures["places.png"] = draw_places(description.lesions)
    if description.growths:
        figures["growth.png"] = draw_growth(description.growths, description.error)
    return figures


def draw_type_counts(lesions: Sequence[MeasuredLesion]) -> bytes:
    """Draw how many lesions there are of each type.

    Raises:
        MissingPlotsError: matplotlib is not installed.
    """
    members = _by_type(lesions)
    with _figure((6.2, 0.9 + 0.32 * len(members))) as (figure, axes_of):
        axes = axes_of(1, 1)[0]
        counts = [len(found) for found in members.values()]
        axes.barh(range(len(counts)), counts, 0.7, color=[TYPE_COLORS[name] for name in members])
        for row, count in enumerate(counts):
            axes.text(count, row, f" {count} ({count / len(lesions):.0%})", va="center", fontsize=9)
        axes.set_yticks(range(len(counts)), list(members))
        axes.invert_yaxis()
        axes.set_xlim(0, 1.22 * max(counts))
        axes.grid(False, axis="y")
        axes.set_xlabel("measurements")
        return _png(figure)


def draw_diameters(lesions: Sequence[MeasuredLesion]) -> bytes:
    """Draw histograms of the long and the short axis, a panel for each type.

    Raises:
        MissingPlotsError: matplotlib is not installed.
    """
    members = _by_type(lesions)
    rows = -(-len(members) // COLUMNS)
    columns = min(COLUMNS, len(members))
    with _figure((1.0 + 2.9 * columns, 0.9 + 2.0 * rows)) as (figure, axes_of):
        panels = axes_of(rows, columns)
        for axes, (name, found) in zip(panels, members.items(), strict=False):
            _histogram(axes, name, found)
        for axes in panels[len(members) :]:
            axes.set_axis_off()
        for axes in panels[max(0, len(members) - columns) : len(members)]:
            axes.set_xlabel("diameter in mm")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
        return _png(figure)


def draw_places(lesions: Sequence[MeasuredLesion]) -> bytes:
    """Draw where lesions are, seen from the front: x against z, coloured by type.

    Raises:
        MissingPlotsError: matplotlib is not installed.
    """
    placed = [lesion for lesion in lesions if lesion.location is not None]
    size = float(np.clip(9000 / max(len(placed), 1), 7, 26))
    with _figure((7.0, 6.4)) as (figure, axes_of):
        axes = axes_of(1, 1)[0]
        members = _by_type(placed)
        for name in sorted(members, key=lambda name: name != UNKNOWN_TYPE):  # those unknown lie below the others
            places = np.array([lesion.location for lesion in members[name]], dtype=np.float64)
            label = f"{name} ({len(places)})"
            look: dict[str, Any] = {"color": TYPE_COLORS[name], "marker": TYPE_MARKERS[name], "label": label}
            axes.scatter(places[:, 0], places[:, 2], size, alpha=0.6, linewidths=0, **look)
        axes.set(xlim=(-0.02, 1.02), ylim=(1.02, -0.02))
        axes.set_xlabel("x: from the left edge of the body on the image (the patient's right) to the right")
        axes.set_ylabel("z: down the body, head at the top")
        handles, labels = axes.get_legend_handles_labels()
        legend = figure.legend(handles, labels, loc="outside right upper", markerscale=(36 / size) ** 0.5)
        for handle in legend.legend_handles:
            if handle is not None:
                handle.set_alpha(1.0)
        return _png(figure)


def draw_growth(growths: Sequence[StudyGrowth], error: Mapping[str, float]) -> bytes:
    """Draw how sums of diameters change from study to study, and which changes measurement error explains.

    Args:
        growths: one or more.
        error: the numbers of the measurement error: ``relative`` and ``absolute_mm``.

    Raises:
        MissingPlotsError: matplotlib is not installed.
    """
    with _figure((7.0, 4.6)) as (figure, axes_of):
        axes = axes_of(1, 1)[0]
        for name, color in GROWTH_COLORS.items():
            found = [item for item in growths if item.growth == name and item.sum_before_mm > 0]
            before = [item.sum_before_mm for item in found]
            change = np.array([item.change_percent for item in found], dtype=np.float64)
            label = f"{name} ({len(found)})"
            beyond = change > MOST_PERCENT
            axes.scatter(
                before, np.minimum(change, MOST_PERCENT), 16, color=color, alpha=0.7, linewidths=0, label=label
            )
            if beyond.any():
                at = np.array(before)[beyond]
                axes.scatter(at, np.full(len(at), MOST_PERCENT), 34, color=color, marker="^", clip_on=False, zorder=4)
        _limits(axes, growths, error)
        axes.axhline(0, color="black", linewidth=0.8)
        axes.set_xscale("log")
        ticks = [size for size in (5, 10, 20, 50, 100, 200, 500) if _in_reach(size, growths)]
        axes.set_xticks(ticks, [f"{tick}" for tick in ticks])
        axes.minorticks_off()
        axes.set_ylim(-100, MOST_PERCENT)
        axes.set_xlabel("sum of the long diameters in the earlier study, mm")
        axes.set_ylabel("change to the later study, %")
        figure.legend(loc="outside lower center", ncols=4)
        return _png(figure)


def _limits(axes: Axes, growths: Sequence[StudyGrowth], error: Mapping[str, float]) -> None:
    """Draw within which changes one lesion is as large as before, to 95 %."""
    sizes = np.array([item.sum_before_mm for item in growths if item.sum_before_mm > 0] or [10.0])
    line = np.geomspace(sizes.min(), sizes.max(), 80)
    limit = 100 * LIMIT_SD * np.sqrt(2) * np.hypot(error["relative"], error["absolute_mm"] / line)
    for sign, label in ((1, "error of one lesion, 95 %"), (-1, None)):
        axes.plot(line, sign * limit, color="black", linewidth=0.9, linestyle=":", label=label)


def _in_reach(size: float, growths: Sequence[StudyGrowth]) -> bool:
    sizes = [item.sum_before_mm for item in growths if item.sum_before_mm > 0] or [10.0]
    return 0.7 * min(sizes) <= size <= 1.4 * max(sizes)


def _histogram(axes: Axes, name: str, lesions: Sequence[MeasuredLesion]) -> None:
    edges = np.arange(0.0, LAST_MM + BIN_MM, BIN_MM).tolist()
    long = _clipped([lesion.long_mm for lesion in lesions])
    short = _clipped([lesion.short_mm for lesion in lesions if lesion.short_mm is not None])
    axes.hist(long, edges, color=LONG, alpha=0.45, label="long axis")
    axes.hist(short, edges, color=SHORT, histtype="step", linewidth=1.6, label="short axis")
    axes.set_title(f"{name} ({len(lesions)})", fontsize=10, loc="left")
    axes.set_xlim(0, LAST_MM)
    axes.set_xticks((0, 25, 50, 75, 100), ("0", "25", "50", "75", "100+"))


def _clipped(sizes: Sequence[float]) -> NDArray[np.float64]:
    return np.minimum(np.array(sizes, dtype=np.float64), LAST_MM - BIN_MM / 2)


def _by_type(lesions: Sequence[MeasuredLesion]) -> Mapping[str, list[MeasuredLesion]]:
    """Lesions of each type that occurs, in the order of the data set."""
    members = {name: [lesion for lesion in lesions if lesion.lesion_type == name] for name in TYPE_NAMES}
    return {name: found for name, found in members.items() if found}


def _png(figure: Figure) -> bytes:
    """Encode a figure; the same one gives the same bytes."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=130, metadata={"Software": None})
    return stream.getvalue()


@contextmanager
def _figure(size_inch: tuple[float, float]) -> Iterator[tuple[Figure, Any]]:
    """Give a figure that no global state of matplotlib knows of, and what makes a grid of axes in it."""
    require_matplotlib()
    import matplotlib
    from matplotlib.figure import Figure

    style: dict[Any, Any] = {**STYLE, "axes.grid": True, "axes.axisbelow": True}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=size_inch, layout="constrained")
        yield figure, lambda rows, columns: list(figure.subplots(rows, columns, squeeze=False).ravel())
