"""Read the CSV files of an evaluation, and sort their rows by scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lungdet.readers.label_errors import AnnotationError, LabelProblem
from lungdet.readers.label_table import LabelTable
from lungdet.readers.luna16_tables import (
    Luna16Nodules,
    Luna16Predictions,
    read_luna16_annotations,
    read_luna16_excluded,
    read_luna16_predictions,
    read_luna16_series_uids,
)

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ScoreInputs:
    """All that is scored, and the rows of every scan.

    Attributes:
        scans: series UIDs of the scans that count.
        nodules, excluded, predictions: the files; ``excluded`` is None if there is none.
        nodule_rows, excluded_rows, prediction_rows: for each scan, the indices of its rows.
        prediction_diameters_mm: ``(N,)``, where they were asked for.
        labels: for each kind of strata, ``(M,)`` labels of the nodules.
        notes: what a reader of the scores should know.
    """

    scans: tuple[str, ...]
    nodules: Luna16Nodules
    excluded: Luna16Nodules | None
    predictions: Luna16Predictions
    nodule_rows: list[Rows]
    excluded_rows: list[Rows]
    prediction_rows: list[Rows]
    prediction_diameters_mm: NDArray[np.float64] | None
    labels: Mapping[str, NDArray[np.str_]]
    notes: tuple[str, ...]


def read_score_inputs(
    annotations: str | Path,
    predictions: str | Path,
    excluded: str | Path | None = None,
    series_uids: str | Path | None = None,
    strata_columns: Sequence[str] = (),
    needs_diameters: bool = False,
    ignore_unlisted: bool = False,
) -> ScoreInputs:
    """Read and check the files; see :func:`~lungdet.workflows.evaluate_froc` for the arguments.

    Raises:
        AnnotationError: a file cannot be trusted, or predictions are in scans that no list names.
    """
    nodules = read_luna16_annotations(annotations)
    others = None if excluded is None else read_luna16_excluded(excluded)
    marks = read_luna16_predictions(predictions)
    findings = [nodules] if others is None else [nodules, others]
    annotated = dict.fromkeys(uid for points in findings for uid in points.series_uids.tolist())
    scans = tuple(annotated) if series_uids is None else read_luna16_series_uids(series_uids)
    if not scans:
        raise AnnotationError([LabelProblem(str(annotations), None, "no scan is named; pass a list of series UIDs")])
    if not ignore_unlisted:
        _refuse_unlisted(marks, annotated.keys() | set(scans))
    place = {uid: index for index, uid in enumerate(scans)}
    return ScoreInputs(
        scans=scans,
        nodules=nodules,
        excluded=others,
        predictions=marks,
        nodule_rows=_rows_by_scan(nodules.series_uids, place),
        excluded_rows=[np.empty(0, dtype=np.int64)] * len(scans)
        if others is None
        else _rows_by_scan(others.series_uids, place),
        prediction_rows=_rows_by_scan(marks.series_uids, place),
        prediction_diameters_mm=_read_diameters(predictions) if needs_diameters else None,
        labels=_read_labels(annotations, strata_columns),
        notes=tuple(_notes(scans, nodules, others, marks, series_uids is not None)),
    )


def _refuse_unlisted(marks: Luna16Predictions, known: set[str]) -> None:
    problems = [
        LabelProblem(
            marks.path,
            line,
            f"series UID {uid} is in no list of scans, annotations or excluded findings; "
            "add it to the list of series UIDs, or allow unlisted series to be left out",
        )
        for uid, line in zip(marks.series_uids.tolist(), marks.lines.tolist(), strict=True)
        if uid not in known
    ]
    if problems:
        raise AnnotationError(problems)


def _rows_by_scan(uids: NDArray[np.str_], place: Mapping[str, int]) -> list[Rows]:
    """Indices of the rows of every scan, in the order of the file; rows of other scans are in none."""
    scan = np.array([place.get(uid, -1) for uid in uids.tolist()], dtype=np.int64)
    order = np.argsort(scan, kind="stable")
    bounds = np.searchsorted(scan[order], np.arange(len(place) + 1))
    return [order[start:stop] for start, stop in pairwise(bounds.tolist())]


def _read_diameters(predictions: str | Path) -> NDArray[np.float64]:
    """Read the sizes of marks, which LUNA16's own files do not have."""
    table = LabelTable(predictions, ("diameter_mm",))
    diameters = table.numbers("diameter_mm")
    table.refuse(diameters <= 0, lambda row: f"diameter_mm is {diameters[row]:g}, wanted more than 0")
    table.close(strict=True)
    return diameters


def _read_labels(annotations: str | Path, columns: Sequence[str]) -> dict[str, NDArray[np.str_]]:
    if not columns:
        return {}
    table = LabelTable(annotations, columns)
    return {column: np.array(table.text(column), dtype=np.str_) for column in columns}


def _notes(
    scans: Sequence[str],
    nodules: Luna16Nodules,
    excluded: Luna16Nodules | None,
    marks: Luna16Predictions,
    has_list: bool,
) -> list[str]:
    known = set(scans)
    notes = []
    if not has_list:
        notes.append(
            f"no list of series UIDs: the {len(scans)} scans with findings count; scans without any are not known, "
            "and lower the false positives per scan where they are"
        )
    for what, points in (("annotations", nodules), ("predictions", marks)):
        outside = sum(uid not in known for uid in points.series_uids.tolist())
        if outside:
            notes.append(f"{outside} {what} are in scans that are not listed, and were left out")
    if excluded is not None and excluded.repeats:
        notes.append(f"{excluded.repeats} repeated rows of excluded findings count once")
    silent = len(known) - len(known & set(marks.series_uids.tolist()))
    if silent:
        notes.append(f"scans without a mark, which count: {silent} of {len(scans)}")
    return notes
