"""The steps from a mark to the surface of a nodule."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, uniform_filter1d

from .local_pleura import find_pleura
from .nodule_window import NoduleError, NoduleWindow
from .star_surface import StarSurface, first_below, neighbours, ray_directions, sample_rays
from .vessel_rays import LEAST_RAYS, cut_vessels, rise_into_vessel

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Density = Literal["solid", "part_solid", "ground_glass"]

ROUNDS = 4
MOST_MOVED = 0.5  # radii from the mark: else the middle wanders off into a vessel
RAY_STEP_MM = 0.25
LEAST_CONTRAST_HU = 80.0
RIM_HU = 110.0  # above the lung: everything but noise
FAINT_HU = 350.0  # contrast below this is ground glass, or washed out
SOLID_ABOVE_HU = -300.0
RIM_BAND_MM = (2.2, 3.4)  # inside of where the rim begins: past the point spread, tissue of the rim
RIM_MM, RIM_PART, RIM_OF_SLICES = 1.5, 0.17, 0.35  # a rim wider than the point spread's is ground glass about a core
VESSEL_DEGREES = 20.0
WALL_BLUR_MM = 2.0
BEYOND_MM, BEYOND_PART = 1.5, 0.3
LEAST_FREE = 0.12  # of the rays that stay in the image must end in lung


class NoduleTracing:
    """The steps to the surface of one nodule.

    Args:
        window: about it.
        center_mm: the mark, mm in the window.
        radius_mm: about how large.

    Attributes:
        surface: what was found.
        pleura: the wall about it.
        at_pleura, at_vessel, at_border: ``(RAYS,)`` rays that end at the wall, that were cut, that leave the image.
        lung_hu, core_hu, edge_hu: of the lung around, of its middle, and at its rim.
        density: what it looks like.

    Raises:
        NoduleError: see :func:`~lungdet.geometry.nodule_segmentation.segment_nodule`.
    """

    def __init__(self, window: NoduleWindow, center_mm: Floats, radius_mm: float) -> None:
        self.window, self.center, self.radius = window, center_mm, radius_mm
        _check_numbers(window, center_mm, radius_mm)
        lung = window.lungs
        self.pleura = find_pleura(window.smooth_hu, window.step_mm, center_mm, radius_mm, lung)
        self.radii = np.arange(0.0, 2.2 * radius_mm + 4, RAY_STEP_MM)
        self.lung_hu = self._around()
        self.center = self._onto_nodule()
        self.core_hu = self._core()
        if self.core_hu - self.lung_hu < LEAST_CONTRAST_HU:
            raise NoduleError(
                f"nothing stands out at the mark: {self.core_hu:.0f} HU there and {self.lung_hu:.0f} HU around"
            )
        start = self.center
        for _ in range(ROUNDS):
            self.edge_hu, self.density = self._edge()
            self.surface = self._surface((self.lung_hu + self.edge_hu) / 2)
            moved = _not_further(self.surface.centroid_mm, start, MOST_MOVED * self.radius)
            if np.linalg.norm(moved - self.center) < 0.05 * self.radius:
                break
            self.center = moved

    def _around(self) -> float:
        """HU of the lung around: median of what is dark enough in a shell."""
        offsets = self.window.offsets_mm(self.center)
        away = np.linalg.norm(offsets, axis=-1)
        shell = (away > 1.4 * self.radius + 2) & (away < 1.4 * self.radius + 10) & (self.window.hu < -500)
        places = offsets[shell] + self.center
        values = self.window.hu[shell][self.pleura.at(places) > 2.0]
        if len(values) < 30:
            raise NoduleError("there is no lung around the mark")
        return float(np.median(values))

    def _onto_nodule(self) -> Floats:
        """Move a mark that lies beside its nodule towards what stands out."""
        center = self.center
        place = (center / self.window.step_mm)[:, None]
        if map_coordinates(self.window.smooth_hu, place, order=1, mode="nearest")[0] > self.lung_hu + RIM_HU:
            return center
        offsets = self.window.offsets_mm(np.zeros(3)).reshape(-1, 3)
        for _ in range(2):
            away = np.linalg.norm(offsets - center, axis=1)
            near = away < 0.8 * self.radius + 0.5
            there = offsets[near]
            weight = np.clip(self.window.smooth_hu.ravel()[near] - self.lung_hu - 60, 0, 600)
            weight *= self.pleura.at(there) > 0
            if weight.sum() <= 0:
                break
            center = 0.5 * center + 0.5 * (there * weight[:, None]).sum(axis=0) / weight.sum()
        return center

    def _core(self) -> float:
        """HU of the brightest of its middle."""
        offsets = self.window.offsets_mm(self.center)
        near = np.linalg.norm(offsets / np.maximum(self.window.step_mm, 0.5 * self.radius), axis=-1) < 1
        values = self.window.smooth_hu[near]
        return float(np.percentile(values, 85)) if len(values) else self.lung_hu

    def _profiles(self) -> Floats:
        profiles = sample_rays(self.window.smooth_hu, self.window.step_mm, self.center, self.radii)
        smoothed: Floats = uniform_filter1d(profiles, 3, axis=1, mode="nearest")
        return smoothed

    def _edge(self) -> tuple[float, Density]:
        """HU of the tissue at the rim, and whether ground glass lies about a solid core."""
        contrast = self.core_hu - self.lung_hu
        plain: Density = "solid" if contrast > FAINT_HU else "ground_glass"
        profiles = self._profiles()
        outer = first_below(profiles, self.radii, self.lung_hu + RIM_HU)
        level = np.abs(ray_directions()[:, 2]) < 0.6  # along the slices' axis the rim is that of the slices
        known = np.isfinite(outer) & level & self._lung_at(outer)
        if known.sum() < LEAST_RAYS:
            return self.core_hu, plain
        profiles, outer = profiles[known], outer[known]
        band = (self.radii > outer[:, None] - RIM_BAND_MM[1]) & (self.radii < outer[:, None] - RIM_BAND_MM[0])
        rim = float(np.median(profiles[band])) if band.any() else self.core_hu
        if plain == "ground_glass" or max(rim, self.core_hu) < SOLID_ABOVE_HU:
            return (rim if float(np.median(outer)) > RIM_BAND_MM[1] + 0.5 else self.core_hu), "ground_glass"
        inner = first_below(profiles, self.radii, self.lung_hu + contrast / 2)
        width, least = float(np.median(outer - inner)), max(RIM_MM, RIM_PART * float(np.median(outer)))
        least += RIM_OF_SLICES * max(0.0, self.window.thickness_mm - 1.0)  # thick slices blur the rim of a ball
        if width <= least:
            return self.core_hu, plain
        between = np.abs(self.radii - (inner + outer)[:, None] / 2) < RAY_STEP_MM
        glass = float(np.median(profiles[between])) if between.any() else rim
        return (glass, "part_solid") if glass < SOLID_ABOVE_HU else (self.core_hu, plain)

    def _lung_at(self, distance: Floats) -> Mask:
        """Whether rays end in lung, and not at the wall."""
        finite = np.where(np.isfinite(distance), distance, 0.0)
        points = self.center + (finite + 1.5)[:, None] * ray_directions()
        inside: Mask = self.pleura.at(points) > 0
        return inside

    def _surface(self, level: float) -> StarSurface:
        """Where rays fall below a level, come to the pleura, the border, or should have ended."""
        crossing = first_below(self._profiles(), self.radii, level)
        points = self.center + self.radii[None, :, None] * ray_directions()[:, None, :]
        depth = self.pleura.at(points.reshape(-1, 3)).reshape(len(crossing), -1)
        depth[:, 0] = np.maximum(depth[:, 0], 0.1)  # the middle of a nodule lies in the lung
        wall = first_below(depth, self.radii, 0.0)
        border = self._border()
        self.at_pleura = (wall < crossing) & (wall < border)
        self.at_border = (border < crossing) & (border <= wall)
        free = np.isfinite(crossing) & ~self.at_pleura & ~self.at_border
        if free.sum() < max(LEAST_RAYS, LEAST_FREE * np.count_nonzero(~self.at_border)):
            raise NoduleError("what stands out at the mark has no end in the lung around it: wall, vessel or mass")
        radius = np.where(free, crossing, np.minimum(wall, border))
        lone, usual = cut_vessels(radius, free, self._rise(crossing), self._at_wall(radius))
        lone &= ~self.at_border
        self.at_vessel = lone & ~self.at_pleura
        self.at_pleura &= ~lone
        radius = np.where(lone, usual, radius)
        return StarSurface(self.center, np.maximum(radius, 0.3))

    def _rise(self, crossing: Floats) -> Floats:
        """Where rays out of ground glass come into a vessel; infinite where they come into none."""
        if self.density == "solid":
            return np.full(len(crossing), np.inf)
        return rise_into_vessel(self._profiles(), self.radii, crossing, self.edge_hu)

    def _at_wall(self, radius: Floats) -> Mask:
        """Whether rays end where the blur of the wall begins, and what is bright there may be no vessel."""
        ends = self.center + np.minimum(radius, self.radii[-1])[:, None] * ray_directions()
        near: Mask = self.pleura.at(ends) < WALL_BLUR_MM + self.window.thickness_mm / 2
        return near | self.at_pleura

    def near_vessel(self) -> Mask:
        """Rays that were cut or are neighbours of such, or beyond whose end something else stands out."""
        cut = (neighbours(VESSEL_DEGREES) & self.at_vessel).any(axis=1)
        ends = self.surface.radius_mm + BEYOND_MM
        profiles = self._profiles()
        index = np.clip((ends / RAY_STEP_MM).astype(int), 0, len(self.radii) - 1)
        beyond = profiles[np.arange(len(profiles)), index]
        bright = beyond > self.lung_hu + BEYOND_PART * (self.edge_hu - self.lung_hu)
        level = np.abs(ray_directions()[:, 2]) < 0.6  # thick slices fall off slowly along their axis
        near: Mask = cut | (bright & level)
        return near

    def _border(self) -> Floats:
        """Distance to the border of the image along each ray; infinite where the window ends before it."""
        size = (np.array(self.window.hu.shape) - 1) * self.window.step_mm + self.window.spacing_mm / 2
        low = -self.window.spacing_mm / 2
        directions = ray_directions()
        with np.errstate(divide="ignore", invalid="ignore"):
            ends = np.where(directions > 0, (size - self.center) / directions, (low - self.center) / directions)
        closed = np.where(directions > 0, self.window.at_border[:, 1], self.window.at_border[:, 0]) & (directions != 0)
        distance: Floats = np.where(closed, ends, np.inf).min(axis=1)
        return np.where(distance < self.radii[-1], distance, np.inf)


def _not_further(place: Floats, start: Floats, most: float) -> Floats:
    """``place``, or where the way there from ``start`` has become too long."""
    way = place - start
    length = float(np.linalg.norm(way))
    return place if length <= most else start + way * (most / length)


def _check_numbers(window: NoduleWindow, center: Floats, radius: float) -> None:
    away = np.linalg.norm(window.offsets_mm(center), axis=-1)
    wrong = int(np.count_nonzero(~np.isfinite(window.hu[away < 1.6 * radius + 4])))
    if wrong:
        raise NoduleError(f"{wrong} voxels about the mark are no finite numbers")
