"""One patient painted once, without nodules and unscanned: thousands of training patches are cut from it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from .chest import BLOCK_SLICES
from .mark_places import MarkPlaces, find_mark_places
from .patient import Patient, draw_patient
from .render import Painter
from .thorax import Array

FINE_VOXELS = 7.0  # what is smaller is not judged by the picture
BLURRED_VOXELS = 1.0  # this near to the pleura the picture mixes lung and wall


@dataclass(frozen=True)
class Background(Patient):
    """A patient together with the picture of him: noise-free, without nodules.

    It stands in for :class:`~lungdet.phantoms.patient.Patient` wherever nodules are placed and judged, and reads off
    its picture what else takes a search among all vessels. The lattices of texture, which are in the picture already,
    are dropped.

    Attributes:
        hu: ``(Z, Y, X)`` int16, painted at the voxel centres.
        first_mm: ``(3,)`` x, y, z of the first voxel's centre in patient mm.
        spacing_mm: voxel size ``(x, y, z)``.
        seed: of the patient.
    """

    hu: NDArray[np.int16]
    first_mm: Array
    spacing_mm: tuple[float, float, float]
    seed: int

    def __deepcopy__(self, memo: Any) -> Background:
        """Return itself: nothing in it changes, and caches copy what they hand out."""
        return self

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along x, y and z."""
        return self.hu.shape[2], self.hu.shape[1], self.hu.shape[0]

    @cached_property
    def axes(self) -> tuple[Array, Array, Array]:
        """Voxel centres along x, y and z, patient mm."""
        x, y, z = (
            first + np.arange(n) * step
            for first, n, step in zip(self.first_mm, self.shape, self.spacing_mm, strict=True)
        )
        return x, y, z

    @cached_property
    def mark_places(self) -> MarkPlaces:
        """Where a detector may err in this patient; looked for once."""
        return find_mark_places(self)

    def background_hu(self, points: Array) -> Array:
        """HU at ``(N, 3)`` patient points, read off the picture.

        Where the picture is too coarse, the patient is asked: on a spot of a few voxels, in which thin vessels count,
        and outside the picture. Beside the pleura it is plain lung: that half of a voxel there is wall is the picture's
        doing, and no sign that a nodule is hidden.
        """
        if len(points) and np.ptp(points, axis=0).max() < FINE_VOXELS * max(self.spacing_mm):
            return super().background_hu(points)
        places = (points - self.first_mm) / self.spacing_mm
        outside = ((places < 0) | (places > np.array(self.shape) - 1)).any(axis=1)
        seen = map_coordinates(self.hu, places.T[::-1], order=1, mode="nearest", output=np.float32)
        depth = -self.thorax.lung_distance_mm(*points.T)
        beside = (depth > 0) & (depth < BLURRED_VOXELS * max(self.spacing_mm))
        hu: Array = np.where(beside, self.lung_hu(points), seen)
        if outside.any():
            hu[outside] = super().background_hu(points[outside])
        return hu


def make_background(
    seed: int,
    spacing_mm: tuple[float, float, float] = (1.4, 1.4, 1.4),
    shape: tuple[int, int, int] = (224, 224, 176),
) -> Background:
    """Paint a patient on a grid about the middle of the chest, as :func:`~lungdet.phantoms.make_chest` lays it.

    Args:
        seed: not negative; the same patient as that of ``make_chest``.
        spacing_mm: voxel size ``(x, y, z)``.
        shape: ``(X, Y, Z)`` voxels.

    Returns:
        The picture and its patient, about 28 MB with the default shape.

    Raises:
        ValueError: negative seed, empty shape, or spacing that is not positive.

    Example:
        >>> make_background(1, (6.0, 6.0, 6.0), (52, 52, 40)).hu.shape
        (40, 52, 52)
    """
    if seed < 0 or min(shape) < 2 or min(spacing_mm) <= 0:
        raise ValueError(f"wanted seed >= 0, shape >= 2 and spacing > 0, got {seed=}, {shape=}, {spacing_mm=}")
    patient = draw_patient(seed)
    x, y, z = ((np.arange(n) - (n - 1) / 2) * step for n, step in zip(shape, spacing_mm, strict=True))
    painter = Painter(patient, x, y)
    hu = np.empty(shape[::-1], dtype=np.int16)
    for low in range(0, len(z), BLOCK_SLICES):
        hu[low : low + BLOCK_SLICES] = np.rint(painter.block(z[low : low + BLOCK_SLICES]))
    hu.flags.writeable = False
    known = {part.name: getattr(patient, part.name) for part in fields(Patient)} | {"lattices": ()}
    return Background(**known, hu=hu, first_mm=np.array([x[0], y[0], z[0]]), spacing_mm=spacing_mm, seed=seed)
