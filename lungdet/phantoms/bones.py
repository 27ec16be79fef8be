"""Ribs, spine, breastbone, shoulder blades and collar bones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .capsules import Capsules, join, tube
from .mediastinum import spine_y_mm
from .thorax import ANGLE_TABLE, ANGLES, Array, Thorax, lookup, table_row

RIBS, RIB_TOP_MM, RIB_STEP_MM = 12, 124.0, 21.0
RIB_HALF_HEIGHT_MM, RIB_HALF_DEPTH_MM, RIB_GAP_MM = 5.8, 3.6, 5.2
CORTEX_HU, MARROW_HU, CARTILAGE_HU, DISC_HU = 620.0, 230.0, 105.0, 85.0
VERTEBRA_STEP_MM, DISC_HALF_MM = 21.0, 2.6


@dataclass(frozen=True)
class Skeleton:
    """Bones of one patient.

    Attributes:
        rib_height_mm: ``(RIBS, ANGLES)`` z of the middle of each rib around the chest; far away where it has ended.
        cartilage: ``(RIBS, ANGLES)`` whether the rib is cartilage there.
        rib_slope: ``(RIBS, ANGLES)`` cosine of the rib's slope.
        shoulders: collar bones and upper arms.
        spine_shift_mm: by how much the vertebrae are shifted up.
    """

    rib_height_mm: Array
    cartilage: Array
    rib_slope: Array
    shoulders: Capsules
    spine_shift_mm: float

    def nearest_rib(self, z_mm: float) -> tuple[Array, Array]:
        """At one height: distance in mm across the nearest rib and whether it is cartilage, ``(ANGLES,)`` each."""
        across = (z_mm - self.rib_height_mm) * self.rib_slope
        nearest = np.abs(across).argmin(axis=0)
        columns = np.arange(ANGLES)
        return across[nearest, columns].astype(np.float32), self.cartilage[nearest, columns]


def draw_skeleton(rng: np.random.Generator, thorax: Thorax) -> Skeleton:
    """Draw ribs that slope down from the spine, and the shoulders."""
    degrees = np.abs(np.degrees(ANGLE_TABLE))
    heights, cartilage, slopes = [], [], []
    shift = rng.uniform(-8, 8)
    for rib in range(RIBS):
        start = RIB_TOP_MM - RIB_STEP_MM * rib + shift
        drop = float(np.interp(rib, (0, 2, 6, 11), (42, 80, 122, 124))) * rng.uniform(0.92, 1.05)
        joint = float(np.interp(rib, (0, 3, 6, 9, 11), (28, 24, 40, 66, 110)))
        ending = float(np.interp(rib, (0, 5, 6, 9, 10, 11), (11, 8, 12, 38, 88, 118)))
        fall = np.interp(degrees, (0, 20, 50, 90, 130, 160, 172), (0.9, 1.0, 0.97, 0.72, 0.36, 0.06, 0.0))
        rise = np.maximum(joint - degrees, 0) * (0.15 + 0.11 * rib)
        height = start - drop * fall + rise + rng.normal(0, 1.0)
        slope = np.gradient(height, ANGLE_TABLE) / np.maximum(table_row(thorax.cavity_mm, start - drop / 2), 40.0)
        heights.append(np.where((degrees < ending) | (degrees > 172), 1e4, height))
        cartilage.append(degrees < joint)
        slopes.append(1 / np.sqrt(1 + slope**2))
    return Skeleton(np.stack(heights), np.stack(cartilage), np.stack(slopes), _shoulders(thorax), rng.uniform(0, 21))


def spine_profile(x: Array, y: Array, z_mm: float, shift_mm: float = 0.0) -> tuple[Array, Array]:
    """Distance in mm to the surface of the spine in one slice (negative inside), and its HU within.

    Args:
        x: ``(1, X)`` patient mm.
        y: ``(Y, 1)`` patient mm.
        z_mm: height of the slice.
        shift_mm: by how much the vertebrae are shifted up.

    Returns:
        ``(Y, X)`` each.
    """
    phase = (z_mm - shift_mm) % VERTEBRA_STEP_MM - VERTEBRA_STEP_MM / 2
    dy = y - float(spine_y_mm(z_mm))
    waist = 1.0 + 0.09 * np.cos(np.pi * (1 + phase / (VERTEBRA_STEP_MM / 2)))
    body = 15.0 * (np.sqrt((x / (17.0 * waist)) ** 2 + (dy / (14.0 * waist)) ** 2) - 1)
    canal = np.hypot(x, dy - 22.0) - 8.5
    ring = np.maximum(canal - 4.5, -canal)
    process = _bar(x, dy, (0, 32), (0, 58), 2.8)
    wings = np.minimum(*(_bar(x, dy, (side * 13, 22), (side * 33, 32), 4.2) for side in (-1, 1)))
    arch = ring if abs(phase) < 6.0 else np.maximum(ring, 26.0 - dy)  # nerves leave between the pedicles
    if abs(phase + 2) < 6.0:
        arch = np.minimum(arch, process)
    if abs(phase) < 5.0:
        arch = np.minimum(arch, wings)
    distance = np.minimum(np.maximum(body, -canal), arch)
    disc = DISC_HALF_MM - abs(abs(phase) - VERTEBRA_STEP_MM / 2)  # > 0 within a disc
    plate = float(np.clip(1 - abs(disc) / 1.5, 0, 1))
    inner = (MARROW_HU - 50 if disc < 0 else DISC_HU) + plate * 220
    shell = np.clip(1 + (distance + 0.6) / 1.2, 0, 1)
    rim = 380.0 if disc < 0 else 30.0
    hu = np.where(body < 0, inner + rim * shell, MARROW_HU + 420 * shell)
    return distance, np.where(canal < 0, 35.0, hu)


def breastbone_distance(x: Array, radial_mm: Array, y: Array, z_mm: float) -> Array:
    """Distance in mm to the surface of the breastbone in one slice, negative inside, ``(Y, X)``.

    Args:
        x: ``(1, X)`` patient mm.
        radial_mm: ``(Y, X)`` distance to the inner chest wall, positive outside.
        y: ``(Y, 1)`` patient mm.
        z_mm: height of the slice.
    """
    half = float(np.interp(z_mm, (-55, -48, 40, 52, 80, 86, 92), (2, 13, 15, 26, 31, 24, 2)))
    if not -55 < z_mm < 92:
        return np.full_like(radial_mm, 50.0)
    flat = np.maximum(np.abs(x) - half, np.abs(radial_mm - 7.0) - 4.6)
    return np.where(y < 0, flat, 50.0)


def blade_distance(angle: Array, radial_mm: Array, z_mm: float) -> Array:
    """Distance in mm to the shoulder blades in one slice, negative inside, ``(Y, X)``.

    Args:
        angle: ``(Y, X)`` radians from the breastbone.
        radial_mm: ``(Y, X)`` distance to the inner chest wall, positive outside.
        z_mm: height of the slice.
    """
    if not -28 < z_mm < 122:
        return np.full_like(radial_mm, 50.0)
    degrees = np.abs(np.degrees(angle))
    side = float(np.interp(z_mm, (-28, 20, 70, 100, 122), (132, 118, 104, 96, 110)))
    back = float(np.interp(z_mm, (-28, -10, 60, 100, 122), (136, 150, 156, 148, 120)))
    lift = float(np.interp(z_mm, (-28, 40, 100), (14, 17, 26)))
    plate = np.abs(radial_mm - lift - 0.28 * np.maximum(140 - degrees, 0) * (1 + max(z_mm, 0) / 70)) - 1.6
    plate -= 2.6 * np.exp(-(((degrees - side - 4) / 4.0) ** 2))  # thick outer border
    ends = np.maximum(side - degrees, degrees - back) * 1.8
    ridge_at = lift + 13.0
    ridge = np.maximum(np.abs(degrees - 138 + 0.5 * (radial_mm - lift)) * 1.8 - 2.5, np.abs(radial_mm - ridge_at) - 13)
    blade = np.maximum(plate, ends)
    return np.minimum(blade, ridge) if 48 < z_mm < 104 else blade


def _shoulders(thorax: Thorax) -> Capsules:
    parts = []
    for side in (-1, 1):
        near = _at_wall(thorax, side * 26.0, 88.0, 9.0)
        middle = _at_wall(thorax, side * 48.0, 100.0, 32.0)
        far = _at_wall(thorax, side * 82.0, 112.0, 64.0)
        parts.append(tube([near, middle, far], [7.5, 5.0, 6.0]))
        head = _at_wall(thorax, side * 96.0, 112.0, 78.0)
        parts.append(tube([head, head + [side * 10.0, -4.0, 90.0]], [20.0, 13.0]))
    return join(parts)


def _at_wall(thorax: Thorax, degrees: float, z_mm: float, outside_mm: float) -> Array:
    angle = np.radians(degrees)
    column = np.array([(angle + np.pi) * ANGLES / (2 * np.pi) - 0.5])
    radius = float(lookup(thorax.cavity_mm, np.array([z_mm]), column)[0]) + outside_mm
    return np.array([radius * np.sin(angle), -radius * np.cos(angle), z_mm])


def _bar(x: Array, y: Array, start: tuple[float, float], end: tuple[float, float], radius: float) -> Array:
    (x0, y0), (x1, y1) = start, end
    dx, dy = x1 - x0, y1 - y0
    part = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy), 0, 1)
    return np.hypot(x - x0 - part * dx, y - y0 - part * dy) - radius
