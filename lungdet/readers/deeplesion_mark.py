"""A RECIST mark on a slice that is in no table."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lungdet.geometry.frames import voxel_to_edge
from lungdet.records.lesion import DEEPLESION_MARGIN_PX

_SERIES = re.compile(r"(\d{6})_\d{2}_\d{2}")


@dataclass(frozen=True)
class MarkedSlice:
    """Two diameters on a 16-bit PNG.

    Attributes:
        image: the slice; ``Images_png/000001_01_01/109.png``, or any other.
        mark: ends of the long axis, then of the short one, ``(x, y)`` four times, as ``Measurement_coordinates`` of
            DeepLesion has them: the centre of the first pixel is (1, 1).
        spacing_mm: pixel size x and y, and if known the distance of the slices.

    Raises:
        ValueError: these are not eight finite numbers, an axis has no length, or the spacing is none.
    """

    image: Path
    mark: tuple[float, ...]
    spacing_mm: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if len(self.mark) != 8 or not all(map(math.isfinite, self.mark)):
            what = "x and y of the long axis' two ends, then of the short one's"
            raise ValueError(f"{self.image}: a mark is eight numbers, {what}, got {list(self.mark)}")
        spacing = self.spacing_mm
        if spacing is not None and (
            len(spacing) not in (2, 3) or not all(math.isfinite(step) and step > 0 for step in spacing)
        ):
            raise ValueError(f"{self.image}: the spacing must be two or three positive numbers, got {list(spacing)}")
        if min(self.diameters_mm((1.0, 1.0))) == 0:
            raise ValueError(f"{self.image}: an axis has no length; give both ends of each")

    @property
    def key(self) -> str:
        """Name of the mark: series and slice, or the file alone."""
        return f"{self.series_name}_{self.image.name}" if self.series_name else self.image.name

    @property
    def series_name(self) -> str:
        """Folder of the series by DeepLesion's naming, ``000001_01_01``; else empty."""
        folder = self.image.absolute().parent.name
        return folder if _SERIES.fullmatch(folder) else ""

    @property
    def patient(self) -> str:
        """Patient as DeepLesion's folders name it; else empty."""
        return self.series_name[:6]

    @property
    def recist_edge(self) -> tuple[float, ...]:
        """The mark in the edge frame: pixel ``n`` spans ``[n, n + 1)``."""
        return tuple(float(voxel_to_edge(value - 1.0)) for value in self.mark)  # DL_info coordinates start at 1

    @property
    def box_edge(self) -> tuple[float, float, float, float]:
        """Box around the mark with DeepLesion's margin, edge frame."""
        xs, ys = self.recist_edge[0::2], self.recist_edge[1::2]
        margin = DEEPLESION_MARGIN_PX
        return min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin

    def diameters_mm(self, spacing_mm: Sequence[float]) -> tuple[float, float]:
        """Lengths of the axes in mm, the longer first."""
        (x0, y0, x1, y1), (x2, y2, x3, y3) = self.mark[:4], self.mark[4:]
        sx, sy = spacing_mm[:2]
        axes = math.hypot((x1 - x0) * sx, (y1 - y0) * sy), math.hypot((x3 - x2) * sx, (y3 - y2) * sy)
        return max(axes), min(axes)
