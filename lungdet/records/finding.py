"""What a detector says about one study."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .series import SeriesInfo

Box = tuple[float, float, float, float, float, float]
Point = tuple[float, float, float]
Affine = tuple[tuple[float, float, float, float], ...]


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
        score: confidence of the detector in ``[0, 1]``; it is not a probability of cancer.
    """

    box_lps_mm: Box
    box_voxel: Box
    score: float

    def __post_init__(self) -> None:
        _check_box("box_lps_mm", self.box_lps_mm)
        _check_box("box_voxel", self.box_voxel)
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"score must be in [0, 1], got {self.score}")

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


@dataclass(frozen=True)
class ModelInfo:
    """Which model looked: bundle name and version, and the SHA-256 of its weights."""

    name: str
    version: str
    weights_sha256: str


@dataclass(frozen=True)
class DetectionReport:
    """All findings of one study, by falling score, with what is needed to reproduce them.

    Attributes:
        series: the series that was read.
        shape: ``(X, Y, Z)`` = (columns, rows, slices) of the image as read.
        affine_lps: its ``(4, 4)`` affine as nested tuples, voxel centres to LPS mm.
        findings: detected nodules.
        model: which model looked.
        software_version: version of lungdet.
        warnings: why the findings may mean nothing, such as a scan without lungs.
    """

    series: SeriesInfo
    shape: tuple[int, int, int]
    affine_lps: Affine
    findings: tuple[Finding, ...]
    model: ModelInfo
    software_version: str
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        scores = [finding.score for finding in self.findings]
        if scores != sorted(scores, reverse=True):
            raise ValueError("findings must come by falling score")
