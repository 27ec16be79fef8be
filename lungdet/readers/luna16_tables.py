"""The CSV files of LUNA16: annotations, excluded annotations, candidates, series UIDs, and the marks of a detector.

Coordinates are LPS mm, those of the data set's MetaImage files. https://luna16.grand-challenge.org/Data/
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .label_errors import LabelProblem
from .label_table import BoolArray, FloatArray, LabelTable

COORDINATES = ("coordX", "coordY", "coordZ")
# What other tables call the column; no scan has such a name.
_HEADERS = frozenset(
    ("id", "image", "image_id", "name", "scan", "scan_id", "series", "series_id", "series_uid", "seriesid",
     "seriesinstanceuid", "seriesuid", "seriesuids", "uid")
)  # fmt: skip
UNMEASURED = -1.0  # annotations_excluded.csv has no size for most findings
UNMEASURED_DIAMETER_MM = 10.0  # what the official evaluation takes instead


@dataclass(frozen=True)
class ScanPoints:
    """Points in scans, one row each; rows with a fault are left out.

    Attributes:
        path: the file.
        series_uids: ``(N,)`` text.
        centers_lps_mm: ``(N, 3)``.
        lines: ``(N,)`` line of the file, counted from 1.
        problems: faults of the rows that were left out; empty after strict reading.
        repeats: how many rows were dropped as exact repeats, where the official file has them.
    """

    path: str
    series_uids: NDArray[np.str_]
    centers_lps_mm: FloatArray
    lines: NDArray[np.int64]
    problems: tuple[LabelProblem, ...]
    repeats: int

    def __len__(self) -> int:
        return len(self.series_uids)

    def rows_of(self, series_uid: str) -> NDArray[np.int64]:
        """Indices of the rows of one scan."""
        return np.flatnonzero(self.series_uids == series_uid)


@dataclass(frozen=True)
class Luna16Nodules(ScanPoints):
    """Nodules or excluded findings.

    Attributes:
        diameters_mm: ``(N,)``; 10 mm where none was measured.
        measured: ``(N,)`` whether the file gives the diameter.
    """

    diameters_mm: FloatArray
    measured: BoolArray

    @property
    def boxes_lps_mm(self) -> FloatArray:
        """Cubes around the findings, ``(N, 6)`` in LPS mm, min corner then max corner."""
        half = self.diameters_mm[:, None] / 2
        return np.concatenate([self.centers_lps_mm - half, self.centers_lps_mm + half], axis=1)


@dataclass(frozen=True)
class Luna16Candidates(ScanPoints):
    """Candidate locations; ``is_nodule`` is ``(N,)``."""

    is_nodule: BoolArray


@dataclass(frozen=True)
class Luna16Predictions(ScanPoints):
    """Marks of a detector; ``probabilities`` is ``(N,)`` in ``[0, 1]``."""

    probabilities: FloatArray


def read_luna16_annotations(
    path: str | Path, *, series_uids: Collection[str] | None = None, strict: bool = True
) -> Luna16Nodules:
    """Read ``annotations.csv``: ``seriesuid,coordX,coordY,coordZ,diameter_mm``.

    Args:
        path: the file.
        series_uids: the scans there are; a row of another one is a fault. None allows all.
        strict: raise if a row is faulty; else leave such rows out and tell them in ``problems``.

    Raises:
        AnnotationError: columns are missing, or, if strict, a row has a number missing, NaN or infinite, a diameter
            that is not positive, a scan that is not known, or repeats another one.
    """
    table = _points_table(path, "diameter_mm", series_uids)
    table.refuse_repeats(_keys(table, "diameter_mm"))
    return _nodules(table, strict, allow_unmeasured=False, repeats=0)


def read_luna16_excluded(
    path: str | Path, *, series_uids: Collection[str] | None = None, strict: bool = True
) -> Luna16Nodules:
    """Read ``annotations_excluded.csv``: findings that count neither as hits nor as false positives.

    A diameter of -1 means that none was measured; the official evaluation takes 10 mm, and so does the result. The
    official file repeats 11,105 of its 35,192 rows; repeats are dropped and counted. Arguments and errors are those of
    :func:`read_luna16_annotations`.
    """
    table = _points_table(path, "diameter_mm", series_uids)
    repeats = table.repeats(_keys(table, "diameter_mm"))
    table.good &= ~repeats
    return _nodules(table, strict, allow_unmeasured=True, repeats=int(repeats.sum()))


def read_luna16_candidates(
    path: str | Path, *, series_uids: Collection[str] | None = None, strict: bool = True
) -> Luna16Candidates:
    """Read ``candidates.csv`` or ``candidates_V2.csv``: ``seriesuid,coordX,coordY,coordZ,class``, the class 0 or 1.

    Arguments and errors are those of :func:`read_luna16_annotations`.
    """
    table = _points_table(path, "class", series_uids)
    classes = table.whole_numbers("class")[:, 0]
    table.refuse((classes != 0) & (classes != 1), lambda row: f"class is {classes[row]}, wanted 0 or 1")
    table.refuse_repeats(_keys(table, "class"))
    points = _points(table, strict, 0)
    return Luna16Candidates(**points, is_nodule=classes[table.good] == 1)


def read_luna16_predictions(
    path: str | Path, *, series_uids: Collection[str] | None = None, strict: bool = True
) -> Luna16Predictions:
    """Read the marks of a detector: ``seriesuid,coordX,coordY,coordZ,probability``.

    A file with nothing but the header holds no marks, which is allowed; an empty file is not. Arguments and errors are
    those of :func:`read_luna16_annotations`; a probability outside ``[0, 1]`` is a fault.
    """
    table = _points_table(path, "probability", series_uids)
    values = table.numbers("probability")
    table.refuse((values < 0) | (values > 1), lambda row: f"probability is {values[row]:g}, wanted 0 to 1")
    table.refuse_repeats(_keys(table, "probability"))
    points = _points(table, strict, 0)
    return Luna16Predictions(**points, probabilities=values[table.good])


def read_luna16_series_uids(path: str | Path) -> tuple[str, ...]:
    """Read ``seriesuids.csv``: one UID a line, with or without a header ``seriesuid``.

    Raises:
        AnnotationError: a UID repeats, is empty, holds a blank or looks like another header, or there is none.
    """
    table = LabelTable(path, ("seriesuid",), header=False)
    uids = table.text("seriesuid")
    odd = np.array([uid.split() != [uid] or uid.lower() in _HEADERS for uid in uids], dtype=np.bool_)
    table.refuse(odd, lambda row: f"{uids[row]!r} is no series UID; a header must be seriesuid")
    table.refuse_repeats(uids, "the series UID")
    table.close(strict=True)
    if not uids:
        raise table.error("the file names no scan")
    return uids


def _points_table(path: str | Path, value: str, known: Collection[str] | None) -> LabelTable:
    table = LabelTable(path, ("seriesuid", *COORDINATES, value))
    uids = table.text("seriesuid")
    table.refuse(np.array([not uid for uid in uids], dtype=np.bool_), lambda row: "seriesuid is empty")
    if known is not None:
        scans = frozenset(known)
        unknown = np.array([uid not in scans for uid in uids], dtype=np.bool_)
        table.refuse(unknown, lambda row: f"series UID {uids[row]} is none of the {len(scans)} known scans")
    return table


def _keys(table: LabelTable, value: str) -> list[tuple[str, ...]]:
    return list(zip(*(table.text(name) for name in ("seriesuid", *COORDINATES, value)), strict=True))


def _nodules(table: LabelTable, strict: bool, allow_unmeasured: bool, repeats: int) -> Luna16Nodules:
    diameters = table.numbers("diameter_mm")
    measured = ~((diameters == UNMEASURED) & allow_unmeasured)
    wanted = "more than 0, or -1 if not measured" if allow_unmeasured else "more than 0"
    table.refuse(measured & ~(diameters > 0), lambda row: f"diameter_mm is {diameters[row]:g}, wanted {wanted}")
    points = _points(table, strict, repeats)
    diameters = np.where(measured, diameters, UNMEASURED_DIAMETER_MM)
    return Luna16Nodules(**points, diameters_mm=diameters[table.good], measured=measured[table.good])


def _points(table: LabelTable, strict: bool, repeats: int) -> dict[str, Any]:
    """Read the coordinates, close the table, and return what every kind of points has."""
    centers = np.stack([table.numbers(name) for name in COORDINATES], axis=1)
    problems = table.close(strict)
    return {
        "path": table.path,
        "series_uids": np.array(table.text("seriesuid"), dtype=np.str_)[table.good],
        "centers_lps_mm": centers[table.good],
        "lines": table.lines[table.good],
        "problems": problems,
        "repeats": repeats,
    }
