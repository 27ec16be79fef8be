"""Superellipsoids, slice by slice: the primitive that a trunk's organs are painted with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Image = NDArray[np.float32]


@dataclass(frozen=True)
class Solid:
    """One organ or part of one, in standard mm (x left, y back, z head).

    Attributes:
        name: of the organ; several solids may share it.
        center: of the superellipsoid.
        radii: half axes.
        hu: of its inside.
        power: 2 an ellipsoid, 4 nearly a box.
        angle_deg: turns the first axis towards the back.
        lean: x and y that the centre moves per mm of height.
        grain_hu: how much texture shows.
        wobble_mm: how far its border strays from the ideal one.
        phase: of the wobble.
        rim_mm, rim_hu: thickness and HU of a wall or cortex.
        gas: level of gas in it, from -1 at the front (none) to 1 at the back (all).
        inside: clipped by the cavity of the trunk.
    """

    name: str
    center: tuple[float, float, float]
    radii: tuple[float, float, float]
    hu: float
    power: Literal[2, 4] = 2
    angle_deg: float = 0.0
    lean: tuple[float, float] = (0.0, 0.0)
    grain_hu: float = 4.0
    wobble_mm: float = 0.0
    phase: float = 0.0
    rim_mm: float = 0.0
    rim_hu: float = 0.0
    gas: float = -1.0
    inside: bool = False

    def section(self, z: float) -> tuple[float, float, float, float] | None:
        """Centre x, y and half axes of the section at a height; None where there is none."""
        offset = z - self.center[2]
        share = 1 - abs(offset / self.radii[2]) ** self.power
        if share <= 0.02:
            return None
        size = share ** (1 / self.power)
        return (
            self.center[0] + self.lean[0] * offset,
            self.center[1] + self.lean[1] * offset,
            self.radii[0] * size,
            self.radii[1] * size,
        )


def level(dx: Array, dy: Array, radii: tuple[float, float], power: int) -> Array:
    """Level of a superellipse, 1 on its border, growing evenly outwards from the middle."""
    across, back = (dx / radii[0]) ** 2, (dy / radii[1]) ** 2
    if power == 2:
        return np.sqrt(across + back)
    return np.sqrt(np.sqrt(across * across + back * back))


def paint_solid(
    image: Image, solid: Solid, z: float, x: Array, y: Array, pixel_mm: float, grain: Image, cavity: Image | None = None
) -> None:
    """Paint one solid's section into a slice, in place.

    Args:
        image: ``(Y, X)`` HU.
        solid: what to paint.
        z: height of the slice.
        x: ``(X,)`` rising pixel centres, float32.
        y: ``(Y,)`` likewise.
        pixel_mm: width of the soft border.
        grain: ``(Y, X)`` unit texture.
        cavity: ``(Y, X)`` share of the trunk's cavity; solids that are ``inside`` are clipped by it.
    """
    section = solid.section(z)
    if section is None:
        return
    cx, cy, a, b = section
    turn = np.deg2rad(solid.angle_deg)
    cos, sin = float(np.cos(turn)), float(np.sin(turn))
    loose = (1.2 if solid.power == 4 and solid.angle_deg else 1.0, pixel_mm + solid.wobble_mm)
    reach_x, reach_y = (
        loose[0] * float(np.hypot(p, q)) + loose[1] for p, q in ((a * cos, b * sin), (a * sin, b * cos))
    )
    columns = slice(*np.searchsorted(x, (cx - reach_x, cx + reach_x)))
    rows = slice(*np.searchsorted(y, (cy - reach_y, cy + reach_y)))
    dx, dy = x[columns][None, :] - np.float32(cx), y[rows][:, None] - np.float32(cy)
    if not dx.size or not dy.size:
        return
    if solid.wobble_mm:
        wave = np.float32(3.4 / (a + b))
        swing = np.float32(solid.wobble_mm)
        dx, dy = (
            dx + swing * np.sin(2 * wave * dy + np.float32(solid.phase + 0.03 * z)),
            dy + swing * np.sin(2 * wave * dx + np.float32(2 * solid.phase + 0.04 * z)),
        )
    if solid.angle_deg:
        dx, dy = dx * np.float32(cos) + dy * np.float32(sin), dy * np.float32(cos) - dx * np.float32(sin)
    size = float(np.sqrt(a * b))
    depth = (1 - level(dx, dy, (a, b), solid.power)) * np.float32(size / pixel_mm)  # in pixels
    cover = np.clip(depth + np.float32(0.5), 0, 1)
    if solid.inside and cavity is not None:
        cover *= cavity[rows, columns]
    window = image[rows, columns]
    value: Any = np.float32(solid.hu)
    if solid.grain_hu:
        value = value + np.float32(solid.grain_hu) * grain[rows, columns]
    if solid.gas > -1:
        air = np.clip(np.float32(0.5) + (np.float32(solid.gas * b) - dy) / np.float32(pixel_mm), 0, 1)
        value = value + air * (np.float32(-930) - value)
    if solid.rim_mm:
        core = np.clip(depth + np.float32(0.5 - solid.rim_mm / pixel_mm), 0, 1)
        value = np.float32(solid.rim_hu) + core * (value - np.float32(solid.rim_hu))
    window += cover * (value - window)
