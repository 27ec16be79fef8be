"""A lesion of a torso: its own shape and grain, which it keeps while it grows or shrinks from study to study."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .capsules import join
from .nodule import NoduleShape
from .torso_lesion_look import LesionLook, draw_within

Array = NDArray[Any]
Image = NDArray[np.float32]

LesionChange = Literal["stable", "grows", "shrinks", "vanishes", "appears"]

WAVES = 10  # of its grain
WAVELENGTHS = (0.35, 1.1)  # parts of the radius
RIM_PLACE, RIM_WIDTH = 0.88, 0.09
RAYS, ROUNDS = 180, 18  # of an outline; half-steps of the search along a ray
SPARE_MM = 1.0  # the margin is soft beyond the surface


@dataclass(frozen=True)
class LesionGrain:
    """Texture that moves with the lesion: plane waves in its own frame, mean 0 and deviation 1.

    Attributes:
        waves: ``(K, 3)`` wave numbers in parts of the radius.
        phases: ``(K,)``.
    """

    waves: Array
    phases: Array

    def at(self, local: Array) -> Array:
        """Value at ``(N, 3)`` places in parts of the radius: ``(N,)``."""
        value: Array = np.sqrt(2 / len(self.waves)) * np.sin(local @ self.waves.T + self.phases).sum(axis=1)
        return value


@dataclass(frozen=True)
class LesionState:
    """A lesion as it is at the time of one study. It can paint itself into slices of a torso.

    Attributes:
        identity: what it is called in all studies.
        lesion_type: 1 to 8, key of ``LESION_TYPES``.
        shape: its surface, in LPS mm of the torso.
        radius_mm: of a ball of about the same volume.
        hu: of its main part; ``core_hu`` of the inner one, if ``core`` is more than 0.
        core: size of the inner part as a part of the radius.
        core_hu: density of the inner part.
        rim_hu: what a ring under the surface adds.
        grain: its texture.
        grain_hu: height of the texture.
        edge_mm: width of the margin.
        keeps_brighter: brighter structures show through.
    """

    identity: str
    lesion_type: int
    shape: NoduleShape
    radius_mm: float
    hu: float
    core: float
    core_hu: float
    rim_hu: float
    grain: LesionGrain
    grain_hu: float
    edge_mm: float
    keeps_brighter: bool

    @property
    def center_mm(self) -> Array:
        """Middle, ``(3,)`` LPS mm."""
        return self.shape.center

    @property
    def reach_mm(self) -> float:
        """No part of it lies further than this from the middle."""
        return self.shape.reach_mm + self.edge_mm / 2 + SPARE_MM

    def paint(self, hu: Image, z_mm: Array, x_mm: Array, y_mm: Array) -> None:
        """Paint it into slices, in place.

        Args:
            hu: ``(N, Y, X)`` HU.
            z_mm: ``(N,)`` heights of the slices.
            x_mm: ``(X,)`` voxel centres, evenly rising.
            y_mm: ``(Y,)`` voxel centres, evenly rising.
        """
        columns = _window(x_mm, self.center_mm[0], self.reach_mm)
        rows = _window(y_mm, self.center_mm[1], self.reach_mm)
        if columns.start >= columns.stop or rows.start >= rows.stop:
            return
        for plane in np.flatnonzero(np.abs(np.asarray(z_mm) - self.center_mm[2]) < self.reach_mm):
            across, down = np.meshgrid(x_mm[columns], y_mm[rows])
            points = np.column_stack([across.ravel(), down.ravel(), np.full(across.size, float(z_mm[plane]))])
            part, value = self.tissue(points)
            here = hu[plane, rows, columns]
            told = value.reshape(here.shape)
            if self.keeps_brighter:
                told = np.maximum(told, here)
            here += (part.reshape(here.shape) * (told - here)).astype(np.float32)

    def tissue(self, points: Array) -> tuple[Array, Array]:
        """What it is at ``(N, 3)`` points: how much of it is there, 0 to 1, and its HU; both ``(N,)``."""
        level, radius = self.shape.level(points)
        part = np.clip(0.5 - (level - 1) * radius / self.edge_mm, 0, 1)
        local = ((points - self.center_mm) @ self.shape.rotation) / self.radius_mm
        value = self.hu + self.grain_hu * self.grain.at(local)
        if self.rim_hu:
            value = value + self.rim_hu * np.exp(-(((level - RIM_PLACE) / RIM_WIDTH) ** 2))
        if self.core:
            inner = np.clip(0.5 + (self.core - level) * radius / 2.0, 0, 1)
            value = value + inner * (self.core_hu + 0.3 * self.grain_hu * self.grain.at(1.7 * local) - value)
        return part, value

    def outline_mm(self, z_mm: float) -> Array | None:
        """Its surface in one slice, ``(180, 2)`` points ``(x, y)`` in mm around the middle; None if it is not there."""
        middle = np.array([*self.center_mm[:2], z_mm])
        if float(self.shape.level(middle[None] + 1e-6)[0][0]) >= 1:
            return None
        turn = np.arange(RAYS) * (2 * np.pi / RAYS)
        ways = np.column_stack([np.cos(turn), np.sin(turn), np.zeros(RAYS)])
        low, high = np.zeros(RAYS), np.full(RAYS, 1.05 * self.shape.reach_mm)
        for _ in range(ROUNDS):
            half = (low + high) / 2
            inside = self.shape.level(middle + half[:, None] * ways)[0] < 1
            low, high = np.where(inside, half, low), np.where(inside, high, half)
        outline: Array = middle[:2] + low[:, None] * ways[:, :2]
        return outline


@dataclass(frozen=True)
class TorsoLesion:
    """One lesion of a patient over all studies; ``state`` tells how it is in one of them.

    Attributes:
        identity: what it is called in all studies: ``000001-02``.
        change: how it goes.
        look: which look of its type it has.
        first: the lesion at its first study; the others follow from it.
        scale: size at each study against the first one; 0 where it is not there.
        shift_mm: ``(studies, 3)`` by which breath and bedding move it, LPS mm.
    """

    identity: str
    change: LesionChange
    look: str
    first: LesionState
    scale: tuple[float, ...]
    shift_mm: Array

    @property
    def lesion_type(self) -> int:
        """1 to 8, key of ``LESION_TYPES``."""
        return self.first.lesion_type

    def state(self, study: int) -> LesionState | None:
        """How it is at a study, counted from 0; None if it is not there."""
        scale = self.scale[study]
        if not scale:
            return None
        shape = self.first.shape
        moved = replace(shape, center=shape.center + self.shift_mm[study], half_axes=shape.half_axes * scale)
        return replace(self.first, shape=moved, radius_mm=self.first.radius_mm * scale)


def draw_state(
    rng: np.random.Generator, identity: str, lesion_type: int, look: LesionLook, around_hu: float
) -> LesionState:
    """Draw a lesion of radius 1 mm at the origin.

    Args:
        rng: source of chance.
        identity: what it is called.
        lesion_type: 1 to 8.
        look: one of its type's.
        around_hu: density of the tissue that it will lie in.
    """
    half = np.exp(rng.normal(0, look.stretch, 3))
    count = int(rng.integers(look.lumps[0], look.lumps[1] + 1))
    ways = rng.normal(size=(count, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    lumps = np.column_stack([ways, rng.uniform(*look.lump, count)])
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    shape = NoduleShape(np.zeros(3), half / half.prod() ** (1 / 3), rotation, lumps, "solid", 0.0, 0.0, 0.0, join([]))
    waves = rng.normal(size=(WAVES, 3))
    waves *= (2 * np.pi / rng.uniform(*WAVELENGTHS, WAVES) / np.linalg.norm(waves, axis=1))[:, None]
    return LesionState(
        identity=identity,
        lesion_type=lesion_type,
        shape=shape,
        radius_mm=1.0,
        hu=draw_within(rng, look.hu) + (around_hu if look.relative else 0.0),
        core=draw_within(rng, look.core),
        core_hu=draw_within(rng, look.core_hu),
        rim_hu=draw_within(rng, look.rim_hu),
        grain=LesionGrain(waves, rng.uniform(0, 2 * np.pi, WAVES)),
        grain_hu=draw_within(rng, look.grain_hu),
        edge_mm=draw_within(rng, look.edge_mm),
        keeps_brighter=look.keeps_brighter,
    )


def _window(axis: Array, middle: float, reach: float) -> slice:
    """Indices of an evenly rising axis that lie within ``reach`` of ``middle``."""
    first, last = np.searchsorted(axis, (middle - reach, middle + reach))
    return slice(int(first), int(last))
