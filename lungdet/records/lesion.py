"""What DeepLesion says about one lesion."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Split = Literal["train", "validation", "test"]
Box2D = tuple[float, float, float, float]
Mark = tuple[float, float, float, float, float, float, float, float]

LESION_TYPES = {
    1: "bone", 2: "abdomen", 3: "mediastinum", 4: "liver", 5: "lung", 6: "kidney", 7: "soft tissue", 8: "pelvis",
    -1: "unknown",
}  # fmt: skip
LESION_FLAGS = ("swapped", "degenerate", "skew", "apart", "outside", "noisy", "contradictory")
DEEPLESION_MARGIN_PX = 5.0
SKEW_DEGREES = 10.0
TOLERANCE_PX = 1.0  # of the box and the diameters as written, against the marks


@dataclass(frozen=True)
class Lesion:
    """One row of ``DL_info.csv``, typed.

    Positions on the slice are in the edge frame: pixel ``n`` spans ``[n, n + 1)``. Slices keep the numbers that
    DeepLesion gives them, from 1, because files are named by them.

    Attributes:
        file_name: of the key slice, as written: ``000001_01_01_109.png``.
        patient: index of the patient.
        study: index of the study among those of the patient.
        series: index of the series in the study.
        key_slice: number of the slice that holds the marks.
        recist_edge: ends of the long axis, then of the short one, as drawn: ``(x, y)`` four times.
        box_edge: the data set's own box ``(x0, y0, x1, y1)``.
        diameters_px: lengths of the axes as written, in the order drawn.
        normalized_location: x and y relative to the body, z by a body-part regressor, 0 to 1, down the body.
        lesion_type: key of :data:`LESION_TYPES`; -1, unknown, for all of the training part.
        noisy: the annotation may be wrong.
        slice_range: first and last slice that the data set gives as context, both included.
        spacing_mm: pixel size x, y, and distance of the slices.
        image_size: columns and rows.
        window_hu: low and high end of the display window.
        sex: ``M``, ``F`` or empty.
        age_years: None if not known.
        split: part of the official split.
    """

    file_name: str
    patient: int
    study: int
    series: int
    key_slice: int
    recist_edge: Mark
    box_edge: Box2D
    diameters_px: tuple[float, float]
    normalized_location: tuple[float, float, float]
    lesion_type: int
    noisy: bool
    slice_range: tuple[int, int]
    spacing_mm: tuple[float, float, float]
    image_size: tuple[int, int]
    window_hu: tuple[float, float]
    sex: str
    age_years: float | None
    split: Split

    def __post_init__(self) -> None:
        numbers = (*self.recist_edge, *self.box_edge, *self.diameters_px, *self.spacing_mm, *self.window_hu)
        if len(numbers) != 19 or not all(map(math.isfinite, numbers)):
            raise ValueError(f"{self.file_name}: positions, diameters, spacing and window must be finite numbers")
        if min(self.spacing_mm) <= 0 or min(self.diameters_px) < 0:
            raise ValueError(f"{self.file_name}: spacing {self.spacing_mm} or diameters {self.diameters_px} too small")
        if not 1 <= self.slice_range[0] <= self.key_slice <= self.slice_range[1]:
            raise ValueError(f"{self.file_name}: key slice {self.key_slice} is not in slices {self.slice_range}")
        if self.lesion_type not in LESION_TYPES:
            raise ValueError(f"{self.file_name}: lesion type {self.lesion_type} is none of {list(LESION_TYPES)}")

    @property
    def patient_id(self) -> str:
        """Patient as files name it, six digits."""
        return f"{self.patient:06d}"

    @property
    def series_name(self) -> str:
        """Folder of the series: patient, study and series, ``000001_01_01``."""
        return f"{self.patient:06d}_{self.study:02d}_{self.series:02d}"

    @property
    def png_path(self) -> str:
        """Key slice in the data set's ``Images_png``: the last ``_`` of the file name is a ``/``."""
        return "/".join(self.file_name.rsplit("_", 1))

    @property
    def type_name(self) -> str:
        """Lesion type in words."""
        return LESION_TYPES[self.lesion_type]

    @property
    def diameters_mm(self) -> tuple[float, float]:
        """Lengths of the axes in mm, in the order drawn, from their ends."""
        sx, sy, _ = self.spacing_mm
        (ax, ay), (bx, by) = self._axes
        return math.hypot(ax * sx, ay * sy), math.hypot(bx * sx, by * sy)

    @property
    def flags(self) -> tuple[str, ...]:
        """What is odd about the marks; such lesions are kept, and it is for the user to leave them out.

        ``swapped``: the long axis is shorter than the short one. ``degenerate``: an axis has no length. ``skew``: the
        axes are more than 10 degrees from perpendicular. ``apart``: the axes do not cross. ``outside``: the box leaves
        the image, which the data set does not clip. ``noisy``: the data set doubts the annotation. ``contradictory``:
        the box or a diameter as written is more than a pixel off what the marks say.
        """
        (ax, ay), (bx, by) = self._axes
        long, short = math.hypot(ax, ay), math.hypot(bx, by)
        x0, y0, x1, y1 = self.box_edge
        odd = (
            long < short,
            min(long, short) == 0,
            abs(ax * bx + ay * by) > math.sin(math.radians(SKEW_DEGREES)) * long * short,
            not self._axes_cross(),
            min(x0, y0) < 0 or x1 > self.image_size[0] or y1 > self.image_size[1],
            self.noisy,
            self._contradicts_marks(long, short),
        )
        return tuple(name for name, is_so in zip(LESION_FLAGS, odd, strict=True) if is_so)

    def recist_box_edge(self, margin_px: float = DEEPLESION_MARGIN_PX, margin_mm: float = 0.0) -> Box2D:
        """Enclose the four ends; the default margin gives the data set's own boxes. Nothing is clipped.

        Args:
            margin_px: padding on every side, in pixels.
            margin_mm: further padding, in mm.

        Returns:
            ``(x0, y0, x1, y1)`` in the edge frame.
        """
        xs, ys = self.recist_edge[0::2], self.recist_edge[1::2]
        dx, dy = margin_px + margin_mm / self.spacing_mm[0], margin_px + margin_mm / self.spacing_mm[1]
        return min(xs) - dx, min(ys) - dy, max(xs) + dx, max(ys) + dy

    @property
    def _axes(self) -> tuple[tuple[float, float], tuple[float, float]]:
        x0, y0, x1, y1, x2, y2, x3, y3 = self.recist_edge
        return (x1 - x0, y1 - y0), (x3 - x2, y3 - y2)

    def _contradicts_marks(self, long_px: float, short_px: float) -> bool:
        """Tell whether box or diameters, as written, do not fit the marks."""
        written = (*self.box_edge, *self.diameters_px)
        drawn = (*self.recist_box_edge(), long_px, short_px)
        return any(abs(told - seen) > TOLERANCE_PX for told, seen in zip(written, drawn, strict=True))

    def _axes_cross(self) -> bool:
        """Tell whether the two axes share a point."""
        (ax, ay), (bx, by) = self._axes
        dx, dy = self.recist_edge[4] - self.recist_edge[0], self.recist_edge[5] - self.recist_edge[1]
        turn = ax * by - ay * bx
        if turn == 0:
            return False
        along_a, along_b = (dx * by - dy * bx) / turn, (dx * ay - dy * ax) / turn
        return 0 <= along_a <= 1 and 0 <= along_b <= 1
