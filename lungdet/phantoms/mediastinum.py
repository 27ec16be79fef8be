"""What lies between the lungs: heart, great vessels, windpipe, gullet; and the surfaces that they give the lungs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from .capsules import Capsules, join, tube
from .thorax import Y_TABLE, Z_TABLE, Array

COVER_MM = 3.0  # fat and pleura between a structure and the lung

# Tubes of a normal chest: (x, y, z, radius) in mm, see thorax.py for the axes.
_AORTA = (
    (4, -22, -12, 15),
    (-8, -34, 14, 15),
    (-10, -34, 36, 15),
    (-2, -24, 56, 14),
    (10, -4, 64, 13),
    (22, 18, 54, 12.5),
    (25, 34, 32, 12),
    (24, 38, 0, 11.5),
    (21, 37, -45, 11),
    (10, 30, -95, 10.5),
    (4, 24, -230, 10),
)
_CAVA_ABOVE = ((-14, -34, 96, 6), (-20, -28, 72, 8), (-24, -22, 40, 9), (-24, -18, 4, 10))
_CAVA_BELOW = ((-18, -4, -30, 12), (-20, 2, -80, 12), (-16, 12, -230, 11))
_LUNG_TRUNK = ((14, -44, -14, 14), (16, -40, 6, 14), (18, -28, 19, 13))
_LUNG_RIGHT = ((18, -28, 18, 11), (0, -14, 16, 10.5), (-20, -8, 13, 9.5), (-34, -3, 6, 8))
_LUNG_LEFT = ((18, -28, 19, 11), (28, -12, 22, 10.5), (38, 4, 16, 9), (40, 9, 6, 7.5))
_CAROTIDS = (
    ((-4, -24, 68, 6), (-12, -14, 92, 6), (-22, -6, 140, 5)),
    ((4, -14, 72, 4.5), (10, -8, 100, 4.5), (18, -2, 150, 4)),
    ((14, -2, 72, 5), (24, 4, 98, 5), (52, 0, 124, 4.5)),
    ((8, -34, 88, 6), (-14, -34, 94, 6)),
    ((8, -34, 88, 6), (30, -22, 112, 5.5)),
)
_GULLET = ((-1, 16, 230, 7), (1, 18, 90, 7), (5, 22, 30, 7), (8, 24, -30, 7), (14, 14, -80, 8), (30, -4, -105, 9))
_WINDPIPE = ((0, -4, 230, 9), (0, 0, 90, 9), (-2, 6, 46, 9.2))
_BRONCHUS_RIGHT = ((-2, 6, 45, 8.5), (-14, 8, 28, 7.5), (-30, 8, 15, 6.2))
_BRONCHUS_LEFT = ((-2, 6, 45, 8), (14, 9, 26, 6.8), (38, 12, 4, 5.6))
# Chambers: centre x, y, z and half axes, mm.
_CHAMBERS = (
    (-14, -26, -34, 36, 34, 42),
    (8, -46, -44, 42, 30, 40),
    (34, -26, -50, 40, 36, 38),
    (2, 2, -20, 34, 20, 24),
)


@dataclass(frozen=True)
class Mediastinum:
    """Organs between the lungs, in patient mm.

    Attributes:
        vessels: tubes filled with blood.
        gullet: the oesophagus.
        windpipe: lumen of the trachea and the main bronchi.
        chambers: ``(K, 6)`` ellipsoids of the heart: centre and half axes.
        left_mm, right_mm: ``(Z_COUNT, Y_COUNT)`` x of the lungs' inner surfaces.
        hilum: where vessels enter the lungs: per side (right, left) artery, bronchus and vein as ``(x, y, z)``.
    """

    vessels: Capsules
    gullet: Capsules
    windpipe: Capsules
    chambers: Array
    left_mm: Array
    right_mm: Array
    hilum: dict[str, Array]


def draw_mediastinum(rng: np.random.Generator) -> Mediastinum:
    """Draw the organs between the lungs and where they leave room for them."""
    scale = np.array([rng.uniform(0.88, 1.12), rng.uniform(0.86, 1.06), rng.uniform(0.94, 1.06)])
    heart = rng.uniform(0.84, 1.2)
    tubes = [_AORTA, _CAVA_ABOVE, _CAVA_BELOW, _LUNG_TRUNK, _LUNG_RIGHT, _LUNG_LEFT, *_CAROTIDS]
    vessels = join([_varied(rng, points, scale) for points in tubes])
    still = np.random.default_rng(0)  # the windpipe must meet its branches: no shaking
    windpipe = join([_varied(still, points, scale, 0.0) for points in (_WINDPIPE, _BRONCHUS_RIGHT, _BRONCHUS_LEFT)])
    chambers = np.array(_CHAMBERS, dtype=float)
    chambers[:, :3] = (chambers[:, :3] + rng.normal(0, 3.0, (len(chambers), 3))) * scale
    chambers[:, 3:] *= heart
    gullet = _varied(rng, _GULLET, scale)
    left, right = _inner_surfaces(join([vessels, windpipe, gullet]), chambers, rng)
    hilum = {
        "artery": np.array([_LUNG_RIGHT[-1][:3], _LUNG_LEFT[-1][:3]]) * scale,
        "bronchus": np.array([_BRONCHUS_RIGHT[-1][:3], _BRONCHUS_LEFT[-1][:3]]) * scale,
        "vein": np.array([[-30.0, 0.0, -14.0], [32.0, 2.0, -10.0]]) * scale,
    }
    return Mediastinum(vessels, gullet, windpipe, chambers, left, right, hilum)


def spine_y_mm(z: Array | float) -> Array | float:
    """Where the middle of the vertebral bodies lies, patient y in mm, at height ``z``."""
    return 52.0 - (z + 10.0) ** 2 / 950.0


def _varied(
    rng: np.random.Generator, points: tuple[tuple[float, ...], ...], scale: Array, shake_mm: float = 2.0
) -> Capsules:
    knots = np.array(points, dtype=float)
    places = (knots[:, :3] + rng.normal(0, shake_mm, (len(knots), 3)) * [1, 1, 0.5]) * scale
    return tube(places, knots[:, 3] * (1 + rng.normal(0, 0.04 * (shake_mm > 0))))


def _inner_surfaces(tubes: Capsules, chambers: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """The inner surfaces of both lungs: outside of every organ, smooth."""
    base = np.interp(Y_TABLE, (-100, -70, -30, 10, 34, 60, 80, 100), (12, 7, 7, 8, 11, 13, 16, 25))[None]
    base = base + np.interp(Z_TABLE, (60, 110), (0, 8))[:, None]
    behind = Y_TABLE[None] - np.asarray(spine_y_mm(Z_TABLE))[:, None]
    spine = 19.0 * np.sqrt(np.maximum(1 - (behind / 16.5) ** 2, 0))
    spine = np.maximum(spine, np.interp(behind, (8, 16, 24, 34, 44), (0, 15, 28, 41, 42)))
    left, right = base + rng.uniform(-1, 3), -base - rng.uniform(-1, 2)
    left, right = np.maximum(left, spine), np.minimum(right, -spine)
    centers, radii = tubes.spheres(5.0)
    balls = np.concatenate([centers, np.repeat(radii[:, None], 3, axis=1)], axis=1)
    for x, y, z, *half in np.concatenate([balls, chambers]):
        wide, deep, tall = np.array(half) + COVER_MM
        rows = np.flatnonzero(np.abs(Z_TABLE - z) < tall)
        columns = np.flatnonzero(np.abs(Y_TABLE - y) < deep)
        if not len(rows) or not len(columns):
            continue
        area = np.ix_(rows, columns)
        square = ((Z_TABLE[rows] - z) / tall)[:, None] ** 2 + ((Y_TABLE[columns] - y) / deep)[None] ** 2
        reach = np.where(square < 1, wide * np.sqrt(np.maximum(1 - square, 0)), -500.0)
        left[area] = np.maximum(left[area], x + reach)
        right[area] = np.minimum(right[area], x - reach)
    return gaussian_filter(left, 1.6, mode="nearest"), gaussian_filter(right, 1.6, mode="nearest")
