"""What one reader marked in one CT series: outlines, points and ratings, in the pixels of its slices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

MarkKind = Literal["nodule", "small_nodule", "non_nodule"]

MOST_PIXELS = 4096  # no CT slice has more columns or rows; an outline beyond is damage, and filling it would take GBs

#: Lowest and highest value of each rating in LIDC-IDRI, in the order of its forms.
RATING_RANGES = {
    "subtlety": (1, 5),
    "internalStructure": (1, 4),
    "calcification": (1, 6),
    "sphericity": (1, 5),
    "margin": (1, 5),
    "lobulation": (1, 5),
    "spiculation": (1, 5),
    "texture": (1, 5),
    "malignancy": (1, 5),
}


@dataclass(frozen=True)
class Rating:
    """One of the nine ratings of a nodule.

    Attributes:
        name: as LIDC-IDRI spells it, a key of ``RATING_RANGES``.
        value: within that range.
    """

    name: str
    value: int

    def __post_init__(self) -> None:
        if self.name not in RATING_RANGES:
            raise ValueError(f"unknown rating {self.name!r}, there are {', '.join(RATING_RANGES)}")
        low, high = RATING_RANGES[self.name]
        if not low <= self.value <= high:
            raise ValueError(f"{self.name} goes from {low} to {high}, got {self.value}")


@dataclass(frozen=True, eq=False)
class Contour:
    """A closed outline on one slice, or a single point.

    The outline runs along the pixels just **outside** the nodule: they do not belong to it.

    Attributes:
        sop_uid: SOPInstanceUID of the slice; empty where the file has none.
        z_mm: ImagePositionPatient z of the slice in mm.
        points: ``(n, 2)`` int32, read-only, whole pixels ``(column, row)`` counted from 0; n >= 1.
        inclusion: ``False`` for the outline of a hole.
    """

    sop_uid: str
    z_mm: float
    points: NDArray[np.int32]
    inclusion: bool = True

    def __post_init__(self) -> None:
        if not math.isfinite(self.z_mm):
            raise ValueError(f"z_mm must be finite, got {self.z_mm}")
        points = np.asarray(self.points)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0:
            raise ValueError(f"points must be (n, 2) with n >= 1, got {points.shape}")
        if not np.issubdtype(points.dtype, np.integer):
            raise ValueError(f"points must be whole pixels, got {points.dtype}")
        if points.min() < 0 or points.max() >= MOST_PIXELS:
            raise ValueError(f"pixels must lie in [0, {MOST_PIXELS}), got {points.min()} to {points.max()}")
        own = np.array(points, dtype=np.int32)
        own.flags.writeable = False
        object.__setattr__(self, "points", own)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Contour) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        return self.sop_uid, self.z_mm, self.inclusion, self.points.tobytes()


@dataclass(frozen=True)
class Mark:
    """What one reader marked as one thing.

    Attributes:
        series_uid: SeriesInstanceUID of the CT.
        study_uid: its StudyInstanceUID; empty where the file has none.
        session: index of the reading session in the series, from 0; sessions stand for readers.
        reader: the reader's ID as written ("anonymous" in most files).
        nodule_id: the reader's own name for it; readers share none.
        kind: ``"nodule"``, >= 3 mm with outlines; ``"small_nodule"``, < 3 mm, points only; ``"non_nodule"``, a point on
            something >= 3 mm that only looks like one.
        contours: outlines and holes, one or more.
        ratings: those the reader gave, or ``None`` without any.

    Raises:
        ValueError: a nodule has no outline, or another kind has one.
    """

    series_uid: str
    study_uid: str
    session: int
    reader: str
    nodule_id: str
    kind: MarkKind
    contours: tuple[Contour, ...]
    ratings: tuple[Rating, ...] | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(MarkKind):
            raise ValueError(f"kind must be one of {get_args(MarkKind)}, got {self.kind!r}")
        if not self.contours:
            raise ValueError(f"mark {self.nodule_id!r} has no contour")
        if not any(contour.inclusion for contour in self.contours):
            raise ValueError(f"mark {self.nodule_id!r} has holes only")
        has_outline = any(contour.inclusion and len(contour.points) > 1 for contour in self.contours)
        if has_outline != (self.kind == "nodule"):
            raise ValueError(
                f"mark {self.nodule_id!r} is a {self.kind} {'with' if has_outline else 'without'} an outline"
            )

    def rating(self, name: str) -> int | None:
        """Return the value of one rating, or ``None`` where the reader gave none."""
        return next((rating.value for rating in self.ratings or () if rating.name == name), None)


@dataclass(frozen=True)
class SeriesMarks:
    """Everything that all readers marked in one series.

    Attributes:
        series_uid: SeriesInstanceUID of the CT.
        study_uid: its StudyInstanceUID; empty where the file has none.
        sessions: number of reading sessions, those without a mark included.
        marks: by session, then in the order of the file.
        sources: the files that they come from.
        notes: what was odd and how it was taken, each with file and line.
    """

    series_uid: str
    study_uid: str
    sessions: int
    marks: tuple[Mark, ...]
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for mark in self.marks:
            if mark.series_uid != self.series_uid:
                raise ValueError(f"mark {mark.nodule_id!r} is of series {mark.series_uid}, not {self.series_uid}")
            if not 0 <= mark.session < self.sessions:
                raise ValueError(f"mark {mark.nodule_id!r} is of session {mark.session}, there are {self.sessions}")
