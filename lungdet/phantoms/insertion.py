"""Put a synthetic nodule into any chest CT, so that it is seen there as a scanner would show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .capsules import coverage
from .lung_map import LungMap
from .nodule import CONTRAST_HU, PEAK_HU, VISIBLE_FRACTION, NoduleKind, NoduleLocation, NoduleShape, draw_shape
from .placement import DIAMETER_MM, FAINT_FROM_MM, KINDS, LOCATIONS, MEDIAN_MM, SAMPLES_ACROSS, SPREAD, _pick
from .thorax import Array

Image = NDArray[np.float32]
Span = tuple[slice, slice, slice]

ATTEMPTS = 24
APART_MM = 4.0
SUBVOXEL_MM, MOST_SUBVOXELS = 0.8, 8
SMOOTHED_VOXELS = 1.2  # noise is what this smoothing takes away, as far as it is no edge
NOISE_SIGMAS = 2.5
WALL_HU = (-350.0, -200.0)  # all lung below, all chest wall above, near the surface of the lung
DEEP_MM = (3.0, 6.0)  # what is bright deeper than this is a vessel
LEAST_WITHIN: dict[str, float] = {"isolated": 0.97, "juxtapleural": 0.55, "juxtavascular": 0.97}


@dataclass(frozen=True)
class InsertionStyle:
    """What kind of nodules are put in.

    Attributes:
        diameter_mm: least and greatest diameter that is drawn.
        blur_mm: least and greatest sigma of the point spread in the plane of the slices.
        slice_axis: the axis of the image across its slices.

    Raises:
        ValueError: a range is empty or not positive, or there is no such axis.
    """

    diameter_mm: tuple[float, float] = DIAMETER_MM
    blur_mm: tuple[float, float] = (0.4, 0.8)
    slice_axis: int = 2

    def __post_init__(self) -> None:
        if not 0 < self.diameter_mm[0] <= self.diameter_mm[1]:
            raise ValueError(f"diameter_mm must rise and be positive, got {self.diameter_mm}")
        if not 0 <= self.blur_mm[0] <= self.blur_mm[1]:
            raise ValueError(f"blur_mm must rise from 0 or more, got {self.blur_mm}")
        if self.slice_axis not in (0, 1, 2):
            raise ValueError(f"slice_axis must be 0, 1 or 2, got {self.slice_axis}")


@dataclass(frozen=True)
class Insertion:
    """A nodule to be added to an image.

    Attributes:
        window: the voxels that it changes.
        added_hu: what to add there, float32.
        box_edge: ``(6,)`` tight around the part of the nodule that lies in the lung, in the edge frame of the image.
        diameter_mm: diameter of a ball of that part's volume.
        kind: its density.
        location: what it touches.
        visible_fraction: part of its volume where it adds at least the contrast of its kind to the image.
        peak_hu: the most that it adds to a voxel.
    """

    window: Span
    added_hu: Image
    box_edge: Array
    diameter_mm: float
    kind: NoduleKind
    location: NoduleLocation
    visible_fraction: float
    peak_hu: float


def draw_insertion(
    rng: np.random.Generator,
    hu: Array,
    spacing_mm: Sequence[float] | Array,
    lungs: LungMap,
    style: InsertionStyle,
    occupied: Array | None = None,
) -> Insertion | None:
    """Draw a nodule that will be seen in an image; the image is not changed.

    Args:
        rng: source of chance.
        hu: ``(X, Y, Z)``.
        spacing_mm: voxel size along the three axes.
        lungs: of the same image.
        style: what kind of nodules.
        occupied: ``(N, 6)`` boxes to stay away from, in the edge frame.

    Returns:
        The nodule; None if :data:`ATTEMPTS` draws found no place where it would be visible as
        :class:`~lungdet.phantoms.PhantomNodule` promises: its contrast over its volume, and its peak in the image.
    """
    spacing = np.array(spacing_mm, dtype=float)
    boxes = np.empty((0, 6)) if occupied is None else occupied
    for _ in range(ATTEMPTS):
        shape, location = _draw(rng, lungs, style)
        if shape is None or not _free(shape, spacing, hu.shape, boxes):
            continue
        found = _place(rng, hu, spacing, lungs, style, shape, location)
        if found is not None:
            return found
    return None


def _draw(rng: np.random.Generator, lungs: LungMap, style: InsertionStyle) -> tuple[NoduleShape | None, NoduleLocation]:
    """Draw a shape at a place that suits it."""
    kind, location = _pick(rng, KINDS), _pick(rng, LOCATIONS)
    low, high = style.diameter_mm
    diameter = float(np.exp(rng.normal(np.log(MEDIAN_MM), SPREAD)))
    diameter = diameter if low <= diameter <= high else float(np.exp(rng.uniform(np.log(low), np.log(high))))
    if diameter < FAINT_FROM_MM:
        kind = "solid"
    radius = diameter / 2
    if location == "juxtapleural":
        deep = rng.uniform(0.1, 0.8) * radius
        points = lungs.draw(rng, deep, deep + 0.15 * radius + 1.5)
    elif location == "juxtavascular":
        points = lungs.draw(rng, 1.2 * radius + 2, np.inf, above_hu=-550.0)
        side = rng.normal(size=3)
        points = points + radius * side / np.linalg.norm(side)
    else:
        points = lungs.draw(rng, 1.1 * radius + 3, np.inf)
    return (draw_shape(rng, kind, diameter, points[0]) if len(points) else None), location


def _free(shape: NoduleShape, spacing: Array, size: Sequence[int], boxes: Array) -> bool:
    """Whether a shape lies in the image whole and away from the boxes, ``(N, 6)`` in the edge frame."""
    center, reach = shape.center / spacing + 0.5, shape.reach_mm / spacing
    if (center - reach < 0).any() or (center + reach > size).any():
        return False
    room = reach + APART_MM / spacing
    return not ((boxes[:, :3] < center + room) & (boxes[:, 3:] > center - room)).all(axis=1).any()


def _place(
    rng: np.random.Generator,
    hu: Array,
    spacing: Array,
    lungs: LungMap,
    style: InsertionStyle,
    shape: NoduleShape,
    location: NoduleLocation,
) -> Insertion | None:
    """Work out what a shape adds to the image; None if it is not visible enough."""
    sigma = rng.uniform(*style.blur_mm) / spacing
    sigma[style.slice_axis] = 0.0
    window = _window(shape, spacing, sigma, hu.shape)
    plain = denoise(np.asarray(hu[window], dtype=np.float32), style.slice_axis)
    first = np.array([span.start for span in window]) * spacing
    judged = _judge(shape, plain, first, spacing, lungs)
    if judged is None or judged[1] < VISIBLE_FRACTION or judged[2] < LEAST_WITHIN[location]:
        return None
    added = _added(shape, plain, first, spacing, sigma, lungs)
    if added.max() < PEAK_HU[shape.kind]:
        return None
    inside, seen, _ = judged
    step = 2 * shape.reach_mm / SAMPLES_ACROSS
    box_mm = np.concatenate([inside.min(axis=0) - step / 2, inside.max(axis=0) + step / 2])
    diameter = float((6 / np.pi * len(inside) * step**3) ** (1 / 3))
    box = box_mm / np.tile(spacing, 2) + 0.5
    return Insertion(window, added, box, diameter, shape.kind, location, seen, float(added.max()))


def _window(shape: NoduleShape, spacing: Array, sigma: Array, size: Sequence[int]) -> Span:
    """The voxels that a shape can reach, its spikes and its blur included."""
    ends = np.concatenate([shape.center + shape.reach_mm * np.array([[-1], [1]]), shape.spikes.start, shape.spikes.end])
    more = np.ceil(3 * sigma) + 2
    low = np.maximum(np.floor(ends.min(axis=0) / spacing - more), 0).astype(int)
    high = np.minimum(np.ceil(ends.max(axis=0) / spacing + more) + 1, size).astype(int)
    x, y, z = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return x, y, z


def denoise(hu: Image, slice_axis: int) -> Image:
    """Take the noise out of a piece of an image, and leave its edges and vessels.

    Noise is what a light smoothing in the plane of the slices takes away, up to :data:`NOISE_SIGMAS` of its robust
    spread; more than that is structure.

    Args:
        hu: ``(X, Y, Z)`` float32.
        slice_axis: the axis across the slices.
    """
    sigma = [0.0 if axis == slice_axis else SMOOTHED_VOXELS for axis in range(3)]
    rest = hu - ndimage.gaussian_filter(hu, sigma, mode="nearest")
    spread = 1.4826 * float(np.median(np.abs(rest)))
    plain: Image = hu - np.clip(rest, -NOISE_SIGMAS * spread, NOISE_SIGMAS * spread)
    return plain


def _judge(
    shape: NoduleShape, plain: Image, first_mm: Array, spacing: Array, lungs: LungMap
) -> tuple[Array, float, float] | None:
    """Points of the shape in the lung, ``(N, 3)`` mm, the part of them that is visible, and their part of the shape."""
    steps = (np.arange(SAMPLES_ACROSS) + 0.5) / SAMPLES_ACROSS * 2 - 1
    points = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    points = shape.center + shape.reach_mm * points
    points = points[shape.distance_mm(points) < 0]
    there = ndimage.map_coordinates(plain, ((points - first_mm) / spacing).T, order=1, mode="nearest")
    in_lung = _lung_share(there, lungs.depth_at(points)) > 0.5
    if np.count_nonzero(in_lung) < 8:
        return None
    inside = points[in_lung]
    contrast = shape.density_hu(inside) - there[in_lung]
    return inside, float((contrast >= CONTRAST_HU[shape.kind]).mean()), len(inside) / len(points)


def _lung_share(hu: Array, depth_mm: Array) -> Array:
    """How much a place belongs to the lung, 0 to 1: by its HU near the wall; deep inside, whatever it holds."""
    by_hu = (WALL_HU[1] - hu) / (WALL_HU[1] - WALL_HU[0])
    by_depth = (depth_mm - DEEP_MM[0]) / (DEEP_MM[1] - DEEP_MM[0])
    share: Array = np.clip(np.maximum(by_hu, by_depth), 0, 1)
    return share


def _added(shape: NoduleShape, plain: Image, first_mm: Array, spacing: Array, sigma: Array, lungs: LungMap) -> Image:
    """What the nodule adds to each voxel: its share of the voxel, blurred, times its contrast to what was there."""
    axes = [start + np.arange(n) * step for start, n, step in zip(first_mm, plain.shape, spacing, strict=True)]
    share, weighted = _rasterize(shape, axes, spacing)
    share = ndimage.gaussian_filter(share, sigma, mode="constant", truncate=3.0)
    weighted = ndimage.gaussian_filter(weighted, sigma, mode="constant", truncate=3.0)
    density = np.where(share > 1e-4, weighted / np.maximum(share, 1e-4), shape.hu)
    if len(shape.spikes):
        strands = coverage(shape.spikes, *axes).T
        share, density = np.maximum(share, strands), np.where(strands > share, np.float32(shape.hu), density)
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    lung = _lung_share(plain, lungs.depth_at(points).reshape(plain.shape))
    added: Image = (share * lung * np.maximum(density - plain, 0)).astype(np.float32)
    return added


def _rasterize(shape: NoduleShape, axes: Sequence[Array], spacing: Array) -> tuple[Image, Image]:
    """Share of each voxel that the shape fills, and that share times its HU; thick voxels are sampled finely."""
    parts = np.clip(np.ceil(spacing / SUBVOXEL_MM), 1, MOST_SUBVOXELS).astype(int)
    edge = float((spacing / parts).max())
    share = np.zeros([len(axis) for axis in axes])
    weighted = np.zeros_like(share)
    for place in np.ndindex(*parts):
        shift = ((np.array(place) + 0.5) / parts - 0.5) * spacing
        grid = np.meshgrid(*(axis + s for axis, s in zip(axes, shift, strict=True)), indexing="ij")
        points = np.stack([axis.ravel() for axis in grid], axis=1)
        level, radius = shape.level(points)
        part = np.clip(0.5 - (level - 1) * radius / edge, 0, 1)
        used = part > 0
        share.reshape(-1)[used] += part[used]
        weighted.reshape(-1)[used] += part[used] * shape.density_hu(points[used])
    count = parts.prod()
    return (share / count).astype(np.float32), (weighted / count).astype(np.float32)
