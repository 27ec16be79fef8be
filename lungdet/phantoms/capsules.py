"""Tapered capsules: the one primitive that vessels, airways and thin bones are drawn with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

CHUNK = 1 << 19  # candidate voxels treated at once: the work arrays stay in the cache


@dataclass(frozen=True)
class Capsules:
    """``N`` capsules whose radius changes linearly from one end to the other.

    Attributes:
        start, end: ``(N, 3)`` mm.
        start_radius, end_radius: ``(N,)`` mm.
    """

    start: Array
    end: Array
    start_radius: Array
    end_radius: Array

    def __len__(self) -> int:
        return len(self.start)

    def select(self, keep: Array) -> Capsules:
        """Take some of them, by mask or index."""
        return Capsules(self.start[keep], self.end[keep], self.start_radius[keep], self.end_radius[keep])

    def grown(self, scale: float, margin_mm: float) -> Capsules:
        """Change all radii to ``scale * radius + margin_mm``."""
        return Capsules(
            self.start, self.end, scale * self.start_radius + margin_mm, scale * self.end_radius + margin_mm
        )

    def spheres(self, step_mm: float = 2.0) -> tuple[Array, Array]:
        """Sample them as balls: centres ``(M, 3)`` and radii ``(M,)``."""
        length = np.linalg.norm(self.end - self.start, axis=1)
        counts = np.maximum(np.ceil(length / step_mm).astype(int), 1) + 1
        index = np.repeat(np.arange(len(self)), counts)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        part = within / (counts[index] - 1)
        centers = self.start[index] + part[:, None] * (self.end - self.start)[index]
        return centers, self.start_radius[index] + part * (self.end_radius - self.start_radius)[index]

    def distance_mm(self, points: Array, within_mm: float = np.inf) -> Array:
        """Signed distance of points to the surface of the nearest of the capsules.

        Args:
            points: ``(M, 3)`` mm.
            within_mm: capsules that lie further from all points may be left out: then their distance is not known.

        Returns:
            ``(M,)`` mm, negative inside; +inf where no capsule is known.
        """
        best = np.full(len(points), np.inf)
        if not len(self) or not len(points):
            return best
        reach = within_mm + np.maximum(self.start_radius, self.end_radius)[:, None]
        low, high = np.minimum(self.start, self.end) - reach, np.maximum(self.start, self.end) + reach
        near = self.select(((low <= points.max(axis=0)) & (high >= points.min(axis=0))).all(axis=1))
        batch = max(1, CHUNK // max(len(points), 1))
        for first in range(0, len(near), batch):
            some = near.select(np.arange(first, min(first + batch, len(near))))
            np.minimum(best, _gaps(some, points).min(axis=0), out=best)
        return best


def _gaps(capsules: Capsules, points: Array) -> Array:
    """Signed distance of every point to every capsule, ``(N, M)`` mm."""
    axis = capsules.end - capsules.start
    square = np.maximum((axis**2).sum(axis=1), 1e-9)[:, None]
    # |p - a|^2 and (p - a).axis from products: no (N, M, 3) array is made
    along = axis @ points.T - (axis * capsules.start).sum(axis=1)[:, None]
    part = np.clip(along / square, 0, 1)
    from_start = (points**2).sum(axis=1) - 2 * capsules.start @ points.T + (capsules.start**2).sum(axis=1)[:, None]
    away = np.sqrt(np.maximum(from_start - 2 * part * along + part**2 * square, 0))
    gaps: Array = away - capsules.start_radius[:, None] - part * (capsules.end_radius - capsules.start_radius)[:, None]
    return gaps


def join(parts: Sequence[Capsules]) -> Capsules:
    """Put several sets into one; none gives an empty set."""
    if not parts:
        return Capsules(np.empty((0, 3)), np.empty((0, 3)), np.empty(0), np.empty(0))
    return Capsules(
        np.concatenate([part.start for part in parts]),
        np.concatenate([part.end for part in parts]),
        np.concatenate([part.start_radius for part in parts]),
        np.concatenate([part.end_radius for part in parts]),
    )


def tube(points: Sequence[Sequence[float] | Array] | Array, radii: Sequence[float] | Array) -> Capsules:
    """A tube through ``(M, 3)`` points in mm with a radius at each, rounded by a Catmull-Rom spline."""
    knots, sizes = np.asarray(points, dtype=float), np.asarray(radii, dtype=float)
    padded = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    curve, radius = [knots[:1]], [sizes[:1]]
    for i in range(len(knots) - 1):
        p0, p1, p2, p3 = padded[i : i + 4]
        for t in (0.25, 0.5, 0.75, 1.0):
            bend = 2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3
            curve.append(0.5 * bend[None])
            radius.append(np.array([(1 - t) * sizes[i] + t * sizes[i + 1]]))
    path, width = np.concatenate(curve), np.concatenate(radius)
    return Capsules(path[:-1], path[1:], width[:-1], width[1:])


def coverage(
    capsules: Capsules, x: Array, y: Array, z: Array, out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Draw capsules on a regular grid: how much of each voxel they fill.

    Tubes thinner than a voxel keep their cross-section's area, so they fade on coarse grids as on a scanner.

    Args:
        capsules: in the frame of the grid, mm.
        x: ``(X,)`` evenly rising voxel centres in mm.
        y: ``(Y,)`` likewise.
        z: ``(Z,)`` likewise.
        out: ``(Z, Y, X)`` C-ordered to draw on, the larger value wins; made if None.

    Returns:
        ``(Z, Y, X)`` in ``[0, 1]``.
    """
    axes = (x, y, z)
    if out is None:
        out = np.zeros((len(z), len(y), len(x)), dtype=np.float32)
    steps = [float(axis[1] - axis[0]) if len(axis) > 1 else 1.0 for axis in axes]
    blur = float(np.mean([min(step, 2.0) for step in steps]))
    low, size = _windows(capsules, axes, steps, blur)
    used = np.flatnonzero((size > 0).all(axis=1))
    counts = size[used].prod(axis=1)
    if not len(used):
        return out
    for part in np.split(used, np.flatnonzero(np.diff(np.cumsum(counts) // CHUNK)) + 1):
        _draw(capsules.select(part), low[part], size[part], axes, blur, out)
    return out


def _windows(capsules: Capsules, axes: Sequence[Array], steps: list[float], blur: float) -> tuple[Array, Array]:
    """First voxel and size of the box of voxels that each capsule can reach, ``(N, 3)`` int each."""
    reach = np.maximum(capsules.start_radius, capsules.end_radius)[:, None] + blur / 2
    first = np.array([axis[0] for axis in axes])
    limit = np.array([len(axis) for axis in axes])
    low = np.ceil((np.minimum(capsules.start, capsules.end) - reach - first) / steps).astype(int)
    high = np.floor((np.maximum(capsules.start, capsules.end) + reach - first) / steps).astype(int) + 1
    low, high = np.clip(low, 0, limit), np.clip(high, 0, limit)
    return low, high - low


def _draw(
    capsules: Capsules, low: Array, size: Array, axes: Sequence[Array], blur: float, out: NDArray[np.float32]
) -> None:
    """Draw a chunk: one flat list of candidate voxels of all its capsules."""
    counts = size.prod(axis=1)
    owner = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    across = size[owner, 0]
    i = low[owner, 0] + within % across
    within //= across
    j = low[owner, 1] + within % size[owner, 1]
    k = low[owner, 2] + within // size[owner, 1]
    points = [axis.astype(np.float32)[index] for axis, index in zip(axes, (i, j, k), strict=True)]
    start, along = capsules.start.astype(np.float32), (capsules.end - capsules.start).astype(np.float32)
    square = np.maximum((along**2).sum(axis=1), np.float32(1e-6))
    offset = [point - start[owner, n] for n, point in enumerate(points)]
    part = sum(offset[n] * (along[:, n] / square)[owner] for n in range(3))
    part = np.clip(part, 0, 1, out=part)
    away = np.sqrt(sum((offset[n] - part * along[owner, n]) ** 2 for n in range(3)))
    radius = capsules.start_radius.astype(np.float32)[owner]
    radius += part * (capsules.end_radius - capsules.start_radius).astype(np.float32)[owner]
    fill = np.clip(0.5 + (radius - away) / blur, 0, 1)
    fill *= np.where(radius < blur, radius**2 / (radius**2 + blur**2 / 12), np.float32(1.0))
    hit = fill > 0.004
    place = (k[hit] * len(axes[1]) + j[hit]) * len(axes[0]) + i[hit]
    np.maximum.at(out.reshape(-1), place, fill[hit])
