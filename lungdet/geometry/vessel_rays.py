"""Which rays from the middle of a nodule run on into a vessel, and where the nodule's own surface lies on them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .star_surface import ellipsoid_radius, median_of_neighbours, neighbours, ray_directions

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEAST_RAYS = 12
LONE_DEGREES, LONE_PART, NEAR_LONE_PART, LONE_MM = 45.0, 1.4, 1.25, 0.6  # longer than their neighbours: vessels
FAR_PART = 1.6  # so much longer: surely vessels
BESIDE_DEGREES, BESIDE_PART, BESIDE_MM = 30.0, 1.05, 0.2  # beside such a ray, less is enough
BRIGHT_END_MM, BRIGHT_END_HU = (0.5, 2.0), 200.0  # ground glass does not end so bright, but where a vessel lies on it
SIDE_STIFFNESS, SIDE_LIMITS = 0.1, (0.5, 1.5)


def cut_vessels(radius: Floats, free: Mask, rise: Floats, at_wall: Mask) -> tuple[Mask, Floats]:
    """Find the rays that reach further than their neighbours let expect, and end them where these do.

    Neighbours are compared after an ellipsoid through all has been taken out: the ends of a long nodule are no vessels.
    A lump is cut by itself only; beside a ray that runs on far, and where a ray ends in a vessel by its HU, less is
    enough: a vessel as wide as a part of the nodule is cut as wide as it is.

    Args:
        radius: ``(RAYS,)`` where each ray ends, mm.
        free: ``(RAYS,)`` rays that end in lung.
        rise: ``(RAYS,)`` where a ray comes into a vessel by its HU, mm, as :func:`rise_into_vessel` tells it.
        at_wall: ``(RAYS,)`` rays that end at the wall or so near to it that it may be what is bright: cut by themselves
            only.

    Returns:
        ``(RAYS,)`` which rays are to be cut, and where they end then.

    Example:
        >>> radius = np.full(len(ray_directions()), 5.0)
        >>> vessel = ray_directions()[:, 2] > 0.95
        >>> radius[vessel] = 20.0
        >>> none = np.full(len(radius), np.inf)
        >>> cut, ends = cut_vessels(radius, radius > 0, none, radius < 0)
        >>> bool((cut == vessel).all()), float(ends[vessel].max().round(1))
        (True, 5.0)
    """
    in_vessel = np.isfinite(rise) & free & ~at_wall
    lone = radius > LONE_PART * float(np.median(radius[free])) + 2 * LONE_MM
    usual, beside = radius, np.zeros_like(lone)
    for part in (LONE_PART, NEAR_LONE_PART):
        known = free & ~lone & ~beside & ~in_vessel
        if np.count_nonzero(known) < LEAST_RAYS:
            known = free & ~lone
        if not known.any():
            break
        form = _off_middle(radius, ellipsoid_radius(radius, known), known)
        usual = form * median_of_neighbours(radius / form, known, LONE_DEGREES)
        lone = radius > part * usual + LONE_MM
        far = (radius > FAR_PART * usual + LONE_MM) & ~at_wall
        beside = np.asarray((neighbours(BESIDE_DEGREES) & far[None, :]).any(axis=1))
    lone |= free & ~at_wall & (beside | in_vessel) & (radius > BESIDE_PART * usual + BESIDE_MM)
    return lone, np.where(in_vessel & (rise < NEAR_LONE_PART * usual + LONE_MM), np.maximum(usual, rise), usual)


def rise_into_vessel(profiles: Floats, radii_mm: Floats, crossing_mm: Floats, glass_hu: float) -> Floats:
    """Tell where a ray that leaves ground glass comes into a vessel on its rim.

    Args:
        profiles: ``(N, S)`` HU along rays.
        radii_mm: ``(S,)`` distances of the samples.
        crossing_mm: ``(N,)`` where each ray comes to lung.
        glass_hu: of the ground glass.

    Returns:
        ``(N,)`` mm, 0 where all of a ray is bright; infinite where it comes into no vessel.

    Example:
        >>> radii = np.arange(8.0)
        >>> glass = [-550.0, -550, -550, -550, -850, -850, -850, -850]
        >>> vessel = [-550.0, -550, -550, 0, 0, 0, -850, -850]
        >>> rise_into_vessel(np.array([glass, vessel]), radii, np.array([3.5, 5.6]), -550.0)
        array([inf,  2.])
    """
    bright = profiles > glass_hu + BRIGHT_END_HU
    ends = np.where(bright & (radii_mm < crossing_mm[:, None] - BRIGHT_END_MM[0]), radii_mm, -np.inf).max(axis=1)
    starts = np.where(~bright & (radii_mm < ends[:, None]), radii_mm, 0.0).max(axis=1)
    rise: Floats = np.where(ends > crossing_mm - BRIGHT_END_MM[1], starts, np.inf)
    return rise


def _off_middle(radius: Floats, form: Floats, known: Mask) -> Floats:
    """Lengthen ``form`` on the side on which the known rays are longer: their origin may lie off the middle."""
    aside = ray_directions()[known]
    pull = aside.T @ aside + SIDE_STIFFNESS * len(aside) * np.eye(3)
    shift = np.linalg.solve(pull, aside.T @ (radius[known] / form[known] - 1))
    moved: Floats = form * np.clip(1 + ray_directions() @ shift, *SIDE_LIMITS)
    return moved
