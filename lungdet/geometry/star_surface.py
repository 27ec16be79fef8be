"""A closed surface that every ray from one point meets once: rays, their crossings, and the volume inside."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.spatial import ConvexHull, cKDTree

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

RAYS = 600
LONGEST = 2.2  # ratio of the axes of an ellipsoid
NEAREST = 3  # rays that a direction between them is interpolated from


@dataclass(frozen=True)
class StarSurface:
    """A surface around a point; mm along the axes of an image.

    Attributes:
        center_mm: ``(3,)``.
        radius_mm: ``(RAYS,)`` distance of the surface along each of :func:`ray_directions`.
    """

    center_mm: Floats
    radius_mm: Floats

    @property
    def volume_mm3(self) -> float:
        """Volume inside."""
        return float(4 / 3 * np.pi * (self.radius_mm**3).mean())

    @property
    def centroid_mm(self) -> Floats:
        """Middle of the volume inside, ``(3,)`` mm."""
        cube, fourth = self.radius_mm**3, self.radius_mm**4
        shift: Floats = 0.75 * (ray_directions() * fourth[:, None]).sum(axis=0) / cube.sum()
        return self.center_mm + shift

    def triangle_areas_mm2(self) -> tuple[NDArray[np.int64], Floats]:
        """Rays of the corners of the triangles that make up the surface, ``(T, 3)``, and their areas, ``(T,)``."""
        corners = _triangles()
        points = self.radius_mm[:, None] * ray_directions()
        a, b, c = (points[corners[:, n]] for n in range(3))
        return corners, 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)


@lru_cache(maxsize=1)
def ray_directions() -> Floats:
    """``(RAYS, 3)`` unit vectors, evenly spread by a spiral: each stands for the same solid angle.

    Example:
        >>> bool(np.allclose(ray_directions().mean(axis=0), 0, atol=1e-3))
        True
    """
    height = 1 - (2 * np.arange(RAYS) + 1) / RAYS
    turn = np.pi * (1 + 5**0.5) * np.arange(RAYS)
    level = np.sqrt(1 - height**2)
    return np.column_stack([level * np.cos(turn), level * np.sin(turn), height])


def at_directions(values: Floats, offsets: Floats) -> Floats:
    """Interpolate ``values`` of the rays, ``(RAYS,)`` or ``(RAYS, n)``, towards ``(M, 3)`` offsets of any length."""
    length = np.linalg.norm(offsets, axis=1, keepdims=True)
    unit = np.where(length > 1e-9, offsets / np.maximum(length, 1e-9), [0.0, 0.0, 1.0])
    away, which = _tree().query(unit, k=NEAREST)
    weight = 1 / (away + 1e-3)
    weight /= weight.sum(axis=1, keepdims=True)
    mixed: Floats = np.einsum("mk,mk...->m...", weight, values[which])
    return mixed


def sample_rays(image: NDArray[np.float32], step_mm: Floats, center_mm: Floats, radii_mm: Floats) -> Floats:
    """Read an image along all rays, linear between voxels: ``(RAYS, S)``; NaN outside it.

    Args:
        image: ``(X, Y, Z)``; its first voxel lies at 0 mm.
        step_mm: ``(3,)`` voxel size.
        center_mm: ``(3,)`` where the rays begin.
        radii_mm: ``(S,)`` distances from there.
    """
    points = center_mm + radii_mm[None, :, None] * ray_directions()[:, None, :]
    places = np.moveaxis(points / step_mm, -1, 0)
    values: Floats = map_coordinates(image, places, output=np.float64, order=1, mode="nearest")
    high = np.array(image.shape)[:, None, None] - 0.5
    values[((places < -0.5) | (places > high)).any(axis=0)] = np.nan
    return values


def first_below(profiles: Floats, radii_mm: Floats, level: float) -> Floats:
    """Distance where each profile first falls below a level, linear between samples; infinite where it does not.

    Args:
        profiles: ``(N, S)``; NaN ends a ray.
        radii_mm: ``(S,)`` distances of the samples.
        level: what to fall below.

    Example:
        >>> first_below(np.array([[3.0, 1.0], [3.0, 3.0]]), np.array([0.0, 1.0]), 2.0)
        array([0.5, inf])
    """
    below = profiles < level
    index = below.argmax(axis=1)
    rows = np.arange(len(profiles))
    before = np.maximum(index - 1, 0)
    high, low = profiles[rows, before], profiles[rows, index]
    drop = np.where(index > 0, high - low, 1.0)
    part = np.where(index > 0, (high - level) / np.where(drop > 0, drop, 1.0), 0.0)
    crossing = radii_mm[before] + part * (radii_mm[index] - radii_mm[before])
    return np.where(below.any(axis=1), crossing, np.inf)


@lru_cache(maxsize=4)
def neighbours(degrees: float) -> Mask:
    """``(RAYS, RAYS)`` which rays lie within an angle of each other."""
    near: Mask = ray_directions() @ ray_directions().T > np.cos(np.radians(degrees))
    return near


def median_of_neighbours(values: Floats, known: Mask, degrees: float) -> Floats:
    """Median over the known rays about each ray, ``(RAYS,)``; over all known ones where none is near."""
    if not known.any():
        raise ValueError("no ray has a known value")
    table = np.where(neighbours(degrees) & known[None, :], values[None, :], np.nan)
    count = np.count_nonzero(~np.isnan(table), axis=1)
    table.sort(axis=1)  # NaN last; np.nanmedian gives the same, row after row, in four times the time
    rows = np.arange(len(table))
    middle: Floats = (table[rows, (count - 1) // 2] + table[rows, count // 2]) / 2
    return np.where(count > 0, middle, np.median(values[known]))


def ellipsoid_radius(values: Floats, known: Mask) -> Floats:
    """Radius of the ellipsoid about the rays' origin that fits the known values, ``(RAYS,)``.

    Squares of the inverse are fitted, in which far values weigh little; no axis is longer than :data:`LONGEST` others.

    Example:
        >>> np.allclose(ellipsoid_radius(np.full(RAYS, 3.0), np.ones(RAYS, bool)), 3.0)
        True
    """
    x, y, z = ray_directions().T
    terms = np.stack([x * x, y * y, z * z, 2 * x * y, 2 * x * z, 2 * y * z], axis=1)
    found = np.linalg.lstsq(terms[known], 1 / np.maximum(values[known], 1e-3) ** 2, rcond=1e-3)[0]
    matrix = np.array([[found[0], found[3], found[4]], [found[3], found[1], found[5]], [found[4], found[5], found[2]]])
    sizes, turns = np.linalg.eigh(matrix)
    sizes = np.clip(sizes, max(float(sizes.max()), 1e-6) / LONGEST**2, None)
    radius: Floats = 1 / np.sqrt((((ray_directions() @ turns) ** 2) * sizes).sum(axis=1))
    return radius


@lru_cache(maxsize=1)
def _tree() -> cKDTree:
    return cKDTree(ray_directions())


@lru_cache(maxsize=1)
def _triangles() -> NDArray[np.int64]:
    return np.asarray(ConvexHull(ray_directions()).simplices, dtype=np.int64)
