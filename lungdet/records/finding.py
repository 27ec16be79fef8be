"""What a detector says about one study."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .nodule_answer import NoduleAnswer
from .nodule_growth import NoduleGrowth
from .nodule_measurement import NoduleMeasurement
from .place import Box, Point


def _check_box(name: str, box: Box) -> None:
    if len(box) != 6 or not all(math.isfinite(value) for value in box):
        raise ValueError(f"{name} must be six finite numbers, got {box}")
    if any(high <= low for low, high in zip(box[:3], box[3:], strict=True)):
        raise ValueError(f"{name} must be min corner then max corner with a positive size, got {box}")


@dataclass(frozen=True)
class Finding:
    """One detected nodule, in the patient's own coordinates and in the voxels of the image as it was read.

    Attributes:
        box_lps_mm: ``(x0, y0, z0, x1, y1, z1)`` in LPS mm, min corner then max corner.
        box_voxel: ``(i0, j0, k0, i1, j1, k1)`` in the edge frame of the image as read: axes (column, row, slice), voxel
            ``n`` spans ``[n, n + 1)``, half-open.
        score: confidence in ``[0, 1]``, of the detector alone where ``detector_score`` is None; it is not a probability
            of cancer.
        measurement: its sizes, density and place; None if they were not, or could not be measured.
        answer: what a classifier says of its kind; None if none was asked.
        detector_score: the detector's own score, where ``score`` is that of detector and classifier together.
        growth: how it has changed since an earlier scan; None if none was compared, or it was not there.
        notes: why something is not known of it.
    """

    box_lps_mm: Box
    box_voxel: Box
    score: float
    measurement: NoduleMeasurement | None = None
    answer: NoduleAnswer | None = None
    detector_score: float | None = None
    growth: NoduleGrowth | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_box("box_lps_mm", self.box_lps_mm)
        _check_box("box_voxel", self.box_voxel)
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"score must be in [0, 1], got {self.score}")
        if self.detector_score is not None and not 0.0 <= self.detector_score <= 1.0:
            raise ValueError(f"detector_score must be in [0, 1] or None, got {self.detector_score}")

    @property
    def center_lps_mm(self) -> Point:
        """Centre of the box in LPS mm; LUNA16 calls it ``coordX, coordY, coordZ``."""
        x0, y0, z0, x1, y1, z1 = self.box_lps_mm
        return (x0 + x1) / 2, (y0 + y1) / 2, (z0 + z1) / 2

    @property
    def diameter_mm(self) -> float:
        """Diameter of a nodule that just fits: the geometric mean of the three sides, in mm."""
        x0, y0, z0, x1, y1, z1 = self.box_lps_mm
        return math.pow((x1 - x0) * (y1 - y0) * (z1 - z0), 1 / 3)

    @property
    def center_slice(self) -> int:
        """Index of the slice that holds the centre, counted from 0 in the order of the volume's last axis."""
        return math.floor((self.box_voxel[2] + self.box_voxel[5]) / 2)
