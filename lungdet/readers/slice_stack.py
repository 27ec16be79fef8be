"""The geometry of a stack of slices: order, step, holes, repeats and tilt, from positions and orientation alone.

Nothing here reads a file or decides what is allowed; ``stack_checks`` does. Order and distances come from
ImagePositionPatient projected on the normal of ImageOrientationPatient (DICOM PS3.3 C.7.6.2.1.1), never from
InstanceNumber, SliceLocation or SliceThickness, which real series get wrong. All positions are LPS mm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
PlaneName = Literal["axial", "coronal", "sagittal", "oblique"]

UNIT_TOLERANCE = 1e-3  # of the lengths of the direction cosines, and of their dot product
SAME_PLACE_MM = 0.01  # slices closer than this along the normal are at one place
LEAST_TOLERANCE_MM = 0.05  # positions are often written with one decimal
STEP_SHARE = 0.05  # a slice may be off the even line by this share of the step, if that is more than the above
SHORT_STEP_SHARE = 0.25  # but never by more than this share
TILT_DEGREES = 0.5
MOSTLY_ALONG = 0.85  # cosine: a gantry tilts by up to 30 degrees and the slices still count as axial
HOLES_SHARE = 0.25  # more holes than this share of the steps are a changing step, not missing slices


class PlaneAxes(NamedTuple):
    """Unit vectors of a slice in LPS: along a row (rising column index), along a column, and their cross product."""

    row: FloatArray
    column: FloatArray
    normal: FloatArray


def plane_axes(orientation: tuple[float, ...]) -> PlaneAxes:
    """Check the six direction cosines of ImageOrientationPatient and make them exactly orthonormal.

    Args:
        orientation: row cosines then column cosines.

    Raises:
        ValueError: they are not six finite numbers, not of unit length or not at a right angle, to 0.001.

    Example:
        >>> plane_axes((1, 0, 0, 0, 1, 0)).normal
        array([0., 0., 1.])
    """
    cosines = np.asarray(orientation, dtype=np.float64)
    if cosines.shape != (6,) or not np.isfinite(cosines).all():
        raise ValueError(f"ImageOrientationPatient must be six finite numbers, got {tuple(orientation)}")
    row, column = cosines[:3], cosines[3:]
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if max(abs(length - 1.0) for length in lengths) > UNIT_TOLERANCE:
        raise ValueError(
            f"ImageOrientationPatient must hold unit vectors, got lengths {lengths[0]:.4g}, {lengths[1]:.4g}"
        )
    if abs(row @ column) > UNIT_TOLERANCE:
        raise ValueError(f"ImageOrientationPatient must be orthogonal, the dot product is {row @ column:.4g}")
    row = row / lengths[0]
    column = column - (row @ column) * row
    column = column / np.linalg.norm(column)
    return PlaneAxes(row, column, np.cross(row, column))


def plane_name(axes: PlaneAxes) -> PlaneName:
    """Name the plane of a slice; ``oblique`` if its normal is more than about 32 degrees from every body axis.

    Example:
        >>> plane_name(plane_axes((1, 0, 0, 0, 0, -1)))
        'coronal'
    """
    along = np.abs(axes.normal)
    names: tuple[PlaneName, ...] = ("sagittal", "coronal", "axial")
    return names[int(along.argmax())] if along.max() >= MOSTLY_ALONG else "oblique"


@dataclass(frozen=True)
class SliceStack:
    """Slices in order of their height along the normal.

    Attributes:
        axes: directions of the slices.
        order: ``(N,)`` indices into the slices as they were given, ascending along the normal; ties keep their order.
        positions_lps_mm: ``(N, 3)`` centres of the first voxel of each slice, in that order.
        heights_mm: ``(N,)`` projections of the positions on the normal, ascending.
    """

    axes: PlaneAxes
    order: NDArray[np.intp]
    positions_lps_mm: FloatArray
    heights_mm: FloatArray

    def __len__(self) -> int:
        return len(self.order)

    def keep(self, places: list[int]) -> SliceStack:
        """Return the stack of the slices at ``places`` of this stack's own order."""
        return SliceStack(self.axes, self.order[places], self.positions_lps_mm[places], self.heights_mm[places])


def sort_slices(positions_lps_mm: FloatArray, axes: PlaneAxes) -> SliceStack:
    """Order slices along the normal.

    Args:
        positions_lps_mm: ``(N, 3)``, ImagePositionPatient of each slice.
        axes: their common directions.

    Raises:
        ValueError: a position is not finite, or there is none.
    """
    positions = np.asarray(positions_lps_mm, dtype=np.float64)
    if positions.ndim != 2 or positions.shape[1] != 3 or len(positions) == 0:
        raise ValueError(f"positions must be (N, 3) with N >= 1, got {positions.shape}")
    if not np.isfinite(positions).all():
        raise ValueError("ImagePositionPatient must be finite")
    heights = positions @ axes.normal
    order = np.argsort(heights, kind="stable")
    return SliceStack(axes, order, positions[order], heights[order])


def repeated_places(stack: SliceStack) -> list[list[int]]:
    """Return runs of two or more slices that lie at one height, to 0.01 mm.

    Example:
        >>> axes = plane_axes((1, 0, 0, 0, 1, 0))
        >>> repeated_places(sort_slices(np.array([[0, 0, 1.0], [0, 0, 2], [0, 0, 1], [0, 0, 3]]), axes))
        [[0, 1]]
    """
    runs: list[list[int]] = [[0]]
    for place in range(1, len(stack)):
        if stack.heights_mm[place] - stack.heights_mm[runs[-1][0]] <= SAME_PLACE_MM:
            runs[-1].append(place)
        else:
            runs.append([place])
    return [run for run in runs if len(run) > 1]


@dataclass(frozen=True)
class Lattice:
    """Evenly spaced planes that the slices of a stack lie on.

    Attributes:
        places: ``(N,)`` which plane each slice lies on; ``0..N-1`` where none is empty.
        step_mm: distance of the planes along the normal.
        worst_mm: largest distance of a slice from its plane.
        tolerance_mm: how much was allowed.
    """

    places: NDArray[np.intp]
    step_mm: float
    worst_mm: float
    tolerance_mm: float

    @property
    def fits(self) -> bool:
        """Whether every slice lies on its plane within the tolerance."""
        return self.worst_mm <= self.tolerance_mm

    @property
    def holes(self) -> list[int]:
        """Slices after which planes are empty, as indices into the stack."""
        return [int(place) for place in np.flatnonzero(np.diff(self.places) > 1)]


def typical_step_mm(stack: SliceStack) -> float:
    """Lower median of the distances of neighbours along the normal, in mm: always a step that occurs."""
    return float(np.sort(np.diff(stack.heights_mm))[(len(stack) - 2) // 2])


def even_lattice(stack: SliceStack) -> Lattice:
    """Return one plane for each slice: the mean step is ``(last - first) / (n - 1)``."""
    return _lattice(stack, np.arange(len(stack)))


def lattice_with_holes(stack: SliceStack) -> Lattice:
    """Return planes at the typical step, some of them empty; see :attr:`Lattice.fits` and :func:`has_few_holes`."""
    steps = np.diff(stack.heights_mm) / typical_step_mm(stack)
    return _lattice(stack, np.concatenate([[0], np.cumsum(np.maximum(np.rint(steps), 1))]).astype(np.intp))


def has_few_holes(lattice: Lattice) -> bool:
    """Whether the holes are few enough to be missing slices and not a change of the step: a quarter of the steps."""
    return len(lattice.holes) <= max(1.0, HOLES_SHARE * (len(lattice.places) - 1))


def _lattice(stack: SliceStack, places: NDArray[np.intp]) -> Lattice:
    heights = stack.heights_mm - stack.heights_mm[0]
    step = float(heights[-1] / places[-1])
    worst = float(np.abs(heights - places * step).max())
    tolerance = min(max(LEAST_TOLERANCE_MM, STEP_SHARE * step), SHORT_STEP_SHARE * step)
    return Lattice(places, step, worst, tolerance)


@dataclass(frozen=True)
class Lean:
    """How the stack leans away from its normal.

    Attributes:
        tilt_degrees: angle of the stack's direction against the normal, towards the columns; positive as
            GantryDetectorTilt (0018,1120) is written for a tilted head scan whose rows run to the patient's left.
        swivel_degrees: the same towards the rows.
        drift_mm: how far the last slice is shifted within its plane against the first.
        worst_mm: largest distance of a slice, within its plane, from the straight line of first to last.
        shifted: index of that slice in the stack.
        shifts_mm: ``(N, 2)`` shift of each slice along rows and columns against the first.
    """

    tilt_degrees: float
    swivel_degrees: float
    drift_mm: float
    worst_mm: float
    shifted: int
    shifts_mm: FloatArray

    @property
    def angles(self) -> tuple[float, float]:
        """Tilt and swivel, in degrees."""
        return self.tilt_degrees, self.swivel_degrees

    def is_tilted(self, pixel_mm: float) -> bool:
        """Whether it leans: by half a pixel over the stack, or by 0.5 degrees and more than rounding explains."""
        angle = max(map(abs, self.angles))
        return self.drift_mm > pixel_mm / 2 or (angle > TILT_DEGREES and self.drift_mm > LEAST_TOLERANCE_MM)

    def is_crooked(self, pixel_mm: float) -> bool:
        """Whether a slice is off the straight line of first to last by more than half a pixel."""
        return self.worst_mm > pixel_mm / 2


def measure_lean(stack: SliceStack) -> Lean:
    """Measure tilt, swivel and sideways shifts of a stack of two or more slices at different heights."""
    along = stack.positions_lps_mm - stack.positions_lps_mm[0]
    shifts = along @ np.stack([stack.axes.row, stack.axes.column], axis=1)  # (N, 2)
    heights = stack.heights_mm - stack.heights_mm[0]
    line = heights[:, None] / heights[-1] * shifts[-1]
    off = np.linalg.norm(shifts - line, axis=1)
    return Lean(
        tilt_degrees=math.degrees(math.atan2(-shifts[-1, 1], heights[-1])),
        swivel_degrees=math.degrees(math.atan2(shifts[-1, 0], heights[-1])),
        drift_mm=float(np.linalg.norm(shifts[-1])),
        worst_mm=float(off.max()),
        shifted=int(off.argmax()),
        shifts_mm=shifts,
    )


def stack_affine(
    axes: PlaneAxes, pixel_spacing_mm: tuple[float, float], first_lps_mm: FloatArray, step_lps_mm: FloatArray
) -> FloatArray:
    """Build the ``(4, 4)`` affine of voxel centres ``(column, row, slice)`` to LPS mm.

    Args:
        axes: directions of the slices.
        pixel_spacing_mm: PixelSpacing as DICOM writes it: distance of rows, then distance of columns.
        first_lps_mm: position of the first slice.
        step_lps_mm: ``(3,)`` vector from one slice to the next.

    Example:
        >>> axes = plane_axes((1, 0, 0, 0, 1, 0))
        >>> stack_affine(axes, (0.5, 0.7), np.array([-10.0, -20, 5]), np.array([0, 0, 2.0]))
        array([[  0.7,   0. ,   0. , -10. ],
               [  0. ,   0.5,   0. , -20. ],
               [  0. ,   0. ,   2. ,   5. ],
               [  0. ,   0. ,   0. ,   1. ]])
    """
    affine = np.eye(4)
    affine[:3, 0] = axes.row * pixel_spacing_mm[1]
    affine[:3, 1] = axes.column * pixel_spacing_mm[0]
    affine[:3, 2] = step_lps_mm
    affine[:3, 3] = first_lps_mm
    return affine
