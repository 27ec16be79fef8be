"""The shape of one thorax: walls, lungs, diaphragm, all as functions of the place in mm.

Patient coordinates are LPS mm about the middle of the chest: x to the left, y to the back, z to the head. Angles run
around the z axis from 0 at the breastbone to +pi at the spine over the left side, -pi over the right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

Array = NDArray[Any]

Z_LOW_MM, Z_STEP_MM, Z_COUNT = -220.0, 2.0, 221  # tables along z
Y_LOW_MM, Y_STEP_MM, Y_COUNT = -160.0, 2.0, 161  # tables along y
ANGLES = 1440  # tables around the body, a quarter of a degree each
Z_TABLE = Z_LOW_MM + Z_STEP_MM * np.arange(Z_COUNT)
LUNG_LOW_MM, LUNG_HIGH_MM = np.array([-140.0, -115.0, -135.0]), np.array([140.0, 115.0, 125.0])  # both lungs
Y_TABLE = Y_LOW_MM + Y_STEP_MM * np.arange(Y_COUNT)
ANGLE_TABLE = (np.arange(ANGLES) + 0.5) * (2 * np.pi / ANGLES) - np.pi

# Inner chest wall at mid height, degrees from the breastbone and mm from the axis.
_CAVITY_DEG = (0, 20, 40, 60, 80, 100, 120, 140, 155, 168, 180)
_CAVITY_MM = (84, 90, 104, 116, 121, 121, 117, 111, 101, 88, 82)
_LEVELS_MM = (-220, -140, -90, -40, 0, 30, 60, 90, 110, 130, 220)
_SHRINK_FRONT = (1.02, 1.03, 1.04, 1.0, 0.94, 0.86, 0.75, 0.62, 0.52, 0.45, 0.4)
_SHRINK_SIDE = (0.98, 1.0, 1.02, 1.0, 0.97, 0.92, 0.83, 0.70, 0.58, 0.48, 0.4)
_SHRINK_BACK = (0.9, 0.93, 0.98, 1.02, 1.03, 1.02, 0.98, 0.90, 0.84, 0.8, 0.75)
# Muscle on the chest wall: rows are levels, columns are degrees from the breastbone.
_MUSCLE_DEG = (0, 25, 50, 90, 120, 140, 160, 180)
_MUSCLE_MM = {
    -220: (10, 12, 12, 13, 14, 22, 40, 30),
    -90: (10, 10, 11, 13, 15, 22, 38, 30),
    -40: (12, 11, 12, 14, 22, 26, 36, 32),
    0: (14, 16, 18, 18, 32, 32, 34, 33),
    40: (17, 26, 34, 36, 44, 40, 36, 34),
    80: (22, 36, 50, 72, 68, 52, 40, 36),
    110: (28, 44, 60, 98, 84, 60, 42, 36),
    220: (30, 46, 60, 104, 86, 60, 42, 38),
}


@dataclass(frozen=True)
class Thorax:
    """Tables that give every wall of one chest; see the functions of this file for their use.

    Attributes:
        cavity_mm, muscle_mm, body_mm: ``(Z_COUNT, ANGLES)`` distance from the axis to the inner chest wall, to the
            outside of the muscles and to the skin.
        left_mm, right_mm: ``(Z_COUNT, Y_COUNT)`` x where the left lung begins (positive) and the right ends (negative).
        domes: per dome of the diaphragm ``(x, y, top z, half width x, half width y, height)``.
        apexes: per lung ``(x, y, top z, half width x, half width y, height)``.
        tilt: how much lower the diaphragm lies per mm to the back.
    """

    cavity_mm: Array
    muscle_mm: Array
    body_mm: Array
    left_mm: Array
    right_mm: Array
    domes: tuple[tuple[float, ...], ...]
    apexes: tuple[tuple[float, ...], ...]
    tilt: float

    def diaphragm_mm(self, x: Array, y: Array) -> Array:
        """Height z of the diaphragm over ``x, y`` in mm; it falls to the costophrenic angles at the wall."""
        heights = [_dome(x, y, *dome) for dome in self.domes]
        height: Array = np.maximum.reduce(heights) - self.tilt * y
        return height

    def roof_mm(self, x: Array, y: Array) -> Array:
        """Height z of the top of the lungs over ``x, y`` in mm."""
        heights = [_dome(x, y, *apex) for apex in self.apexes]
        height: Array = np.maximum.reduce(heights)
        return height

    def lung_distance_mm(self, x: Array, y: Array, z: Array) -> Array:
        """Signed distance of points to the surface of the nearer lung, about right near it; negative inside.

        Args:
            x: ``(N,)`` to the left, patient mm.
            y: ``(N,)`` to the back.
            z: ``(N,)`` to the head.

        Returns:
            ``(N,)`` mm.
        """
        radius, angle = np.hypot(x, y), np.arctan2(x, -y)
        wall = radius - lookup(self.cavity_mm, z, (angle + np.pi) * (ANGLES / (2 * np.pi)) - 0.5)
        row = (y - Y_LOW_MM) / Y_STEP_MM
        medial = np.minimum(lookup(self.left_mm, z, row) - x, x - lookup(self.right_mm, z, row))
        below = 0.7 * (self.diaphragm_mm(x, y) - z)
        above = 0.7 * (z - self.roof_mm(x, y))
        distance: Array = np.maximum.reduce([wall, medial, below, above])
        return distance


def lookup(table: Array, z: Array, column: Array) -> Array:
    """Read ``table``, ``(Z_COUNT, n)``, at heights ``z`` in mm and fractional columns, linear, ``(N,)`` each."""
    return map_coordinates(table, [(z - Z_LOW_MM) / Z_STEP_MM, column], order=1, mode="nearest")


def table_row(table: Array, z_mm: float) -> Array:
    """Interpolate ``table``, ``(Z_COUNT, n)``, at one height in mm: ``(n,)`` float32."""
    position = min(max((z_mm - Z_LOW_MM) / Z_STEP_MM, 0.0), Z_COUNT - 1.001)
    low = int(position)
    part = position - low
    row: Array = ((1 - part) * table[low] + part * table[low + 1]).astype(np.float32)
    return row


def draw_walls(rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Draw cavity, muscle and body tables, ``(Z_COUNT, ANGLES)`` mm from the axis each."""
    degrees = np.abs(np.degrees(ANGLE_TABLE))
    width, depth = rng.uniform(0.88, 1.07), rng.uniform(0.86, 1.1)
    stretch = np.hypot(width * np.sin(ANGLE_TABLE), depth * np.cos(ANGLE_TABLE))
    wave = sum(rng.normal(0, 0.011) * np.cos(n * ANGLE_TABLE + rng.uniform(0, 2 * np.pi)) for n in (1, 2, 3, 4, 5))
    base = np.interp(degrees, _CAVITY_DEG, _CAVITY_MM) * stretch * (1 + wave)
    front, side, back = (
        np.interp(Z_TABLE, _LEVELS_MM, shrink)[:, None] for shrink in (_SHRINK_FRONT, _SHRINK_SIDE, _SHRINK_BACK)
    )
    cosine = np.cos(ANGLE_TABLE)[None]
    top = 1 + rng.uniform(-0.1, 0.14) * np.clip(Z_TABLE / 100, 0, 1)[:, None]  # narrow or barrel-shaped above
    share = front * np.maximum(cosine, 0) ** 2 + back * np.minimum(cosine, 0) ** 2 + side * (1 - cosine**2)
    cavity = _smooth(base * share * top, 4, 16)
    muscle = cavity + _smooth(_muscle_thickness(degrees) * rng.uniform(0.75, 1.15), 6, 40)
    return cavity, muscle, muscle + _fat_thickness(rng, degrees)


def draw_domes(rng: np.random.Generator) -> tuple[tuple[float, ...], ...]:
    """Draw the domes of the diaphragm: right, left, and the saddle under the heart."""
    shift = rng.uniform(-18, 18)
    right = (-60 + rng.normal(0, 4), 2 + rng.normal(0, 5), shift - 58, 64.0, 96.0, rng.uniform(44, 58))
    low = shift - 58 - rng.uniform(4, 18)
    left = (60 + rng.normal(0, 4), 4 + rng.normal(0, 5), low, 64.0, 96.0, rng.uniform(42, 56))
    return right, left, (0.0, -10.0, low - 9, 58.0, 100.0, 34.0)


def draw_apexes(rng: np.random.Generator) -> tuple[tuple[float, ...], ...]:
    """Draw the tops of the right and the left lung."""
    top = rng.uniform(104, 118)
    return tuple(
        (side * rng.uniform(38, 46), rng.uniform(4, 18), top + rng.normal(0, 3), 80.0, 98.0, 105.0) for side in (-1, 1)
    )


def _dome(x: Array, y: Array, x0: float, y0: float, top: float, wide: float, deep: float, height: float) -> Array:
    square = ((x - x0) / wide) ** 2 + ((y - y0) / deep) ** 2
    inner = np.sqrt(np.maximum(1 - square, 0.03))
    return top - height * (1 - inner) - 0.8 * height * np.maximum(square - 0.97, 0)


def _muscle_thickness(degrees: Array) -> Array:
    rows = np.stack([np.interp(degrees, _MUSCLE_DEG, row) for row in _MUSCLE_MM.values()])
    level = np.interp(Z_TABLE, list(_MUSCLE_MM), np.arange(len(rows)))
    return map_coordinates(rows, np.broadcast_arrays(level[:, None], np.arange(ANGLES)[None]), order=1)


def _fat_thickness(rng: np.random.Generator, degrees: Array) -> Array:
    """Fat under the skin; half of the patients have breasts."""
    amount = float(np.clip(rng.lognormal(np.log(10), 0.6), 3, 30))
    fat = amount * np.interp(degrees, (0, 45, 90, 150, 180), (0.7, 1.0, 1.2, 0.9, 0.5))
    table = np.tile(fat, (Z_COUNT, 1))
    if rng.random() < 0.5:
        size = rng.uniform(14, 34)
        bump = np.exp(-(((degrees - 38) / 17) ** 2))[None] * np.exp(-(((Z_TABLE + 15) / 34) ** 2))[:, None]
        table += size * bump
    return _smooth(table, 3, 24)


def _smooth(table: Array, sigma_z: float, sigma_angle: float) -> Array:
    smoothed: Array = gaussian_filter(table, (sigma_z, sigma_angle), mode=("nearest", "wrap"))
    return smoothed
