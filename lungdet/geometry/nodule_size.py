"""Sizes of a segmented nodule: volume, RECIST diameters, HU, solid part, and how it lies to the pleura."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, label, map_coordinates, median_filter
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import pdist, squareform

from .local_pleura import LocalPleura
from .nodule_segmentation import NoduleSegmentation
from .nodule_tracing import SOLID_ABOVE_HU
from .nodule_window import NoduleError
from .star_surface import at_directions, first_below, ray_directions

Floats = NDArray[np.float64]

CONTOUR_RAYS = 180
CONTOUR_STEP_MM = 0.2
# Thick slices are not filled near the rim of a ball: the outline lies where they hold less than half of the most.
THICKNESS, LEVELS = (0.15, 0.6), (0.5, 0.28)  # thickness of a slice over the diameter
SPIKE_RAYS = 8  # to both sides: a spike that is thinner than half of them is none of the nodule's outline
CHORDS = 64
SLICES_FROM = 0.35  # a slice with less of the nodule's largest area does not show a diameter
TOUCHES_MM = 1.0
BEYOND_MM = 0.6


@dataclass(frozen=True)
class AxialDiameters:
    """RECIST diameters in one slice.

    Attributes:
        ends_voxel: ``(4, 2)`` ends of the long axis, then of the short one, ``(column, row)`` in the voxel frame.
        slice_index: the slice, counted from 0.
        long_mm: longest diameter of the nodule in a slice.
        short_mm: longest diameter of that slice perpendicular to it.
    """

    ends_voxel: Floats
    slice_index: int
    long_mm: float
    short_mm: float


def nodule_volume_mm3(nodule: NoduleSegmentation) -> float:
    """Volume of a nodule: the sum of its shares."""
    return float(nodule.share.sum(dtype=np.float64) * nodule.window.step_mm.prod())


def axial_diameters(nodule: NoduleSegmentation) -> AxialDiameters:
    """Find the longest diameter in any slice of the image, and the longest one perpendicular to it there.

    Raises:
        NoduleError: no slice shows half of a voxel of it.
    """
    window = nodule.window
    slices = _within_surface(nodule)[:, :, :: int(window.parts[2])]
    areas = np.clip(slices, 0, 1).sum(axis=(0, 1))
    best: AxialDiameters | None = None
    for number in np.flatnonzero(areas >= SLICES_FROM * areas.max()):
        found = _in_slice(nodule, slices[:, :, number], int(number))
        if found is not None and (best is None or found.long_mm > best.long_mm):
            best = found
    if best is None:
        raise NoduleError("no slice shows enough of the nodule to measure a diameter")
    return best


def mean_hu(nodule: NoduleSegmentation) -> float:
    """Mean HU over the nodule, weighted by its share of the voxels."""
    share = np.clip(nodule.share, 0, 1)
    known = np.isfinite(nodule.window.hu) & (share > 0.5)
    known = known if known.any() else np.isfinite(nodule.window.hu) & (share > 0)
    return float((nodule.window.hu[known] * share[known]).sum() / share[known].sum())


def solid_fraction(nodule: NoduleSegmentation) -> float:
    """Part of the volume that is solid, 0 to 1: all of a solid nodule, none of ground glass, else the core's part.

    In a part-solid nodule a voxel counts as far as its HU lie between ground glass and core.
    """
    if nodule.density == "solid":
        return 1.0
    share = np.clip(nodule.share, 0, 1)
    hu = nodule.window.smooth_hu
    if nodule.density == "ground_glass":
        level = max(SOLID_ABOVE_HU, nodule.edge_hu + 150)
        return float(share[hu > level].sum() / share.sum())
    core = float(np.percentile(hu[share > 0.5], 97)) if (share > 0.5).any() else nodule.edge_hu
    if core <= max(SOLID_ABOVE_HU, nodule.edge_hu + 100):
        return 0.0
    solid = np.clip((hu - nodule.edge_hu) / (core - nodule.edge_hu), 0, 1)
    solid[solid < 0.25] = 0.0  # noise of the ground glass
    return float((share * solid).sum() / share.sum())


def pleural_contact_mm2(nodule: NoduleSegmentation) -> float:
    """Area of the nodule's surface that lies on the pleura; 0 if it does not touch."""
    corners, areas = nodule.surface.triangle_areas_mm2()
    return float(areas[nodule.at_pleura[corners].all(axis=1)].sum())


def pleural_distance_mm(nodule: NoduleSegmentation) -> float | None:
    """Distance from the nodule's surface to the pleura; 0 if it touches, None if no pleura is near."""
    if nodule.at_pleura.sum() >= 3:
        return 0.0
    pleura: LocalPleura = nodule.pleura
    if not (pleura.distance_mm < 0).any():
        return None
    points = nodule.surface.center_mm + nodule.surface.radius_mm[:, None] * ray_directions()
    distance = float(pleura.at(points).min())
    return 0.0 if distance < TOUCHES_MM else distance


def _within_surface(nodule: NoduleSegmentation) -> NDArray[np.float32]:
    """The share without what lies further beyond the surface than an edge is blurred: stumps of vessels, spikes."""
    share = nodule.share.copy()
    places = np.stack(np.nonzero(share > 0.05), axis=1)
    offsets = places * nodule.window.step_mm - nodule.surface.center_mm
    beyond = np.linalg.norm(offsets, axis=1) - at_directions(nodule.surface.radius_mm, offsets) > BEYOND_MM
    share[tuple(places[beyond].T)] = 0
    return share


def _in_slice(nodule: NoduleSegmentation, share: NDArray[np.float32], number: int) -> AxialDiameters | None:
    """Diameters of one slice; its contour lies where the share is half of what the slice shows at most."""
    window = nodule.window
    peak = min(1.0, float(np.percentile(share[share > 0.05], 90))) if (share > 0.05).any() else 0.0
    thick = window.thickness_mm / (2 * float(np.median(nodule.surface.radius_mm)))
    level = peak * float(np.interp(thick, THICKNESS, LEVELS))
    contour = _contour(share, window.step_mm[:2], level)
    if contour is None:
        return None
    ends = _axes(contour)
    voxel = ends / window.spacing_mm[:2] + window.first_voxel[:2]
    lengths = np.linalg.norm(ends[1::2] - ends[::2], axis=1)
    return AxialDiameters(voxel, int(window.first_voxel[2]) + number, float(lengths[0]), float(lengths[1]))


def _contour(share: NDArray[np.float32], step: Floats, level: float) -> Floats | None:
    """Points of the outline of a slice, ``(CONTOUR_RAYS, 2)`` mm, or None if there is none."""
    inside = share >= max(level, 0.05)
    if np.count_nonzero(inside) < 3:
        return None
    inside = _largest(inside)
    middle = _middle(inside) * step
    reach = float(np.linalg.norm(np.ptp(np.stack(np.nonzero(inside)), axis=1) * step)) + 2.0
    radii = np.arange(0.0, reach, CONTOUR_STEP_MM)
    angles = np.arange(CONTOUR_RAYS) * (2 * np.pi / CONTOUR_RAYS)
    unit = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points = middle + radii[None, :, None] * unit[:, None, :]
    seen = map_coordinates(share, np.moveaxis(points / step, -1, 0), order=1, mode="constant")
    length = first_below(seen, radii, level)
    length = np.minimum(length, reach)
    usual = median_filter(length, 2 * SPIKE_RAYS + 1, mode="wrap")
    outline: Floats = middle + np.where(length > 1.1 * usual, usual, length)[:, None] * unit
    return outline


def _largest(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    pieces, count = label(inside)
    largest: NDArray[np.bool_] = pieces == 1 + int(np.bincount(pieces.ravel(), minlength=count + 1)[1:].argmax())
    return largest


def _middle(inside: NDArray[np.bool_]) -> Floats:
    """Middle of a piece of a slice, ``(2,)`` in voxels; its deepest place where the middle lies outside."""
    middle = np.array([axis.mean() for axis in np.nonzero(inside)])
    if inside[tuple(middle.round().astype(int))]:
        return middle
    deep = distance_transform_edt(inside)
    return np.array(np.unravel_index(int(deep.argmax()), inside.shape), dtype=np.float64)


def _axes(contour: Floats) -> Floats:
    """Ends of the longest diameter of an outline, then of the longest chord perpendicular to it: ``(4, 2)``."""
    try:
        hull = contour[ConvexHull(contour).vertices]
    except QhullError:
        hull = contour
    between = squareform(pdist(hull))
    first, second = np.unravel_index(int(between.argmax()), between.shape)
    start, end = hull[first], hull[second]
    along = (end - start) / max(float(np.linalg.norm(end - start)), 1e-9)
    across = np.array([-along[1], along[0]])
    local = (contour - start) @ np.stack([along, across], axis=1)
    best = (0.0, 0.0, 0.0, 0.0)
    for place in np.linspace(0, float(np.linalg.norm(end - start)), CHORDS + 2)[1:-1]:
        low, high = _chord(local, float(place))
        if high - low > best[0]:
            best = (high - low, float(place), low, high)
    _, place, low, high = best
    return np.stack([start, end, start + place * along + low * across, start + place * along + high * across])


def _chord(outline: Floats, place: float) -> tuple[float, float]:
    """Lowest and highest crossing of an outline, ``(N, 2)``, with the line at ``place``; zeros where there is none."""
    crossings = [
        a[1] + (place - a[0]) / (b[0] - a[0]) * (b[1] - a[1])
        for a, b in pairwise(np.vstack([outline, outline[:1]]))
        if (a[0] - place) * (b[0] - place) <= 0 and a[0] != b[0]
    ]
    return (float(min(crossings)), float(max(crossings))) if crossings else (0.0, 0.0)
