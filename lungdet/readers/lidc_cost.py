"""What filling and comparing the marks of a series would cost; marks that cost minutes are refused unfilled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungdet.records.mark import SeriesMarks

from .label_errors import AnnotationError, LabelProblem
from .lidc_limits import LidcLimits


def rectangle_px(points: NDArray[Any]) -> int:
    """Count the pixels of the rectangle around an outline, which is what is looked at to fill it.

    Args:
        points: ``(n, 2)`` whole pixels ``(column, row)``.

    Example:
        >>> rectangle_px(np.array([[0, 0], [3, 0], [3, 2]]))
        12
    """
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return int((right - left + 1) * (bottom - top + 1))


def outline_px(points: NDArray[Any]) -> int:
    """Length of a closed outline in pixels, a diagonal step as one.

    Example:
        >>> outline_px(np.array([[0, 0], [3, 0], [3, 2]]))
        8
    """
    steps = np.abs(np.roll(points, -1, axis=0) - points)
    return int(steps.max(axis=1).sum())


def excess_of(points: NDArray[Any], area: int, limits: LidcLimits) -> str:
    """Tell which limit an outline, whose rectangle has ``area`` pixels, is beyond; empty if none."""
    # No step is longer than the rectangle has pixels, which spares nearly all outlines the measuring.
    if len(points) * area > limits.max_edge_px and (length := outline_px(points)) > limits.max_edge_px:
        return f"its outline is {length} pixels long, more than max_edge_px = {limits.max_edge_px}"
    if area > limits.max_region_px:
        return f"its outline spans {area} pixels, more than max_region_px = {limits.max_region_px}"
    return ""


def check_series(series: SeriesMarks, limits: LidcLimits) -> None:
    """Hold what several files say about one series to the limits of one.

    Raises:
        AnnotationError: it has too many marks, or outlines that are too large together.
    """
    area = sum(rectangle_px(contour.points) for mark in series.marks for contour in mark.contours)
    what = ""
    if len(series.marks) > limits.max_marks:
        what = f"its files hold {len(series.marks)} marks together, more than max_marks = {limits.max_marks}"
    elif area > limits.max_series_px:
        what = f"its outlines span {area} pixels together, more than max_series_px = {limits.max_series_px}"
    if what:
        where = f"{series.sources[0]} and {len(series.sources) - 1} more"
        raise AnnotationError([LabelProblem(where, None, f"{series.series_uid}: {what}; raise LidcLimits to read it")])
