"""One physical nodule, as several readers marked it."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

from .mark import RATING_RANGES, Mark, MarkKind
from .place import Box, Point


@dataclass(frozen=True)
class Extent:
    """Where a nodule is and how large, from the voxels of one reader or of a consensus.

    Positions are in pixels of the slice, ``(column, row)``, integers at pixel centres, and in mm along z.

    Attributes:
        voxels: pixels over all slices, at least 1.
        slices: slices that hold any of them.
        centroid: mean ``(column, row, z_mm)``.
        box: ``(column0, row0, z0_mm, column1, row1, z1_mm)``; columns and rows in the edge frame (pixel n spans
            ``[n, n + 1)``, half-open), z from half a slice below the lowest to half a slice above the highest.
        volume_mm3: voxels times the volume of one; ``None`` where pixel size or slice spacing is unknown, or there are
            only points.
    """

    voxels: int
    slices: int
    centroid: Point
    box: Box
    volume_mm3: float | None = None

    def __post_init__(self) -> None:
        if self.voxels < 1 or not 1 <= self.slices <= self.voxels:
            raise ValueError(f"an extent has voxels on slices, got {self.voxels} on {self.slices}")
        if not all(map(math.isfinite, (*self.centroid, *self.box))):
            raise ValueError(f"centroid and box must be finite, got {self.centroid} and {self.box}")
        column0, row0, z0, column1, row1, z1 = self.box
        if column1 <= column0 or row1 <= row0 or z1 < z0:
            raise ValueError(f"box must be min corner then max corner, got {self.box}")
        if self.volume_mm3 is not None and not 0 < self.volume_mm3 < math.inf:
            raise ValueError(f"volume_mm3 must be positive, got {self.volume_mm3}")

    @property
    def diameter_mm(self) -> float | None:
        """Diameter of the ball with this volume."""
        return None if self.volume_mm3 is None else equivalent_diameter_mm(self.volume_mm3)


@dataclass(frozen=True)
class RatingSummary:
    """What the readers of one nodule rated.

    Attributes:
        name: a key of ``RATING_RANGES``.
        values: one for each reader who gave it, rising, at least one.
    """

    name: str
    values: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.name not in RATING_RANGES:
            raise ValueError(f"unknown rating {self.name!r}, there are {', '.join(RATING_RANGES)}")
        if not self.values or list(self.values) != sorted(self.values):
            raise ValueError(f"{self.name} needs rising values, got {self.values}")

    @property
    def median(self) -> float:
        """Median of the readers."""
        return float(statistics.median(self.values))

    @property
    def spread(self) -> int:
        """Highest minus lowest."""
        return self.values[-1] - self.values[0]


@dataclass(frozen=True)
class Placement:
    """A nodule in the patient: centre and box of its consensus, LPS mm.

    Attributes:
        center_lps_mm: centroid.
        box_lps_mm: min corner then max corner of the smallest box with axes of the patient that holds the image's.
    """

    center_lps_mm: Point
    box_lps_mm: Box


@dataclass(frozen=True)
class Nodule:
    """Marks of one physical nodule, and what comes of them.

    Attributes:
        marks: all of them; a reader may have more than one.
        sessions: reading sessions of the series, those that did not mark this nodule included.
        kind: ``"nodule"`` if any reader drew an outline, else that of the marks.
        votes: readers that had to include a voxel for the consensus.
        consensus: extent of the voxels with enough votes.
        by_reader: ``(session, extent)`` of every reader who drew an outline, by session; all marks of a reader count as
            one. Where nobody did, of every reader's points.
        ratings: those that any reader gave, in the order of ``RATING_RANGES``.
        placement: where it lies in the patient; ``None`` without an image.
        notes: what was odd.
    """

    marks: tuple[Mark, ...]
    sessions: int
    kind: MarkKind
    votes: int
    consensus: Extent
    by_reader: tuple[tuple[int, Extent], ...]
    ratings: tuple[RatingSummary, ...] = ()
    placement: Placement | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.marks or len({mark.series_uid for mark in self.marks}) != 1:
            raise ValueError("a nodule needs marks, all of one series")
        if not 1 <= self.votes <= len(self.by_reader) <= self.seen_by <= self.sessions:
            raise ValueError(
                f"{self.votes} votes of {len(self.by_reader)} readers, {self.seen_by} of {self.sessions} saw it: "
                "these must rise"
            )

    @property
    def series_uid(self) -> str:
        """SeriesInstanceUID of the CT."""
        return self.marks[0].series_uid

    @property
    def agreement(self) -> int:
        """Readers who marked it as what it is (``kind``)."""
        return len(self.by_reader)

    @property
    def seen_by(self) -> int:
        """Readers with any mark on it: for a nodule those who took it for < 3 mm as well."""
        return len({mark.session for mark in self.marks})

    @property
    def median_volume_mm3(self) -> float | None:
        """Median of the readers' volumes: what the published LIDC nodule size list gives."""
        volumes = [extent.volume_mm3 for _, extent in self.by_reader if extent.volume_mm3 is not None]
        return statistics.median(volumes) if volumes else None

    @property
    def median_diameter_mm(self) -> float | None:
        """Diameter of the ball with the median volume of the readers."""
        volume_mm3 = self.median_volume_mm3
        return None if volume_mm3 is None else equivalent_diameter_mm(volume_mm3)

    @property
    def median_centroid(self) -> Point:
        """Median of the readers' centroids, coordinate by coordinate: ``(column, row, z_mm)``."""
        columns, rows, z_mm = zip(*(extent.centroid for _, extent in self.by_reader), strict=True)
        return statistics.median(columns), statistics.median(rows), statistics.median(z_mm)

    def rating(self, name: str) -> RatingSummary | None:
        """Return the summary of one rating, or ``None`` where no reader gave it."""
        return next((rating for rating in self.ratings if rating.name == name), None)


def equivalent_diameter_mm(volume_mm3: float) -> float:
    """Diameter in mm of the ball with a volume.

    Example:
        >>> round(equivalent_diameter_mm(6459.75), 3)  # first row of the published LIDC nodule size list
        23.107
    """
    return math.pow(6 * volume_mm3 / math.pi, 1 / 3)
