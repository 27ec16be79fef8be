"""The three planes in which people look at a chest, whatever the order and direction of the array's axes."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungdet.geometry import frames
from lungdet.records import CTVolume

Box = tuple[float, float, float, float, float, float]
Rectangle = tuple[float, float, float, float]  # (left, top, right, bottom) in the edge frame of a picture's pixels


@dataclass(frozen=True)
class Plane:
    """How one plane is hung, in radiological convention: as if the viewer stood at the patient's feet or front.

    Attributes:
        name: ``axial``, ``coronal`` or ``sagittal``.
        column_axis: axis of the patient view that runs to the right of the picture.
        row_axis: axis that runs along the picture's height.
        normal_axis: axis that is cut.
        head_up: rows run against ``row_axis``, so that the head is at the top.
        letters: what lies at the left, right, top and bottom of the picture.
    """

    name: str
    column_axis: int
    row_axis: int
    normal_axis: int
    head_up: bool
    letters: str


AXIAL = Plane("axial", 0, 1, 2, False, "RLAP")
CORONAL = Plane("coronal", 0, 2, 1, True, "RLSI")
SAGITTAL = Plane("sagittal", 1, 2, 0, True, "APSI")
PLANES = (AXIAL, CORONAL, SAGITTAL)


@dataclass(frozen=True)
class PatientView:
    """A volume turned, without a copy, so that its axes run towards the patient's Left, Posterior and Superior.

    Oblique volumes are not resampled: each array axis takes the nearest axis of the patient.

    Attributes:
        array: ``(X, Y, Z)`` in HU, a view of the volume as read.
        spacing_mm: size of a voxel along each axis of ``array``.
        axes: the axis of the volume as read that became X, Y and Z.
        flipped: whether it was reversed.
    """

    array: NDArray[Any]
    spacing_mm: tuple[float, float, float]
    axes: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]

    @classmethod
    def of(cls, volume: CTVolume) -> PatientView:
        """Turn ``volume``."""
        axes, flipped = nearest_axes(volume.affine_lps)
        turns = tuple(slice(None, None, -1 if flip else 1) for flip in flipped)
        spacing = frames.spacing_of(volume.affine_lps)[list(axes)]
        x_mm, y_mm, z_mm = (float(value) for value in spacing)
        return cls(volume.array.transpose(axes)[turns], (x_mm, y_mm, z_mm), axes, flipped)

    @property
    def size_mm(self) -> tuple[float, float, float]:
        """Extent along each axis."""
        x, y, z = (n * mm for n, mm in zip(self.array.shape, self.spacing_mm, strict=True))
        return x, y, z

    def box(self, box_voxel: Box) -> Box:
        """Turn a box of the volume as read into one of this view; both in the edge frame."""
        low, high = [0.0] * 3, [0.0] * 3
        for axis, (source, flip) in enumerate(zip(self.axes, self.flipped, strict=True)):
            ends = box_voxel[source], box_voxel[source + 3]
            length = self.array.shape[axis]
            low[axis], high[axis] = (length - ends[1], length - ends[0]) if flip else ends
        return (low[0], low[1], low[2], high[0], high[1], high[2])

    def section(self, plane: Plane, index: int) -> NDArray[Any]:
        """Cut at ``index`` of the plane's normal axis: ``(rows, columns)`` as hung, a view."""
        cut = [slice(None)] * 3
        cut[plane.normal_axis] = slice(index, index + 1)  # ndarray.take would first copy the whole volume
        picture = self.array[tuple(cut)].squeeze(plane.normal_axis).T
        return picture[::-1] if plane.head_up else picture

    def rectangle(self, plane: Plane, box: Box) -> Rectangle:
        """Project a box of this view on ``plane``, in the edge frame of the section's pixels."""
        top, bottom = box[plane.row_axis], box[plane.row_axis + 3]
        if plane.head_up:
            rows = self.array.shape[plane.row_axis]
            top, bottom = rows - bottom, rows - top
        return box[plane.column_axis], top, box[plane.column_axis + 3], bottom

    def center_index(self, plane: Plane, box: Box) -> int:
        """Index of the section through the centre of a box of this view."""
        axis = plane.normal_axis
        index = math.floor((box[axis] + box[axis + 3]) / 2)
        return min(max(index, 0), self.array.shape[axis] - 1)


def nearest_axes(affine_lps: NDArray[np.float64]) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    """Find which array axis runs along each axis of the patient, and whether against it.

    Args:
        affine_lps: ``(4, 4)``, voxel centres to LPS mm.

    Returns:
        For Left, Posterior and Superior: the array axis, and whether it must be reversed. Of the six ways to pair
        the axes the one with the greatest sum of cosines is taken, so that every axis is used once.

    Example:
        >>> nearest_axes(np.diag([0.7, 0.7, 2.5, 1.0]))
        ((0, 1, 2), (False, False, False))
        >>> coronal = np.array([[0.7, 0, 0, 0], [0, 0, 2.5, 0], [0, -0.7, 0, 0], [0, 0, 0, 1.0]])
        >>> nearest_axes(coronal)
        ((0, 2, 1), (False, False, True))
    """
    cosines = affine_lps[:3, :3] / frames.spacing_of(affine_lps)  # (patient axis, array axis)
    x, y, z = max(itertools.permutations(range(3)), key=lambda axes: sum(abs(cosines[range(3), axes])))
    return (x, y, z), (bool(cosines[0, x] < 0), bool(cosines[1, y] < 0), bool(cosines[2, z] < 0))
