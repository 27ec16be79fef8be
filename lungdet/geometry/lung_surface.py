"""Even out the surface of lungs that are drawn by voxels: nodules that sit on the pleura are put back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .lung_dents import DEEPEST_MM, Float32Array, find_dents
from .lung_grid import Mask, finite_hu
from .lung_sides import LEFT, RIGHT

Labels: TypeAlias = NDArray[np.uint8]
Steps: TypeAlias = tuple[float, float, float]

LATTICE_MM = 1.8  # from one line of sight to the next
RAY_DEG = 1.0
MEDIAL_CLIFF, BASE_CLIFF = 1.2, 0.9  # the heart hangs over; see find_dents
GAS_BELOW_EDGE_HU = 200.0  # what is so much darker than the edge and no lung yet is windpipe or gas


def smooth_surfaces(labels: Labels, voxels: NDArray[Any], voxel_mm: Steps, edge_hu: float) -> None:
    """Fill dents in the surface of each lung, in place, as seen from three sides.

    From the middle of the chest the ribs' side is seen, from one lung the inner side of the other, from above the
    diaphragm; for that the side must be known. See :func:`~lungdet.geometry.lung_dents.find_dents` for what is a dent.

    Args:
        labels: ``(Z, Y, X)``: slices to the head, rows to the back, columns to the patient's left.
        voxels: likewise, HU.
        voxel_mm: size of a voxel along Z, Y, X.
        edge_hu: half way between lung and tissue.
    """
    if not ((labels == RIGHT) | (labels == LEFT)).any():
        return
    center = _center(labels)
    least_hu = edge_hu - GAS_BELOW_EDGE_HU
    for side in (RIGHT, LEFT):
        box = _box(labels == side)
        if box is None:
            continue
        part, hu, middle = labels[box], voxels[box], (center[0] - box[1].start, center[1] - box[2].start)
        found = list(_from_middle(part == side, voxel_mm, middle))
        inwards = slice(None, None, 1 if side == RIGHT else -1)  # the middle lies at larger x of the right lung
        views = (
            (part[:, :, inwards], hu[:, :, inwards], voxel_mm, MEDIAL_CLIFF),
            (part[::-1].transpose(1, 2, 0), hu[::-1].transpose(1, 2, 0), (*voxel_mm[1:], voxel_mm[0]), BASE_CLIFF),
        )
        for seen, values, size, cliff in views:
            _fill_view(seen, values, size, (side, least_hu, cliff))
        for index, places in found:
            _put(part[index], hu[index], places, side, least_hu)


def _put(plane: Labels, hu: NDArray[Any], places: NDArray[np.int64], side: int, least_hu: float) -> None:
    """Add voxels of one slice to a lung, but not what is another's, and no gas."""
    rows, columns = np.unravel_index(places, plane.shape)
    free = (plane[rows, columns] == 0) & (finite_hu(hu[rows, columns]) > least_hu)
    plane[rows[free], columns[free]] = side


def _fill_view(labels: Labels, hu: NDArray[Any], voxel_mm: Steps, limits: tuple[int, float, float]) -> None:
    """Fill dents as seen along the last axis, from its end; ``limits`` are side, least HU and cliff."""
    side, least_hu, cliff = limits
    factors = [max(1, round(LATTICE_MM / mm)) for mm in voxel_mm[:2]]
    height = _heights(labels[:: factors[0], :: factors[1]] == side)
    step = (voxel_mm[0] * factors[0], voxel_mm[1] * factors[1], voxel_mm[2])
    gain = find_dents(height, step, cliff=cliff)
    for rows, columns in _boxes(gain):
        fine = [
            slice(span.start * factor, min((span.stop - 1) * factor + 1, size))
            for span, factor, size in zip((rows, columns), factors, labels.shape, strict=False)
        ]
        part, values = labels[fine[0], fine[1]], hu[fine[0], fine[1]]
        own = _heights(part == side)
        rim = _stretch((height + gain)[rows, columns], own.shape)
        more = _stretch(gain[rows, columns], own.shape)
        low, high = int(own[more > 0].min(initial=1e9)), int(np.rint(rim.max()))
        places = np.arange(max(low, 0), min(high, part.shape[2]))
        wanted = (places >= own[..., None]) & (places < np.rint(rim)[..., None]) & (more > 0)[..., None]
        near = (rim - own) * voxel_mm[2] <= DEEPEST_MM  # a voxel row between the lattice's may miss a thin edge of lung
        wanted &= ((own > 0) & near)[..., None]
        band = slice(places[0], places[-1] + 1) if len(places) else slice(0)
        target = part[:, :, band]
        target[wanted & (target == 0) & (finite_hu(values[:, :, band]) > least_hu)] = side


def _from_middle(lung: Mask, voxel_mm: Steps, center: tuple[float, float]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Find what dents take away as seen on rays from the middle of the chest: slice by slice, flat places."""
    factor = max(1, round(LATTICE_MM / voxel_mm[0]))
    rows, columns = np.indices(lung.shape[1:], dtype=np.float32)
    down, across = (rows - center[0]) * voxel_mm[1], (columns - center[1]) * voxel_mm[2]
    step = min(voxel_mm[1:])
    ring, ray = np.hypot(down, across) / step, np.rad2deg(np.arctan2(down, across)) / RAY_DEG % (360 / RAY_DEG)
    height = _ray_heights(lung[::factor], voxel_mm, center, int(ring.max()) + 2)
    seen = lung.any(axis=0)
    arc_mm = float(np.median(ring[seen])) * step * np.deg2rad(RAY_DEG)
    gain = find_dents(height, (voxel_mm[0] * factor, max(arc_mm, 0.5), step), wrap=True)
    low = (ray.astype(int)) % height.shape[1]
    high, part = (low + 1) % height.shape[1], ray - np.floor(ray)
    for index in range(lung.shape[0]):
        at = min(index / factor, len(height) - 1)
        above, share = min(int(at) + 1, len(height) - 1), np.float32(at - int(at))
        more = gain[int(at)] * (1 - share) + gain[above] * share
        if not more.any():
            continue
        base = height[int(at)] * (1 - share) + height[above] * share
        near = np.flatnonzero(more[low] + more[high] > 0)
        first, last, weight, far = low.flat[near], high.flat[near], part.flat[near], ring.flat[near]
        bottom = base[first] * (1 - weight) + base[last] * weight
        top = bottom + more[first] * (1 - weight) + more[last] * weight
        yield index, near[(far >= bottom - 1) & (far < top - 0.5)]


def _ray_heights(lung: Mask, voxel_mm: Steps, center: tuple[float, float], reach: int) -> Float32Array:
    """Follow rays in each slice to the last pixel of the lung, ``(Z, rays)``, in steps of the smaller pixel side."""
    step = min(voxel_mm[1:])
    angle = np.deg2rad(np.arange(round(360 / RAY_DEG)) * RAY_DEG)[:, None]
    far = (np.arange(reach) * step)[None]
    row = np.rint(center[0] + far * np.sin(angle) / voxel_mm[1]).astype(np.int64)
    column = np.rint(center[1] + far * np.cos(angle) / voxel_mm[2]).astype(np.int64)
    held = (row >= 0) & (row < lung.shape[1]) & (column >= 0) & (column < lung.shape[2])
    flat = np.where(held, row * lung.shape[2] + column, 0)
    return np.stack([_heights(np.take(plane, flat) & held) for plane in lung])


def _heights(mask: Mask) -> Float32Array:
    """Index after the last pixel of each line along the last axis; 0 for none."""
    last = mask.shape[-1] - mask[..., ::-1].argmax(axis=-1)
    return np.where(mask.any(axis=-1), last, 0).astype(np.float32)


def _boxes(gain: Float32Array) -> list[tuple[slice, slice]]:
    """Bounds of each dent with one place around it."""
    labels, _ = ndimage.label(gain > 0)
    rows, columns = gain.shape
    return [
        (slice(max(y.start - 1, 0), min(y.stop + 1, rows)), slice(max(x.start - 1, 0), min(x.stop + 1, columns)))
        for y, x in ndimage.find_objects(labels)
    ]


def _stretch(lattice: Float32Array, shape: tuple[int, ...]) -> Float32Array:
    """Interpolate a lattice linearly so that its corners are those of a finer one."""
    places = [np.linspace(0, n - 1, size) for n, size in zip(lattice.shape, shape, strict=True)]
    fine: Float32Array = ndimage.map_coordinates(lattice, np.meshgrid(*places, indexing="ij"), order=1)
    return fine


def _center(labels: Labels) -> tuple[float, float]:
    """Row and column of the middle of the chest: between both lungs, or at the inner edge of one."""
    right, left = (_box(labels == side) for side in (RIGHT, LEFT))
    boxes = [box for box in (right, left) if box is not None]
    first, last = min(box[1].start for box in boxes), max(box[1].stop - 1 for box in boxes)
    inner = [float(box[2].stop - 1) for box in (right,) if box] + [float(box[2].start) for box in (left,) if box]
    return (first + last) / 2, sum(inner) / len(inner)


def _box(mask: Mask) -> tuple[slice, slice, slice] | None:
    """Bounds of a mask; None if it is empty."""
    flat: Mask = np.asarray(mask.any(axis=0))
    spans = [np.flatnonzero(mask.any(axis=(1, 2))), np.flatnonzero(flat.any(axis=1)), np.flatnonzero(flat.any(axis=0))]
    if not len(spans[0]):
        return None
    z, y, x = (slice(int(span[0]), int(span[-1]) + 1) for span in spans)
    return z, y, x
