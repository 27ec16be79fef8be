"""How wide and deep a trunk is at each height: skin, muscle, and the cavity inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from .torso_build import Build

Array = NDArray[Any]

GRID_LOW_MM, GRID_HIGH_MM = -160, 720
FRONT_SHARE = 0.35  # of the unevenness of the back that the front shows
# Standard heights, then half width, front and back of the muscles' outer border (mm from the middle line of the trunk).
MUSCLE_ROWS = (
    (720, 62, 88, 78), (660, 62, 84, 66), (640, 60, 78, 62), (615, 57, 54, 63), (590, 60, 46, 64), (572, 84, 48, 68),
    (556, 138, 54, 76), (542, 172, 60, 84), (525, 180, 68, 93), (505, 177, 79, 101), (485, 171, 90, 107),
    (460, 165, 101, 116), (420, 158, 111, 120), (370, 152, 117, 119), (300, 143, 113, 112), (250, 136, 102, 104),
    (200, 133, 92, 99), (160, 139, 87, 98), (120, 149, 86, 98), (60, 161, 86, 102), (20, 165, 82, 104),
    (-5, 156, 70, 96), (-30, 110, 52, 80), (-50, 52, 34, 56), (-62, 24, 16, 40), (-160, 20, 10, 30),
)  # fmt: skip
CAVITY_ROWS = (
    (720, 0, 0, 0), (552, 0, 0, 0), (549, 28, 4, 22), (542, 60, 22, 52), (530, 86, 40, 72), (510, 107, 58, 84),
    (490, 120, 72, 95), (470, 128, 82, 101), (430, 134, 93, 106), (390, 136, 99, 106), (350, 134, 101, 103),
    (300, 127, 98, 93), (270, 122, 91, 82), (240, 118, 83, 69), (200, 115, 77, 61), (160, 116, 72, 58),
    (120, 112, 68, 58), (80, 92, 66, 66), (40, 66, 60, 72), (15, 44, 50, 64), (-5, 26, 40, 54), (-25, 12, 16, 40),
    (-40, 0, 0, 0), (-160, 0, 0, 0),
)  # fmt: skip
# Standard heights, then thickness of the fat under the skin at the side, front and back, of a middling patient.
FAT_ROWS = (
    (720, 4, 4, 5), (620, 5, 5, 7), (570, 7, 6, 10), (530, 9, 9, 11), (460, 10, 11, 11), (400, 12, 13, 12),
    (330, 14, 15, 13), (250, 20, 20, 16), (180, 26, 26, 24), (100, 26, 26, 34), (30, 24, 22, 36), (-30, 16, 14, 20),
    (-62, 4, 4, 6), (-160, 4, 4, 4),
)  # fmt: skip
# Standard heights, then how much narrower a section is in front than in the middle, and how deep the back's groove is.
SHAPE_ROWS = (
    (720, 0.05, 0.0), (560, 0.0, 0.03), (520, 0.04, 0.05), (470, 0.13, 0.04), (400, 0.13, 0.05), (330, 0.08, 0.07),
    (230, 0.02, 0.1), (150, 0.0, 0.1), (90, 0.08, 0.02), (0, 0.1, 0.02), (-160, 0.1, 0.0),
)  # fmt: skip


@dataclass(frozen=True)
class Outline:
    """One horizontal section: a superellipse whose front and back differ, in standard mm.

    Attributes:
        half_width: along x.
        front, back: from the middle line to the front (towards smaller y) and to the back.
    """

    half_width: float
    front: float
    back: float

    @property
    def center_y(self) -> float:
        """Middle between front and back."""
        return (self.back - self.front) / 2

    @property
    def half_depth(self) -> float:
        """Half of front to back."""
        return (self.back + self.front) / 2


@dataclass(frozen=True)
class Profile:
    """Outlines of one patient at every standard mm.

    Attributes:
        muscle, cavity, fat: ``(K, 3)`` half width, front, back on the grid of heights; fat as thickness.
        shape: ``(K, 2)`` taper to the front and depth of the back's groove.
        waves: ``(4,)`` phases of the small waves in the outlines.
    """

    muscle: Array
    cavity: Array
    fat: Array
    shape: Array
    waves: Array

    def muscle_at(self, z: float) -> Outline:
        """Outer border of the muscles at a standard height."""
        return Outline(*self._row(self.muscle, z))

    def cavity_at(self, z: float) -> Outline:
        """Border of the thoracic, abdominal and pelvic cavity."""
        return Outline(*self._row(self.cavity, z))

    def skin_at(self, z: float) -> Outline:
        """The skin: muscles and the fat on them."""
        return Outline(*(self._row(self.muscle, z) + self._row(self.fat, z)))

    def stretched(self, points: Array) -> Array:
        """Move standard points ``(..., 3)`` as the patient's cavity differs from the standard one."""
        moved = np.array(points, dtype=float)
        place = np.clip(moved[..., 2] - GRID_LOW_MM, 0, len(self.cavity) - 1)
        own, standard = (
            np.stack([np.interp(place, np.arange(len(table)), table[:, n]) for n in range(3)], axis=-1)
            for table in (self.cavity, STANDARD_CAVITY)
        )
        ratio = np.where(standard > 20, own / np.maximum(standard, 1), 1.0)
        moved[..., 0] *= ratio[..., 0]
        moved[..., 1] *= np.where(moved[..., 1] < 0, ratio[..., 1], ratio[..., 2])
        return moved

    def taper(self, z: float) -> float:
        """How much narrower a section is in front than in the middle, as a share."""
        return float(self._row(self.shape, z)[0])

    def skin_box(self, z: float) -> tuple[float, float, float, float]:
        """Smallest and largest x and y of the skin, as ``(x0, y0, x1, y1)``."""
        skin = self.skin_at(z)
        y = np.linspace(-1.0, 1.0, 41) * skin.half_depth + skin.center_y
        x = np.linspace(-1.0, 1.0, 81) * skin.half_width
        wide, _ = self.bend(z, x, y, skin)
        reach = float((skin.half_width * _rounded((y - skin.center_y) / skin.half_depth) / wide).max())
        _, deep = self.bend(z, x, y, skin)
        long = skin.half_depth * _rounded(x / skin.half_width)
        front = float((long / np.sqrt(1 + FRONT_SHARE * (deep**2 - 1))).max())
        return -reach, skin.center_y - front, reach, skin.center_y + float((long / deep).max())

    def bend(self, z: float, x: Array, y: Array, outline: Outline, spine: float = 0.0) -> tuple[Array, Array]:
        """What turns a superellipse into a trunk: factors of ``x`` at each ``y`` and of ``y`` at each ``x``.

        Args:
            z: standard height.
            x: ``(X,)`` standard mm.
            y: ``(Y,)`` likewise.
            outline: of the section.
            spine: how far the spine stands into it, as a share of its depth.

        Returns:
            ``(Y,)`` factor of x, and ``(X,)`` factor of the distance from the section's middle in y; one is no change.
        """
        taper, groove = self._row(self.shape, z)
        back = np.clip((y - outline.center_y) / max(outline.half_depth, 1.0), -1.1, 1.1)
        slow = 0.011 * z
        wide = 1 - taper * back + 0.015 * np.sin(3.1 * back + self.waves[0] + slow)
        deep = 1 + groove * np.exp(-((x / 20) ** 2)) + spine * np.exp(-((x / 32) ** 2))
        deep += 0.012 * np.sin(x / 23 + self.waves[1] + slow) + 0.012 * np.sin(x / 41 + self.waves[2] - slow)
        return wide.astype(np.float32), deep.astype(np.float32)

    @staticmethod
    def _row(table: Array, z: float) -> Array:
        """Read a table at a height; constant beyond its ends."""
        place = min(max(z - GRID_LOW_MM, 0.0), len(table) - 1.001)
        low = int(place)
        row: Array = table[low] + (place - low) * (table[low + 1] - table[low])
        return row


def draw_profile(rng: np.random.Generator, build: Build) -> Profile:
    """Draw a patient's outlines."""
    heights = np.arange(GRID_LOW_MM, GRID_HIGH_MM + 1.0)
    muscle, cavity, fat = (_smooth(rows, heights) for rows in (MUSCLE_ROWS, CAVITY_ROWS, FAT_ROWS))
    shape = _smooth(SHAPE_ROWS, heights) * rng.uniform(0.5, 1.5, 2)
    chest = _bump(heights, 300.0, 560.0, 40.0)[:, None] * (np.array([*build.chest, build.chest[1]]) - 1) + 1
    belly = _bump(heights, 130.0, 300.0, 45.0)
    front = 1 + belly * (build.belly - 1)
    side = 1 + 0.4 * belly * (build.belly - 1)
    hip = 1 + _bump(heights, -120.0, 120.0, 30.0) * (0.05 if build.female else -0.02)
    stretch = np.stack([side * hip, front, np.ones_like(front)], axis=1)
    brawn = np.exp(rng.normal(0, 0.05))
    walls = np.maximum(muscle - cavity, 4) * (brawn if not build.female else 0.92 * brawn)
    hollow = cavity * chest * stretch
    outer = np.where(cavity[:, :1] > 60, hollow + walls, muscle * hip[:, None])
    smooth = _bump(heights, 10.0, 530.0, 12.0)[:, None]
    outer = smooth * outer + (1 - smooth) * muscle * np.stack([hip, 0 * hip + 1, 0 * hip + 1], axis=1)
    amount = (0.25 + 2.1 * build.fat) * np.exp(rng.normal(0, 0.15))
    return Profile(outer, hollow, fat * amount + 2.0, shape, rng.uniform(0, 2 * np.pi, 4))


def _rounded(share: Array, square: float = 0.55) -> Array:
    """Half extent of a rounded box across, where it is ``share`` of its half extent along; solved by steps."""
    across = np.linspace(0.0, 1.0, 201)[None, :]
    along = np.abs(share)[:, None]
    level = (1 - square) * np.sqrt(across**2 + along**2) + square * (across**4 + along**4) ** 0.25
    reach: Array = across[0][np.clip((level <= 1).sum(axis=1) - 1, 0, None)]
    return reach


def _smooth(rows: tuple[tuple[float, ...], ...], heights: Array) -> Array:
    """Interpolate a table of falling heights monotonically, ``(K, 3)``."""
    table = np.array(rows, dtype=float)[::-1]
    curve: Array = PchipInterpolator(table[:, 0], table[:, 1:])(heights)
    return curve


def _bump(heights: Array, low: float, high: float, soft: float) -> Array:
    """One between two heights, zero far from them."""
    bump: Array = 1 / (1 + np.exp((low - heights) / (soft / 3))) / (1 + np.exp((heights - high) / (soft / 3)))
    return bump


STANDARD_CAVITY = _smooth(CAVITY_ROWS, np.arange(GRID_LOW_MM, GRID_HIGH_MM + 1.0))
