"""The surface of the lung near a nodule, also where the nodule covers it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

STEP_MM = 1.4  # of the grid on which the wall is found
WALL_ABOVE_HU = -400.0
COVERED = (1.15, 1.5)  # the nodule hides the wall within so many radii and mm of its middle
SHELL = (1.8, 8.0)  # the wall is learnt from there as far as so many radii and mm


@dataclass(frozen=True)
class LocalPleura:
    """Signed distance to the surface of the lung, positive in the lung, mm along the axes of an image.

    Attributes:
        distance_mm: ``(x, y, z)`` on a coarse grid, nodule and all.
        step_mm: ``(3,)`` of that grid; its first place lies at 0 mm.
        center_mm: ``(3,)`` middle of the nodule.
        reach_mm: within it the smooth surface holds.
        surface: ``(10,)`` coefficients of a quadric in mm / ``reach_mm`` about the middle; None if no wall is near.
    """

    distance_mm: NDArray[np.float32]
    step_mm: Floats
    center_mm: Floats
    reach_mm: float
    surface: Floats | None

    def at(self, points_mm: Floats) -> Floats:
        """Distance at ``(N, 3)`` points, ``(N,)`` mm; positive in the lung.

        A place belongs to the wall only if it is wall on the grid, which may hold a part of the nodule, and also beyond
        the smooth surface.
        """
        plain: Floats = ndimage.map_coordinates(
            self.distance_mm, (points_mm / self.step_mm).T, output=np.float64, order=1, mode="nearest"
        )
        if self.surface is None:
            return plain
        away = (points_mm - self.center_mm) / self.reach_mm
        near = np.linalg.norm(away, axis=1) < 1
        plain[near] = np.maximum(plain[near], _terms(away[near]) @ self.surface)
        return plain


def find_pleura(
    hu: NDArray[np.float32],
    step_mm: Floats,
    center_mm: Floats,
    radius_mm: float,
    lung_mask: Mask | None = None,
) -> LocalPleura:
    """Find the wall about a nodule, and lay a smooth surface where the nodule covers it.

    Without a mask, the wall is what remains of soft tissue when all that a ball somewhat larger than the nodule does
    not fit into is taken away: nodules and vessels go, chest wall, heart and diaphragm stay.

    Args:
        hu: ``(X, Y, Z)`` a window about the nodule; its first voxel lies at 0 mm.
        step_mm: ``(3,)`` voxel size.
        center_mm: ``(3,)`` middle of the nodule.
        radius_mm: its radius, about.
        lung_mask: ``(X, Y, Z)`` lungs, if they are known; the nodule may be missing in it.
    """
    strides = np.maximum(1, (STEP_MM / step_mm + 0.3).astype(int))
    coarse = tuple(slice(None, None, int(stride)) for stride in strides)
    step = step_mm * strides
    wall = _wall_by_hu(hu[coarse], step, center_mm, radius_mm) if lung_mask is None else ~lung_mask[coarse]
    distance = _signed_distance(wall, step)
    reach = COVERED[0] * radius_mm + COVERED[1]
    return LocalPleura(distance, step, center_mm, 1.3 * reach, _fit(distance, step, center_mm, radius_mm, 1.3 * reach))


def _wall_by_hu(hu: NDArray[np.float32], step: Floats, center: Floats, radius: float) -> Mask:
    """Soft tissue that holds a ball larger than the nodule; air beyond the wall counts as wall."""
    air = ndimage.gaussian_filter(hu, 0.6, mode="nearest") < WALL_ABOVE_HU
    pieces, _ = ndimage.label(air)
    axes = [np.arange(n) * s - c for n, s, c in zip(hu.shape, step, center, strict=True)]
    away = np.sqrt(sum(axis**2 for axis in np.meshgrid(*axes, indexing="ij", sparse=True)))
    own = np.unique(pieces[(away < radius + 6) & air])
    soft = ~np.isin(pieces, own[own > 0])
    ball = 1.3 * radius + 3.0
    if soft.all() or not soft.any():
        return np.asarray(soft, dtype=bool)
    deep = ndimage.distance_transform_edt(soft, sampling=step) > ball
    if not deep.any():
        return np.zeros(hu.shape, dtype=bool)
    wall: Mask = soft & (ndimage.distance_transform_edt(~deep, sampling=step) <= ball + step.max())
    return wall


def _signed_distance(wall: Mask, step: Floats) -> NDArray[np.float32]:
    """Distance to the border of the wall, positive outside of it; far away where there is none."""
    if wall.all() or not wall.any():
        return np.full(wall.shape, -1e3 if wall.all() else 1e3, dtype=np.float32)
    half = float(step.min()) / 2
    outside = ndimage.distance_transform_edt(~wall, sampling=step)
    inside = ndimage.distance_transform_edt(wall, sampling=step)
    signed: NDArray[np.float32] = np.where(wall, half - inside, outside - half).astype(np.float32)
    return signed


def _fit(distance: NDArray[np.float32], step: Floats, center: Floats, radius: float, reach: float) -> Floats | None:
    """Fit a quadric to the distance in a shell about the nodule, where the wall can be seen."""
    axes = [np.arange(n) * s - c for n, s, c in zip(distance.shape, step, center, strict=True)]
    grid = np.meshgrid(*axes, indexing="ij")
    away = np.sqrt(sum(axis**2 for axis in grid))
    low, high = COVERED[0] * radius + COVERED[1], SHELL[0] * radius + SHELL[1]
    seen = (away > low) & (away < high) & (np.abs(distance) < 3 + 0.6 * radius)
    if np.count_nonzero(seen & (distance < 0)) < 20 or np.count_nonzero(seen & (distance > 0)) < 20:
        return None
    points = np.stack([axis[seen] for axis in grid], axis=1) / reach
    wanted, weight = distance[seen].astype(np.float64), 1 / (1 + np.abs(distance[seen]))
    found: Floats = np.linalg.lstsq(_terms(points) * weight[:, None], wanted * weight, rcond=1e-6)[0]
    return found


def _terms(points: Floats) -> Floats:
    """``(N, 10)`` terms of a quadric."""
    x, y, z = points.T
    return np.stack([np.ones_like(x), x, y, z, x * x, y * y, z * z, x * y, x * z, y * z], axis=1)
