"""How much of every voxel about a nodule is nodule, by its HU."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

from .local_pleura import LocalPleura
from .nodule_window import NoduleWindow, refine
from .star_surface import StarSurface, at_directions, ray_directions

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Image = NDArray[np.float32]

SPREAD_MM = 0.65  # sigma of a usual point spread in plane
INNER_MM, OUTER_MM = 1.3, 1.8  # how far the point spread reaches into a nodule, and out of it
INNER_PART, OUTER_PART = 0.75, 0.8  # of the thickness of a slice, likewise
WALL_MM = 1.5  # HU so near to the wall are blurred by it
TISSUE_HU = (-50.0, 80.0)  # of solid nodules without calcium
SOLID_FROM_HU = -250.0
MOST_SHARE = 1.3  # noise at the rim may go so high
ENOUGH = 40  # fine voxels deep inside that tell the HU of a nodule
WELL_RESOLVED = 4.0  # a nodule higher than so many slices has some that it fills
UNRESOLVED = 1.6  # a nodule lower than so many slices does not show its height


def nodule_share(
    window: NoduleWindow,
    surface: StarSurface,
    pleura: LocalPleura,
    clean: Mask,
    lung_hu: float,
    edge_hu: float,
    core_hu: float,
    density: str,
) -> tuple[Image, float]:
    """Work out the share of every place of a window.

    Args:
        window: about the nodule.
        surface: of the nodule.
        pleura: the wall.
        clean: ``(RAYS,)`` rays that end in lung: beyond the surface, too, HU above the lung's are the nodule's.
        lung_hu: around it.
        edge_hu: at its rim, as far as a profile shows it.
        core_hu: in its middle.
        density: ``part_solid`` has a rim of its own.

    Returns:
        The share, ``(x, y, z)``, and the HU of the tissue at the rim that it is based on.
    """
    place = _Place(window, surface, pleura, clean)
    if density != "part_solid":
        edge_hu = _tissue_hu(place, lung_hu, core_hu)
    by_hu = (place.hu - lung_hu) / (edge_hu - lung_hu)
    depth, reach = place.depth, place.ellipsoid(OUTER_MM, OUTER_PART * window.thickness_mm)
    partial = np.where(depth > place.ellipsoid(INNER_MM, INNER_PART * window.thickness_mm), 1.0, by_hu)
    partial = np.minimum(partial, MOST_SHARE)
    partial *= (depth > -reach) & ((depth > 0) | (place.wall_mm > WALL_MM))
    hard = np.clip(0.5 + depth / window.step_mm[0], 0, 1)
    soft = place.clean * (density != "part_solid")  # a core's blur beyond the rim would count as much ground glass
    mixed = soft * partial + (1 - soft) * hard
    mixed *= np.clip(0.5 + place.wall_mm / window.step_mm[0], 0, 1)
    share = np.zeros(window.hu.shape, dtype=np.float32)
    share[place.near] = mixed
    return share, edge_hu


class _Place:
    """The places of a window near a nodule: ``(M,)`` each of depth under its surface, distance to the wall, and HU."""

    def __init__(self, window: NoduleWindow, surface: StarSurface, pleura: LocalPleura, clean: Mask) -> None:
        self.window, self.surface = window, surface
        offsets = window.offsets_mm(surface.center_mm)
        most = float(surface.radius_mm.max()) + OUTER_MM + OUTER_PART * window.thickness_mm
        self.near = (offsets**2).sum(axis=-1) < most**2
        self.offsets = offsets[self.near]
        self.away = np.linalg.norm(self.offsets, axis=1)
        values = at_directions(np.column_stack([surface.radius_mm, clean.astype(float)]), self.offsets)
        self.depth, self.clean = values[:, 0] - self.away, values[:, 1]
        self.hu = window.hu[self.near].astype(np.float64)
        self.wall_mm = pleura.at(self.offsets + surface.center_mm)

    def ellipsoid(self, plane_mm: float, along_mm: float) -> Floats:
        """Radius towards each place of an ellipsoid that is flat or tall along the slices' axis."""
        cosine = np.abs(self.offsets[:, 2]) / np.maximum(self.away, 1e-9)
        radius: Floats = 1 / np.sqrt((1 - cosine**2) / plane_mm**2 + cosine**2 / along_mm**2)
        return radius


def _tissue_hu(place: _Place, lung_hu: float, core_hu: float) -> float:
    """HU of a nodule of one tissue, also where no voxel is filled by it."""
    window = place.window
    margin = place.ellipsoid(INNER_MM, INNER_PART * window.thickness_mm + 0.3)
    deep = (place.depth > margin) & (place.wall_mm > WALL_MM)
    wide, _ = _wide_and_tall(place.surface)
    if np.count_nonzero(deep) >= ENOUGH and 2 * wide > WELL_RESOLVED * window.thickness_mm:
        shallow = deep & (place.depth < 2 * margin)  # calcium in the middle is not the rim's
        return float(np.median(place.hu[shallow if np.count_nonzero(shallow) >= ENOUGH else deep]))
    model = _blurred_model(place)
    used = (model > 0.05) & (place.wall_mm > WALL_MM)
    if not used.any():
        return core_hu
    weight = model[used]
    found = lung_hu + float((weight * (place.hu[used] - lung_hu)).sum() / (weight**2).sum())
    if found > SOLID_FROM_HU:
        found = float(np.clip(found, TISSUE_HU[0], max(TISSUE_HU[1], core_hu)))
    return max(found, core_hu)


def _wide_and_tall(surface: StarSurface) -> tuple[float, float]:
    """Mean radius in the plane of the slices and across them."""
    rise = np.abs(ray_directions()[:, 2])
    wide, tall = (float(surface.radius_mm[part].mean()) for part in (rise < 0.35, rise > 0.8))
    return wide, tall


def _blurred_model(place: _Place) -> Floats:
    """Share that a nodule of this surface would fill after the scanner's blur; as tall as wide where slices hide it."""
    window, surface = place.window, place.surface
    wide, tall = _wide_and_tall(surface)
    stretch = max(1.0, tall / wide) if 2 * wide < UNRESOLVED * window.thickness_mm else 1.0
    offsets = place.offsets * [1.0, 1.0, stretch]
    depth = at_directions(surface.radius_mm, offsets) - np.linalg.norm(offsets, axis=1)
    model = np.zeros(window.hu.shape, dtype=np.float32)
    model[place.near] = np.clip(0.5 + depth / window.step_mm[0], 0, 1)
    for axis in (0, 1):
        model = gaussian_filter1d(model, SPREAD_MM / window.step_mm[axis], axis=axis, mode="constant")
    model = uniform_filter1d(model, max(1, round(window.thickness_mm / window.step_mm[2])), axis=2, mode="constant")
    x, y, z = (slice(None, None, int(part)) for part in window.parts)
    model = refine(model[x, y, z], window.parts)  # slices see it at their own heights only
    seen: Floats = model[place.near].astype(np.float64)
    return seen
