"""What looks like a nodule in a slice of a chest but is none: its shape, its picture, and the truth about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .capsules import Capsules, coverage, join
from .thorax import Array, Thorax

LookalikeKind = Literal[
    "vessel_kink", "vessel_crossing", "vessel_branch", "scar", "lymph_node", "plaque", "apical_cap", "atelectasis"
]

SINK_MM = 1.0  # a layer on the pleura reaches this far into the wall, so that no lung shows between them
SHEET_STEP_MM = 1.5  # sampling of a layer
RIM_WAVE = 0.1  # height of the waves of its rim as a part of its width


@dataclass(frozen=True)
class PhantomLookalike:
    """Where a phantom shows something that is no nodule.

    Attributes:
        kind: what it is.
        center_lps_mm: centre of the box.
        box_lps_mm: ``(x0, y0, z0, x1, y1, z1)`` in LPS mm around all of it.
    """

    kind: LookalikeKind
    center_lps_mm: tuple[float, float, float]
    box_lps_mm: tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class Sheet:
    """A thin layer that grows thinner to its wavy rim, on the surface of a lung or free in it.

    Attributes:
        center: ``(3,)`` patient mm; on the surface if ``pleural``.
        axes: ``(3, 3)``; its rows are two directions along the layer and the normal.
        half_mm: ``(2,)`` half of its length and width.
        thickness_mm: at the middle.
        waves_rad: ``(2,)`` phases of the two waves of its rim.
        pleural: it lies on the lung's surface and follows it; otherwise it is plane and ends at the surface.
    """

    center: Array
    axes: Array
    half_mm: Array
    thickness_mm: float
    waves_rad: Array
    pleural: bool

    @property
    def reach_mm(self) -> float:
        """No part of it lies further than this from the centre in any direction along it."""
        return float(self.half_mm.max()) * (1 + 2 * RIM_WAVE)

    def distance_mm(self, points: Array, thorax: Thorax) -> Array:
        """Signed distance of ``(N, 3)`` points to its surface, about right near it, ``(N,)`` mm; negative inside."""
        away = (points - self.center) @ self.axes.T
        across = away[:, :2] / self.half_mm
        turn = np.arctan2(across[:, 1], across[:, 0])
        rim = 1 + RIM_WAVE * (np.cos(2 * turn + self.waves_rad[0]) + np.cos(3 * turn + self.waves_rad[1]))
        level = np.hypot(across[:, 0], across[:, 1]) / rim
        height = self.thickness_mm * np.sqrt(np.maximum(1 - level**2, 0))
        lung = thorax.lung_distance_mm(*points.T)
        if self.pleural:
            gap = np.maximum(-lung - height, lung - SINK_MM)
            gap = np.maximum(gap, np.abs(away[:, 2]) - self.thickness_mm - 0.6 * self.half_mm.max())  # not the far wall
        else:
            gap = np.maximum(np.abs(away[:, 2]) - height / 2, lung)
        distance: Array = np.maximum(gap, (level - 1) * self.half_mm.min())
        return distance


@dataclass(frozen=True)
class Lookalike:
    """Tubes or a layer with a density, in patient mm. Made by :func:`of_tubes` and :func:`of_sheet`.

    Attributes:
        kind: what it is.
        hu: its tissue.
        tubes: its capsules; none where it is a layer.
        sheet: the layer; None where it is made of capsules.
        low, high: ``(3,)`` corners of the box around it.
        balls: ``(M, 4)`` centres and radii of balls that cover it.
    """

    kind: LookalikeKind
    hu: float
    tubes: Capsules
    sheet: Sheet | None
    low: Array
    high: Array
    balls: Array

    def gap_mm(self, center: Array) -> float:
        """Distance of a ``(3,)`` point to its surface, about; negative inside."""
        return float((np.linalg.norm(self.balls[:, :3] - center, axis=1) - self.balls[:, 3]).min())

    def truth(self, offset_lps_mm: Array) -> PhantomLookalike:
        """Say where it is in LPS mm, ``offset_lps_mm`` being the middle of the chest."""
        low, high = (tuple(float(v) for v in corner + offset_lps_mm) for corner in (self.low, self.high))
        middle = tuple(float(v) for v in (self.low + self.high) / 2 + offset_lps_mm)
        return PhantomLookalike(self.kind, middle, (*low, *high))  # type: ignore[arg-type]


def of_tubes(kind: LookalikeKind, hu: float, tubes: Capsules) -> Lookalike:
    """Make a look-alike of capsules."""
    radii = np.stack([tubes.start_radius, tubes.end_radius])[..., None]
    ends = np.stack([tubes.start, tubes.end])
    centers, sizes = tubes.spheres(1.5)
    low, high = (ends - radii).min(axis=(0, 1)), (ends + radii).max(axis=(0, 1))
    return Lookalike(kind, hu, tubes, None, low, high, np.column_stack([centers, sizes]))


def of_sheet(kind: LookalikeKind, hu: float, sheet: Sheet, thorax: Thorax) -> Lookalike | None:
    """Make a look-alike of a layer; None if nothing of it lies in the lung."""
    reach = sheet.reach_mm + 2
    steps = np.arange(-reach, reach + SHEET_STEP_MM, SHEET_STEP_MM)
    points = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    local = np.abs(points @ sheet.axes.T)
    points = points[(local[:, :2] <= sheet.half_mm * (1 + 2 * RIM_WAVE)).all(axis=1)] + sheet.center
    points = points[sheet.distance_mm(points, thorax) < 0]
    if len(points) < 8:
        return None
    half = SHEET_STEP_MM / 2
    balls = np.column_stack([points, np.full(len(points), half * 3**0.5)])
    return Lookalike(kind, hu, join([]), sheet, points.min(axis=0) - half, points.max(axis=0) + half, balls)


def paint_lookalike(hu: NDArray[np.float32], axes: Sequence[Array], thorax: Thorax, lookalike: Lookalike) -> None:
    """Paint one look-alike into a block in place, where that raises the HU.

    Args:
        hu: ``(Z, Y, X)``.
        axes: voxel centres (x, y, z) in patient mm, evenly rising.
        thorax: of the patient.
        lookalike: what.
    """
    blur = float(axes[0][1] - axes[0][0])
    spans = []
    for axis, low, high in zip(axes, lookalike.low - blur, lookalike.high + blur, strict=True):
        first, last = int(np.searchsorted(axis, low)), int(np.searchsorted(axis, high))
        if first == last:
            return
        spans.append(slice(max(min(first, len(axis) - 2), 0), max(last, first + 2)))  # two tell the step
    places = [axis[span] for axis, span in zip(axes, spans, strict=True)]
    window = hu[spans[2], spans[1], spans[0]]
    if lookalike.sheet is None:
        part = coverage(lookalike.tubes, *places)
    else:
        z, y, x = np.meshgrid(*places[::-1], indexing="ij")
        points = np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1)
        gap = lookalike.sheet.distance_mm(points, thorax)
        part = np.clip(0.5 - gap / blur, 0, 1).reshape(window.shape).astype(np.float32)
    window += part * np.maximum(np.float32(lookalike.hu) - window, 0)
