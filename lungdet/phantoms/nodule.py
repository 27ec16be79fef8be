"""A nodule of a phantom: its shape, and the truth about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lungdet.records import NoduleType

from .capsules import Capsules, join

Array = NDArray[Any]

NoduleKind = Literal["solid", "part_solid", "ground_glass"]
NoduleLocation = Literal["isolated", "juxtapleural", "juxtavascular"]

CONTRAST_HU: dict[str, float] = {"solid": 200.0, "part_solid": 100.0, "ground_glass": 100.0}
VISIBLE_FRACTION = 0.7
LUMP_SHARPNESS = 8.0  # a lump falls to half of its height 24 degrees off its middle
PEAK_HU: dict[str, float] = {"solid": 120.0, "part_solid": 100.0, "ground_glass": 80.0}


@dataclass(frozen=True)
class PhantomNodule:
    """One nodule that was put into a phantom; everything is known about it.

    **Visible** means: over at least :data:`VISIBLE_FRACTION` of its volume it adds at least :data:`CONTRAST_HU` of its
    kind to what would be there without it (lung, vessels, airways; texture and noise aside). Its volume is the part
    of the shape that lies in the lung, so the box holds nothing that is hidden in the chest wall. And in the scan
    itself, before noise, it adds at least :data:`PEAK_HU` of its kind to the HU of its best voxel, which says that
    point spread and voxels have not washed out a tiny one.

    Attributes:
        center_lps_mm: centre of the box.
        box_lps_mm: ``(x0, y0, z0, x1, y1, z1)`` in LPS mm, tight around its volume.
        diameter_mm: diameter of a ball of the same volume.
        kind: its density.
        location: what it touches.
        contrast_hu: mean of what it adds to the HU that were there, over its volume.
        visible_fraction: part of its volume where it adds at least :data:`CONTRAST_HU` of its kind.
        peak_hu: what it adds to the HU of its best voxel in the scan without noise; before there is a scan, what it
            would add at 1.4 mm with the standard kernel, about.
        calcified: whether it has calcium in it; such ones are of the kind ``solid``.
        solid_fraction: part of its volume that is no ground glass.
        spiculation: 0 none, 1 many long strands, see :func:`~lungdet.phantoms.nodule_form.spiculation`.
        lobulation: 0 smooth, 1 very lumpy, see :func:`~lungdet.phantoms.nodule_form.lobulation`.
        sphericity: its shortest half axis over its longest.
        margin: how sharply it ends: 0 would fade into the lung, 1 steps up to soft tissue.
    """

    center_lps_mm: tuple[float, float, float]
    box_lps_mm: tuple[float, float, float, float, float, float]
    diameter_mm: float
    kind: NoduleKind
    location: NoduleLocation
    contrast_hu: float
    visible_fraction: float
    peak_hu: float = 0.0
    calcified: bool = False
    solid_fraction: float = 1.0
    spiculation: float = 0.0
    lobulation: float = 0.0
    sphericity: float = 1.0
    margin: float = 1.0

    def __post_init__(self) -> None:
        low, high = self.box_lps_mm[:3], self.box_lps_mm[3:]
        if any(b <= a for a, b in zip(low, high, strict=True)):
            raise ValueError(f"box_lps_mm must be min corner then max corner with a positive size: {self.box_lps_mm}")
        if self.diameter_mm <= 0:
            raise ValueError(f"diameter_mm must be positive, got {self.diameter_mm}")
        if not 0.0 <= self.visible_fraction <= 1.0:
            raise ValueError(f"visible_fraction must be in [0, 1], got {self.visible_fraction}")
        for name in ("solid_fraction", "spiculation", "lobulation", "sphericity", "margin"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be in [0, 1], got {getattr(self, name)}")
        if self.calcified and self.kind != "solid":
            raise ValueError(f"calcified nodules are of the kind solid, got {self.kind}")

    @property
    def type(self) -> NoduleType:
        """Its type as a reader names it: calcium counts before the density."""
        return "calcified" if self.calcified else self.kind


@dataclass(frozen=True)
class NoduleShape:
    """A lumpy ellipsoid with a density, in patient mm.

    Attributes:
        center: ``(3,)``.
        half_axes: ``(3,)`` before the lumps.
        rotation: ``(3, 3)``; its columns are the axes.
        lumps: ``(K, 4)`` unit direction and height of each lump as a part of the radius.
        kind: density.
        hu: of the solid part, or of the whole where it is ground glass.
        glass_hu: of the ground glass around a part-solid core.
        core: size of the solid or calcified core as a part of the radius; 0 for none.
        core_hu: HU in the core.
        spikes: thin strands that radiate from it; they do not count for its box.
        core_shift_mm: ``(3,)`` where the core lies off the centre; None for not at all.
    """

    center: Array
    half_axes: Array
    rotation: Array
    lumps: Array
    kind: NoduleKind
    hu: float
    core: float
    core_hu: float
    spikes: Capsules
    core_shift_mm: Array | None = None

    @property
    def reach_mm(self) -> float:
        """No part of it lies further than this from the centre, spikes aside."""
        height = 0.0
        if len(self.lumps):  # lumps far apart do not add up; between two near ones the sum may be a little higher
            near = np.exp(LUMP_SHARPNESS * (self.lumps[:, :3] @ self.lumps[:, :3].T - 1))
            height = min(1.15 * float((near @ self.lumps[:, 3]).max()), float(self.lumps[:, 3].sum()))
        return float(self.half_axes.max()) * (1 + height) + 0.5

    def level(self, points: Array) -> tuple[Array, Array]:
        """Place of ``(N, 3)`` points in it: 0 at the centre, 1 on the surface; and the radius there in mm."""
        local = ((points - self.center) @ self.rotation) / self.half_axes
        length = np.linalg.norm(local, axis=1)
        away = points - self.center
        distance = np.linalg.norm(away, axis=1)
        unit = away / np.maximum(distance, 1e-9)[:, None]
        lump = 1 + (np.exp(LUMP_SHARPNESS * (unit @ self.lumps[:, :3].T - 1)) * self.lumps[:, 3]).sum(axis=1)
        level = length / lump
        radius = np.where(level > 1e-6, distance / np.maximum(level, 1e-9), self.half_axes.min())
        return level, radius

    def distance_mm(self, points: Array) -> Array:
        """Signed distance to the surface along the ray from the centre, ``(N,)`` mm; negative inside."""
        level, radius = self.level(points)
        distance: Array = (level - 1) * radius
        return distance

    def density_hu(self, points: Array) -> Array:
        """HU of its tissue at ``(N, 3)`` points, wherever they lie."""
        if not self.core:
            return np.full(len(points), self.hu)
        level, radius = self.level(points if self.core_shift_mm is None else points - self.core_shift_mm)
        inner = np.clip(0.5 + (self.core - level) * radius / 1.5, 0, 1)
        hu: Array = self.hu + inner * (self.core_hu - self.hu)
        return hu


def draw_shape(
    rng: np.random.Generator, kind: NoduleKind, diameter_mm: float, center: Array, calcified: bool | None = None
) -> NoduleShape:
    """Draw a shape of about the given diameter around a point in patient mm.

    Args:
        rng: source of chance.
        kind: its density.
        diameter_mm: about.
        center: ``(3,)``.
        calcified: whether a solid one has calcium in it; None leaves that to chance, one in ten.
    """
    stretch = np.exp(rng.normal(0, 0.17, 3))
    half = diameter_mm / 2 * stretch / stretch.prod() ** (1 / 3)
    lumps = np.zeros((0, 4))
    if rng.random() < 0.75:  # lobulated
        directions = rng.normal(size=(int(rng.integers(3, 8 + int(diameter_mm / 3))), 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        lumps = np.column_stack([directions, rng.uniform(0.06, 0.36, len(directions))])
        half = half / (1 + 0.075 * lumps[:, 3].sum())  # the mean of a lump over all directions is 1/16 of its height
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    hu, core, core_hu = _draw_density(rng, kind, calcified)
    spikes = join([])
    if kind != "ground_glass" and diameter_mm > 7 and rng.random() < 0.4:
        spikes = _draw_spikes(rng, center, half)
    shift = rng.normal(0, 0.3 * (1 - core), 3) * half if kind == "part_solid" else None
    return NoduleShape(center, half, rotation, lumps, kind, hu, core, core_hu, spikes, shift)


def _draw_density(rng: np.random.Generator, kind: NoduleKind, calcified: bool | None) -> tuple[float, float, float]:
    if kind == "ground_glass":
        return rng.uniform(-660, -480), 0.0, 0.0
    if kind == "part_solid":
        return rng.uniform(-640, -480), rng.uniform(0.35, 0.65), rng.uniform(-20, 50)
    if rng.random() < 0.1 if calcified is None else calcified:
        return rng.uniform(30, 70), rng.uniform(0.4, 1.2), rng.uniform(220, 700)
    return rng.uniform(-40, 70), 0.0, 0.0


def _draw_spikes(rng: np.random.Generator, center: Array, half: Array) -> Capsules:
    count = int(rng.integers(6, 18))
    directions = rng.normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    size = float(half.mean())
    start = center + 0.8 * size * directions
    length = size * rng.uniform(0.4, 1.1, count) + 1.5
    end = start + length[:, None] * (directions + rng.normal(0, 0.15, (count, 3)))
    return Capsules(start, end, rng.uniform(0.6, 1.1, count), np.full(count, 0.25))
