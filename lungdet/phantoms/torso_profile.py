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
# Standard heights, then half width, front and back of the muscles' outer border (mm from the middle line of the trunk).
MUSCLE_ROWS = (
    (720, 62, 88, 78), (660, 62, 84, 66), (640, 60, 78, 62), (615, 56, 52, 62), (590, 58, 42, 62), (570, 72, 44, 64),
    (556, 108, 48, 70), (542, 158, 54, 78), (525, 178, 62, 86), (505, 176, 72, 93), (485, 170, 82, 99),
    (460, 164, 92, 104), (420, 157, 101, 107), (370, 151, 107, 106), (300, 142, 106, 101), (250, 135, 98, 95),
    (200, 133, 90, 91), (160, 139, 86, 90), (120, 149, 86, 93), (60, 161, 86, 102), (20, 167, 82, 104),
    (-5, 166, 70, 98), (-30, 160, 52, 86), (-50, 140, 34, 60), (-70, 110, 10, 30), (-160, 100, 8, 20),
)  # fmt: skip
CAVITY_ROWS = (
    (720, 0, 0, 0), (562, 0, 0, 0), (556, 34, 5, 22), (545, 62, 22, 52), (530, 86, 36, 68), (510, 107, 52, 78),
    (490, 120, 64, 84), (470, 128, 73, 88), (430, 134, 83, 92), (390, 136, 89, 92), (350, 134, 91, 90),
    (300, 127, 90, 84), (270, 122, 86, 78), (240, 118, 80, 70), (200, 115, 75, 62), (160, 116, 71, 58),
    (120, 112, 68, 58), (80, 92, 66, 66), (40, 70, 60, 72), (0, 52, 48, 62), (-25, 30, 20, 40), (-40, 0, 0, 0),
    (-160, 0, 0, 0),
)  # fmt: skip
# Standard heights, then thickness of the fat under the skin at the side, front and back, of a middling patient.
FAT_ROWS = (
    (720, 4, 4, 5), (620, 5, 5, 7), (570, 7, 6, 10), (530, 9, 9, 11), (460, 10, 11, 11), (400, 12, 13, 12),
    (330, 14, 15, 13), (250, 20, 20, 16), (180, 26, 26, 24), (100, 26, 26, 34), (30, 24, 22, 36), (-30, 20, 16, 24),
    (-160, 16, 14, 18),
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
    """

    muscle: Array
    cavity: Array
    fat: Array

    def muscle_at(self, z: float) -> Outline:
        """Outer border of the muscles at a standard height."""
        return Outline(*self._row(self.muscle, z))

    def cavity_at(self, z: float) -> Outline:
        """Border of the thoracic, abdominal and pelvic cavity."""
        return Outline(*self._row(self.cavity, z))

    def skin_at(self, z: float) -> Outline:
        """The skin: muscles and the fat on them."""
        return Outline(*(self._row(self.muscle, z) + self._row(self.fat, z)))

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
    chest = _bump(heights, 300.0, 560.0, 40.0)[:, None] * (np.array([*build.chest, build.chest[1]]) - 1) + 1
    belly = _bump(heights, 130.0, 300.0, 45.0)
    front = 1 + belly * (build.belly - 1)
    side = 1 + 0.4 * belly * (build.belly - 1)
    hip = 1 + _bump(heights, -120.0, 120.0, 30.0) * (0.05 if build.female else -0.02)
    shape = np.stack([side * hip, front, np.ones_like(front)], axis=1)
    brawn = np.exp(rng.normal(0, 0.05))
    walls = np.maximum(muscle - cavity, 4) * (brawn if not build.female else 0.92 * brawn)
    hollow = cavity * chest * shape
    outer = np.where(cavity[:, :1] > 60, hollow + walls, muscle * hip[:, None])
    smooth = _bump(heights, 10.0, 530.0, 12.0)[:, None]
    outer = smooth * outer + (1 - smooth) * muscle * np.stack([hip, 0 * hip + 1, 0 * hip + 1], axis=1)
    amount = (0.25 + 2.1 * build.fat) * np.exp(rng.normal(0, 0.15))
    return Profile(outer, hollow, fat * amount + 2.0)


def _smooth(rows: tuple[tuple[float, ...], ...], heights: Array) -> Array:
    """Interpolate a table of falling heights monotonically, ``(K, 3)``."""
    table = np.array(rows, dtype=float)[::-1]
    curve: Array = PchipInterpolator(table[:, 0], table[:, 1:])(heights)
    return curve


def _bump(heights: Array, low: float, high: float, soft: float) -> Array:
    """One between two heights, zero far from them."""
    bump: Array = 1 / (1 + np.exp((low - heights) / (soft / 3))) / (1 + np.exp((heights - high) / (soft / 3)))
    return bump
