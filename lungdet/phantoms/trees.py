"""Branching vessels and airways that fill a lung."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .capsules import Capsules

Array = NDArray[Any]

MURRAY = 2.8  # radius of the parent to this power is the sum over its branches


def sample_inside(
    rng: np.random.Generator, inside: Callable[[Array], Array], low: Array, high: Array, count: int
) -> Array:
    """Draw ``(count, 3)`` points evenly in a region by rejection.

    Args:
        rng: source of chance.
        inside: says for ``(M, 3)`` points which ones are in the region.
        low: lower corner of a box around it, ``(3,)`` mm.
        high: upper corner.
        count: how many points.

    Raises:
        ValueError: hardly any point of the box is in the region.
    """
    kept: list[Array] = []
    found = 0
    for _ in range(200):
        points = rng.uniform(low, high, (2 * count + 64, 3))
        kept.append(points[inside(points)])
        found += len(kept[-1])
        if found >= count:
            return np.concatenate(kept)[:count]
    raise ValueError(f"only {found} of {count} points fell into the region between {low} and {high}")


def grow_tree(rng: np.random.Generator, root: Array, tips: Array, tip_radius_mm: float, largest_mm: float) -> Capsules:
    """Grow a tree from ``root`` that ends in every one of ``tips``.

    The tips are halved again and again along their longest extent; each half hangs on a branch that runs towards its
    middle and bends out of its parent. Radii follow Murray's law.

    Args:
        rng: source of chance.
        root: ``(3,)`` mm.
        tips: ``(N, 3)`` mm.
        tip_radius_mm: radius at the tips.
        largest_mm: radii are cut here.

    Returns:
        All pieces of all branches.
    """
    pieces: list[tuple[Array, Array]] = []
    sizes, points = np.array([len(tips)]), tips
    base, heading = root[None], _unit(tips.mean(axis=0, keepdims=True) - root)
    while len(sizes):
        knots, radii = _reach(rng, base, heading, points, sizes, tip_radius_mm, largest_mm)
        pieces.append((knots, radii))
        more = sizes > 1
        heading = np.repeat(_unit(knots[more, 2] - knots[more, 1]), 2, axis=0)
        base = np.repeat(knots[more, 2], 2, axis=0)
        points, sizes = _halve(rng, points[np.repeat(more, sizes)], sizes[more])
    return _bend(np.concatenate([part[0] for part in pieces]), np.concatenate([part[1] for part in pieces]))


def companions(vessels: Capsules, smallest_mm: float, ratio: float, gap_mm: float) -> Capsules:
    """Airways that run beside the larger arteries.

    Args:
        vessels: arteries.
        smallest_mm: arteries thinner than this have none that is seen.
        ratio: radius of the lumen over that of the artery.
        gap_mm: room for the wall.

    Returns:
        The lumens.
    """
    thick = vessels.select(vessels.start_radius >= smallest_mm)
    along = thick.end - thick.start
    side = np.cross(along, [0.25, 0.3, 1.0])
    norm = np.linalg.norm(side, axis=1, keepdims=True)
    side /= np.maximum(norm, 1e-6)
    reach = (1 + ratio) * 0.9
    return Capsules(
        thick.start + side * (reach * thick.start_radius + gap_mm)[:, None],
        thick.end + side * (reach * thick.end_radius + gap_mm)[:, None],
        ratio * thick.start_radius,
        ratio * thick.end_radius,
    )


def _reach(
    rng: np.random.Generator,
    base: Array,
    heading: Array,
    points: Array,
    sizes: Array,
    tip_radius_mm: float,
    largest_mm: float,
) -> tuple[Array, Array]:
    """One branch for each group of tips: ``(G, 3, 3)`` knots of a quadratic curve and ``(G, 2)`` radii."""
    middle = np.add.reduceat(points, np.cumsum(sizes) - sizes) / sizes[:, None]
    early = np.where((sizes > 6) & (sizes < 160), 0.26, 0.42)  # segments fork early, so that their branches run far
    part = np.where(sizes > 1, early + rng.uniform(0, 0.14, len(sizes)), 1.0)[:, None]
    away = part * (middle - base)
    length = np.linalg.norm(away, axis=1, keepdims=True)
    control = base + 0.5 * away + 0.18 * length * (heading - _unit(away))
    control += rng.normal(0, 0.05, away.shape) * length
    radius = np.minimum(tip_radius_mm * sizes ** (1 / MURRAY), largest_mm)
    ending = np.where(sizes > 1, 0.88 * radius, 0.7 * tip_radius_mm)
    return np.stack([base, control, base + away], axis=1), np.stack([radius, ending], axis=1)


def _halve(rng: np.random.Generator, points: Array, sizes: Array) -> tuple[Array, Array]:
    """Cut every group across its longest extent: points in the new order, and the sizes of the halves."""
    if not len(sizes):
        return points, sizes
    first, owner = np.cumsum(sizes) - sizes, np.repeat(np.arange(len(sizes)), sizes)
    centered = points - (np.add.reduceat(points, first) / sizes[:, None])[owner]
    spread = np.add.reduceat(centered[:, :, None] * centered[:, None, :], first)  # (G, 3, 3)
    axes = np.linalg.eigh(spread)[1][:, :, -1] + rng.normal(0, 0.15, (len(sizes), 3))
    order = np.lexsort(((centered * axes[owner]).sum(axis=1), owner))
    cut = np.clip(np.rint(sizes * rng.uniform(0.28, 0.72, len(sizes))).astype(int), 1, sizes - 1)
    return points[order], np.stack([cut, sizes - cut], axis=1).ravel()


def _bend(knots: Array, radii: Array) -> Capsules:
    """Turn quadratic curves, ``(N, 3, 3)`` knots and ``(N, 2)`` radii, into capsules of about 5 mm."""
    length = np.linalg.norm(knots[:, 2] - knots[:, 0], axis=1)
    counts = np.clip(np.ceil(length / 5.0).astype(int), 2, 8)
    owner = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    t0, t1 = within / counts[owner], (within + 1) / counts[owner]

    def at(t: Array) -> tuple[Array, Array]:
        a, b, c = ((1 - t) ** 2, 2 * t * (1 - t), t**2)
        place = a[:, None] * knots[owner, 0] + b[:, None] * knots[owner, 1] + c[:, None] * knots[owner, 2]
        return place, (1 - t) * radii[owner, 0] + t * radii[owner, 1]

    (start, start_radius), (end, end_radius) = at(t0), at(t1)
    return Capsules(start, end, start_radius, end_radius)


def _unit(vectors: Array) -> Array:
    """Scale ``(N, 3)`` vectors to length 1; a zero vector stays zero."""
    units: Array = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    return units
