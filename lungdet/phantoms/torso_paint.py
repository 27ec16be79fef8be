"""Paint a trunk, one slice after the other, without a volume in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .capsules import Capsules, coverage
from .torso_build import Build
from .torso_grain import Grain
from .torso_profile import FRONT_SHARE, Array, Outline, Profile
from .torso_solids import Image, Solid, paint_solid
from .torso_vessels import Tubes

AIR_HU, SKIN_HU = -1000.0, 10.0
DOMES_MM = (370.0, 358.0)  # right, left; their mean is the landmark
SPINE_SHARE = 0.15  # of the chest's depth that the spine takes
RECESS_MM = 262.0  # the lungs reach no deeper
CROTCH_MM = -58.0


@dataclass(frozen=True)
class Anatomy:
    """All of one patient in standard mm.

    Attributes:
        build: choices.
        profile: outlines.
        beside: solids painted before the trunk: breasts, raised shoulders.
        surface: solids painted on its muscles: fat in the armpits, thighs.
        below: organs painted before the lungs.
        above: organs painted after the lungs.
        spine: vertebrae and sacrum.
        bones: long and flat bones.
        cartilages: of the ribs.
        arms: middle lines with the radius of the skin.
        tubes: vessels, airways, muscles.
        grain: texture of all tissues.
        planes: where fat runs between muscles: at its zeros.
    """

    build: Build
    profile: Profile
    beside: list[Solid]
    surface: list[Solid]
    below: list[Solid]
    above: list[Solid]
    spine: list[Solid]
    bones: Capsules
    cartilages: Capsules
    arms: Capsules
    tubes: Tubes
    grain: Grain
    planes: Grain


class TorsoPainter:
    """Paints slices of one patient in standard mm on one grid.

    Args:
        anatomy: of the patient.
    """

    def __init__(self, anatomy: Anatomy) -> None:
        self.anatomy = anatomy

    def paint(self, z: float, x: Array, y: Array) -> Image:
        """Paint the slice at standard height ``z`` on evenly rising pixel centres, ``(Y, X)`` HU."""
        canvas = _Canvas(self.anatomy, z, x, y)
        canvas.arms()
        canvas.trunk()
        canvas.solids(self.anatomy.surface)
        canvas.cavity()
        canvas.solids(self.anatomy.below)
        canvas.lungs()
        canvas.solids(self.anatomy.above)
        canvas.tubes()
        canvas.solids(self.anatomy.spine)
        canvas.skeleton()
        return canvas.image


class _Canvas:
    """One slice while it is painted."""

    def __init__(self, anatomy: Anatomy, z: float, x: Array, y: Array) -> None:
        self.anatomy, self.z, self.hu = anatomy, z, anatomy.build.tissue_hu
        self.x, self.y = x.astype(np.float32), y.astype(np.float32)
        self.pixel = float(abs(x[1] - x[0]) + abs(y[1] - y[0])) / 2
        self.grain = anatomy.grain.slice(z, self.x, self.y)
        self.image: Image = np.full((len(y), len(x)), AIR_HU, dtype=np.float32)
        self.inside: Image = np.zeros_like(self.image)
        self.spine = SPINE_SHARE if z > RECESS_MM else 0.0

    def solids(self, solids: list[Solid]) -> None:
        """Paint solids in their order."""
        for solid in solids:
            if abs(self.z - solid.center[2]) < solid.radii[2]:
                paint_solid(self.image, solid, self.z, self.x, self.y, self.pixel, self.grain, self.inside)

    def outline(self, outline: Outline, square: float, spine: float = 0.0) -> tuple[tuple[slice, slice], Any]:
        """The window that holds an outline, and how many pixels deep each of its pixels lies."""
        wide, long = 1.2 * outline.half_width, 1.08 * outline.half_depth
        columns = slice(*np.searchsorted(self.x, (-wide - self.pixel, wide + self.pixel)))
        rows = slice(*np.searchsorted(self.y, (outline.center_y - long, outline.center_y + long)))
        x, y = self.x[columns], self.y[rows]
        along, deep = self.anatomy.profile.bend(self.z, x, y, outline, spine)
        across = (x / np.float32(max(outline.half_width, 1.0))) ** 2
        back = ((y - np.float32(outline.center_y)) / np.float32(max(outline.half_depth, 1.0))) ** 2
        groove = back * np.where(y < outline.center_y, np.float32(FRONT_SHARE), np.float32(1.0))
        squares = across[None, :] * (along**2)[:, None], back[:, None] + groove[:, None] * (deep**2 - 1)[None, :]
        level = np.sqrt(squares[0] + squares[1])
        boxy = np.sqrt(np.sqrt(squares[0] ** 2 + squares[1] ** 2))
        level += np.float32(square) * (boxy - level)
        size = np.sqrt(max(outline.half_width * outline.half_depth, 1.0))
        return (rows, columns), (1 - level) * np.float32(size / self.pixel)

    def arms(self) -> None:
        """Arms and breasts: what stands apart from the trunk."""
        arms = self.anatomy.arms
        for shrink, hu in ((1.0, self.hu["fat"]), (0.78, self.hu["muscle"])):
            self.draw(arms.grown(shrink, 0.0), hu)
        self.solids(self.anatomy.beside)

    def trunk(self) -> None:
        """Skin, fat, and muscles with the planes of fat between them."""
        if self.z < CROTCH_MM:
            return
        profile = self.anatomy.profile
        where, depth = self.outline(profile.skin_at(self.z), 0.55)
        cover = np.clip(depth + np.float32(0.5), 0, 1)
        skin = np.clip(1 - np.abs(depth - np.float32(1.2 / self.pixel)) * np.float32(self.pixel / 1.6), 0, 1)
        fat = np.float32(self.hu["fat"]) + np.float32(6) * self.grain[where]
        fat += skin * (np.float32(SKIN_HU) - fat) * np.float32(min(1.0, 1.8 / self.pixel))
        self.image[where] += cover * (fat - self.image[where])
        where, depth = self.outline(profile.muscle_at(self.z), 0.5)
        self.muscle(where, np.clip(depth + np.float32(0.5), 0, 1), depth * np.float32(self.pixel))

    def muscle(self, where: tuple[slice, slice], cover: Image, depth_mm: Image) -> None:
        """Muscles in a window: fat runs between them in winding planes, and in one layer along the wall."""
        planes = self.anatomy.planes.slice(self.z, self.x[where[1]], self.y[where[0]])
        wide = np.float32(max(1.6, self.pixel))
        streak = np.clip(1 - np.abs(planes) * np.float32(14.0 / wide), 0, 1)
        layer = np.clip(1 - np.abs(depth_mm - 10 - 4 * planes) / wide, 0, 1)
        fat = np.maximum(streak, layer) * np.float32(min(0.8, 1.6 / self.pixel))
        value = np.float32(self.hu["muscle"]) + np.float32(5) * self.grain[where]
        value += fat * (np.float32(self.hu["fat"]) - value)
        self.image[where] += cover * (value - self.image[where])

    def cavity(self) -> None:
        """The cavity of chest, belly and pelvis, filled with fat."""
        outline = self.anatomy.profile.cavity_at(self.z)
        if outline.half_width < 5:
            return
        where, depth = self.outline(outline, 0.35, self.spine)
        cover = np.clip(depth + np.float32(0.5), 0, 1)
        self.inside[where] = cover
        fat = np.float32(self.hu["fat"] + 4) + np.float32(9) * self.grain[where]
        self.image[where] += cover * (fat - self.image[where])

    def lungs(self) -> None:
        """Both lungs: all of the cavity above the diaphragm; the mediastinum is painted over them."""
        outline = self.anatomy.profile.cavity_at(self.z)
        if self.z < RECESS_MM or outline.half_width < 8:
            return
        (rows, columns), _ = where, depth = self.outline(outline, 0.35, self.spine)
        cover = np.clip(depth - np.float32(1.5 / self.pixel - 0.5), 0, 1)
        y = self.y[rows][:, None]
        if self.z < max(DOMES_MM):
            x = self.x[columns][None, :]
            height = self.diaphragm_mm(x, y)
            above = np.float32(self.z) - height
            muscle = np.clip((above + 6) / np.float32(4), 0, 1) * cover
            window = self.image[where]
            window += muscle * (np.float32(self.hu["muscle"]) - window)
            cover *= np.clip(above / np.float32(3), 0, 1)
        lung = np.float32(self.hu["lung"]) + np.float32(0.45) * y + np.float32(16) * self.grain[where]
        self.image[where] += cover * (lung - self.image[where])
        if len(self.anatomy.tubes.lung):
            vessels = self.fill(self.anatomy.tubes.lung)
            if vessels is not None:
                self.image[where] += vessels[where] * cover * (np.float32(self.hu["vein"]) - self.image[where])

    def diaphragm_mm(self, x: Array, y: Array) -> Array:
        """Standard height of the diaphragm at ``x`` and ``y``: two domes that fall to the wall, most at the back."""
        wide = np.float32(self.anatomy.profile.cavity_at(330.0).half_width / 134)
        off = np.abs(x) / wide - 58
        side = np.where(off > 0, off / np.float32(76), off / np.float32(150))
        back = (y + np.float32(12)) / np.float32(94)
        middle, half = (DOMES_MM[0] + DOMES_MM[1]) / 2, (DOMES_MM[0] - DOMES_MM[1]) / 2
        dome = np.float32(middle) - np.float32(half) * np.tanh(x / np.float32(30))
        height: Array = dome - (np.float32(78) + np.float32(0.28) * y) * (side * side + back * back)
        return height

    def tubes(self) -> None:
        """Muscles along the trunk, vessels, gullet and airways."""
        tubes = self.anatomy.tubes
        self.draw(tubes.muscle, self.hu["muscle"] + 3)
        self.draw(tubes.gullet, 38.0)
        self.draw(tubes.vein, self.hu["vein"])
        self.draw(tubes.pulmonary, self.hu["pulmonary"])
        self.draw(tubes.artery, self.hu["artery"])
        self.draw(tubes.airway.grown(1.08, 1.2), 30.0)
        self.draw(tubes.airway, -985.0)

    def skeleton(self) -> None:
        """Ribs with their cartilages, shoulders, pelvis, thighs: a cortex around marrow."""
        dense = self.anatomy.build.bone
        self.draw(self.anatomy.cartilages, 110.0)
        self.draw(self.anatomy.bones, 480 * dense + 120)
        self.draw(self.anatomy.bones.grown(0.93, -1.7), 10 + 110 * dense)

    def fill(self, capsules: Capsules) -> Image | None:
        """How much of each pixel capsules fill; None if they do not reach this slice."""
        reach = np.maximum(capsules.start_radius, capsules.end_radius) + 1
        low = np.minimum(capsules.start[:, 2], capsules.end[:, 2]) - reach
        high = np.maximum(capsules.start[:, 2], capsules.end[:, 2]) + reach
        near = (low < self.z) & (high > self.z) & (np.maximum(capsules.start_radius, capsules.end_radius) > 0.3)
        if not near.any():
            return None
        return coverage(capsules.select(near), self.x, self.y, np.array([self.z]))[0]

    def draw(self, capsules: Capsules, hu: float) -> None:
        """Paint capsules of one tissue."""
        cover = self.fill(capsules)
        if cover is not None:
            self.image += cover * (np.float32(hu) - self.image)
