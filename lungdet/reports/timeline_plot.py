"""The lesions of one patient over time: long and short diameter of each, and the sum. matplotlib is needed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from lungdet.counted import counted
from lungdet.records.lesion_sequence import LesionSequence, PatientHistory

from .score_figures import COLORS, STYLE, require_matplotlib
from .timeline_tables import sums_over_time

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_LINES = 12  # more cannot be told apart; the largest lesions are drawn
WIDTH_INCH, HEIGHT_INCH, SUM_INCH = 7.2, 4.2, 1.5
MARKERS = "osD^vP"


def draw_timeline(history: PatientHistory, dpi: int = 110) -> bytes:
    """Draw what was measured of each lesion over the studies of a patient.

    A line is a lesion: solid and filled its long diameter, dashed and thin the short one; dotted where a study has no
    mark of it. Lesions that were marked once are grey rings. Below is the sum of the long diameters of the lesions that
    every study marks, if there are any.

    Args:
        history: of the patient.
        dpi: dots per inch.

    Returns:
        PNG bytes; the same history gives the same bytes.

    Raises:
        MissingPlotsError: matplotlib is not installed.
    """
    require_matplotlib()
    import matplotlib
    from matplotlib.figure import Figure

    count, sums = sums_over_time(history)
    heights = [HEIGHT_INCH, SUM_INCH] if count else [HEIGHT_INCH]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCH, sum(heights)), layout="constrained", dpi=dpi)
        axes = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        _draw_lesions(axes[0], history)
        if count:
            _draw_sums(axes[1], count, sums)
        axes[-1].set_xlabel("study, in the order of time")
        axes[-1].set_xticks(range(len(history.studies)), [str(study) for study in history.studies])
        return _png(figure, dpi)


def _draw_lesions(axes: Axes, history: PatientHistory) -> None:
    place = {study: index for index, study in enumerate(history.studies)}
    shown = sorted(history.followed, key=lambda one: (-max(mark.long_mm for mark in one.marks), one.name))
    for number, sequence in enumerate(shown[:MOST_LINES]):
        _draw_sequence(axes, sequence, place, COLORS[number % len(COLORS)], MARKERS[number // len(COLORS)])
    once = [sequence.marks[0] for sequence in history.sequences if len(sequence) == 1]
    if once:
        at = [place[mark.lesion.study] for mark in once]
        sizes = [mark.long_mm for mark in once]
        axes.plot(at, sizes, "o", color="#8a8a8a", fillstyle="none", markersize=5, label=f"marked once: {len(once)}")
    left_out = max(0, len(shown) - MOST_LINES)
    note = f"; the {left_out} smallest lesions are not drawn" if left_out else ""
    axes.set_title(
        f"patient {history.patient}: {counted(len(shown), 'lesion')} followed{note}", fontsize=10, loc="left"
    )
    axes.set_ylabel("diameter, mm")
    sizes = [mark.long_mm for sequence in history.sequences for mark in sequence.marks]
    axes.set_ylim(0, 1.08 * max(sizes, default=0) or 1)  # room for the topmost marker
    _explain_lines(axes, shown[:MOST_LINES], place)
    axes.grid(True, axis="y")
    if shown or once:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8)


def _explain_lines(axes: Axes, shown: Sequence[LesionSequence], place: dict[int, int]) -> None:
    """Say in the legend what dashes and dots mean, where there are any."""
    known = [sequence for sequence in shown if any(mark.short_mm is not None for mark in sequence.marks)]
    if known:
        axes.plot([], [], "--", color="#5b656c", linewidth=0.8, label="short diameter")
    if any(place[b] - place[a] > 1 for one in shown for a, b in pairwise(one.studies)):
        axes.plot([], [], ":", color="#5b656c", label="not marked between")


def _draw_sequence(axes: Axes, sequence: LesionSequence, place: dict[int, int], color: str, marker: str) -> None:
    at = [place[study] for study in sequence.studies]
    long = [mark.long_mm for mark in sequence.marks]
    short = [np.nan if mark.short_mm is None else mark.short_mm for mark in sequence.marks]
    label = f"{sequence.name.rsplit('-', 1)[-1]} {sequence.lesion_type}"
    axes.plot(at, long, marker, color=color, markersize=5, label=label, zorder=3)
    for a, b in zip(range(len(at)), range(1, len(at)), strict=False):
        whole = at[b] - at[a] == 1
        axes.plot([at[a], at[b]], [long[a], long[b]], "-" if whole else ":", color=color, zorder=3)
        axes.plot([at[a], at[b]], [short[a], short[b]], "--" if whole else ":", color=color, linewidth=0.8, alpha=0.7)


def _draw_sums(axes: Axes, count: int, sums: tuple[float, ...]) -> None:
    axes.plot(range(len(sums)), sums, "o-", color="black", markersize=4)
    for index, value in enumerate(sums):
        axes.annotate(f"{value:.0f}", (index, value), (0, 5), textcoords="offset points", ha="center", fontsize=8)
    axes.set_ylim(0, 1.3 * max(sums) if max(sums) else 1)
    axes.set_ylabel("sum, mm")
    noun = "the one lesion that every study marks" if count == 1 else f"{count} lesions that every study marks"
    axes.set_title(f"sum of long diameters, {noun}", fontsize=9, loc="left")
    axes.grid(True, axis="y")


def _png(figure: Any, dpi: int) -> bytes:
    import io

    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=dpi, metadata={"Software": None})
    return stream.getvalue()
