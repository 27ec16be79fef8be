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
    pieces: list[tuple[Array, Array, float, float]] = []
    middle = tips.mean(axis=0) - root
    work = [(root, middle / max(float(np.linalg.norm(middle)), 1e-6), tips)]
    while work:
        base, heading, group = work.pop()
        radius = min(tip_radius_mm * len(group) ** (1 / MURRAY), largest_mm)
        if len(group) == 1:
            fork, end_radius = group[0], 0.7 * tip_radius_mm
        else:
            early = 0.26 if 6 < len(group) < 160 else 0.42  # segments fork early, so that their branches run far
            fork = base + (early + rng.uniform(0, 0.14)) * (group.mean(axis=0) - base)
            end_radius = radius * 0.88
        away = fork - base
        length = float(np.linalg.norm(away))
        control = base + 0.5 * away + 0.18 * length * (heading - away / max(length, 1e-6))
        control += rng.normal(0, 0.05 * length, 3)
        pieces.append((np.stack([base, control, fork]), np.array([radius, end_radius]), length, 0.0))
        if len(group) > 1:
            work.extend((fork, _unit(fork - control), half) for half in _halve(rng, group))
    return _bend(pieces)


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


def _halve(rng: np.random.Generator, group: Array) -> tuple[Array, Array]:
    centered = group - group.mean(axis=0)
    axis = np.linalg.eigh(centered.T @ centered)[1][:, -1] + rng.normal(0, 0.15, 3)
    order = np.argsort(centered @ axis, kind="stable")
    cut = int(np.clip(round(len(group) * rng.uniform(0.28, 0.72)), 1, len(group) - 1))
    return group[order[:cut]], group[order[cut:]]


def _bend(pieces: list[tuple[Array, Array, float, float]]) -> Capsules:
    """Turn quadratic curves into capsules of about 5 mm."""
    knots = np.stack([piece[0] for piece in pieces])  # (N, 3, 3)
    radii = np.stack([piece[1] for piece in pieces])  # (N, 2)
    counts = np.clip(np.ceil(np.array([piece[2] for piece in pieces]) / 5.0).astype(int), 2, 8)
    owner = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    t0, t1 = within / counts[owner], (within + 1) / counts[owner]

    def at(t: Array) -> tuple[Array, Array]:
        a, b, c = ((1 - t) ** 2, 2 * t * (1 - t), t**2)
        place = a[:, None] * knots[owner, 0] + b[:, None] * knots[owner, 1] + c[:, None] * knots[owner, 2]
        return place, (1 - t) * radii[owner, 0] + t * radii[owner, 1]

    (start, start_radius), (end, end_radius) = at(t0), at(t1)
    return Capsules(start, end, start_radius, end_radius)


def _unit(vector: Array) -> Array:
    length: Array = vector / max(float(np.linalg.norm(vector)), 1e-6)
    return length
