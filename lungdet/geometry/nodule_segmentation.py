"""From a mark to a nodule: its surface along rays, vessels and pleura cut off, and its share of every voxel.

Along rays from the middle, the surface lies where the image falls to the mean of nodule and lung around it (the
adaptive threshold of partial volume). Rays into the wall end at the pleura, which is laid smoothly under the nodule;
rays that run on into a vessel end where their neighbours do. The volume is then no count of voxels: a voxel at the rim
holds as much nodule as its HU lie between lung and nodule, so that it holds for thick slices, too (compare Kuhnigk et
al., Morphological segmentation and partial volume analysis for volumetry of solid pulmonary lesions, IEEE TMI 2006).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .local_pleura import LocalPleura
from .nodule_share import nodule_share
from .nodule_tracing import SOLID_ABOVE_HU, Density, NoduleTracing
from .nodule_window import NoduleError, NoduleWindow, cut_window
from .star_surface import StarSurface

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

USUAL_DIAMETER_MM = 10.0
DIAMETERS_MM = (2.0, 80.0)  # of what can be measured
TURNS = 3
CORE_PART = 0.05  # of the volume: less that is solid is vessels and noise


@dataclass(frozen=True)
class NoduleSegmentation:
    """A nodule on a CT.

    Attributes:
        window: the part of the image about it.
        surface: its surface, mm in the window.
        pleura: the wall about it.
        at_pleura: ``(RAYS,)`` rays that end at the pleura.
        at_vessel: ``(RAYS,)`` rays that were cut, since they ran on into a vessel.
        at_border: ``(RAYS,)`` rays that end where the image ends.
        share: ``(x, y, z)`` float32 on the window's fine grid, how much of each place is nodule, 0 to 1 but for noise.
        lung_hu: of the lung around it.
        edge_hu: of its tissue at the rim.
        density: what it looks like.
    """

    window: NoduleWindow
    surface: StarSurface
    pleura: LocalPleura
    at_pleura: Mask
    at_vessel: Mask
    at_border: Mask
    share: NDArray[np.float32]
    lung_hu: float
    edge_hu: float
    density: Density


def segment_nodule(
    hu: NDArray[Any],
    spacing_mm: Sequence[float] | Floats,
    center_voxel: Sequence[float] | Floats,
    diameter_mm: float | None = None,
    *,
    thickness_mm: float | None = None,
    lung_mask: NDArray[Any] | None = None,
) -> NoduleSegmentation:
    """Segment the nodule at a mark.

    Args:
        hu: ``(X, Y, Z)`` HU, slices along the last axis. Below -1024 is taken for padding.
        spacing_mm: voxel size along the three axes.
        center_voxel: the mark in the voxel frame, integers at the middles of voxels; anywhere in the nodule.
        diameter_mm: about how large; a detector's box is good enough, and None tries 10 mm first.
        thickness_mm: of a slice, for slices that overlap; the slice spacing where None.
        lung_mask: ``(X, Y, Z)``, not 0 in the lungs, if known; without it the wall is found by its HU.

    Raises:
        NoduleError: the mark lies outside the image, HU about it are not numbers, nothing stands out there, there is no
            lung around, or it is too large.
    """
    radius = (USUAL_DIAMETER_MM if diameter_mm is None else _checked(diameter_mm)) / 2
    center = np.asarray(center_voxel, dtype=np.float64)
    for turn in range(TURNS):
        window = cut_window(hu, spacing_mm, center, 2.4 * radius + 20, thickness_mm, lung_mask)
        found = NoduleTracing(window, window.to_mm(center), radius)
        grown = (found.surface.volume_mm3 / (4 / 3 * np.pi)) ** (1 / 3)
        if turn == TURNS - 1 or 0.75 < grown / radius < 1.3:
            break
        radius = float(np.clip(grown, 0.5 * radius, 2 * radius))
    return _with_share(window, found)


def _with_share(window: NoduleWindow, found: NoduleTracing) -> NoduleSegmentation:
    """Work out the share of the voxels, and with it what the nodule looks like."""
    clean = ~(found.at_pleura | found.near_vessel() | found.at_border)
    share, edge = nodule_share(
        window, found.surface, found.pleura, clean, found.lung_hu, found.edge_hu, found.core_hu, found.density
    )
    density: Density = found.density
    if density != "part_solid":
        density = "solid" if edge > SOLID_ABOVE_HU else "ground_glass"
    if density == "ground_glass" and _part_above(window, share, SOLID_ABOVE_HU) > CORE_PART:
        density = "part_solid"
    return NoduleSegmentation(
        window=window,
        surface=found.surface,
        pleura=found.pleura,
        at_pleura=found.at_pleura,
        at_vessel=found.at_vessel,
        at_border=found.at_border,
        share=share,
        lung_hu=found.lung_hu,
        edge_hu=edge,
        density=density,
    )


def _part_above(window: NoduleWindow, share: NDArray[np.float32], level_hu: float) -> float:
    inside = np.clip(share, 0, 1)
    return float(inside[window.smooth_hu > level_hu].sum() / max(float(inside.sum()), 1e-9))


def _checked(diameter_mm: float) -> float:
    low, high = DIAMETERS_MM
    if not 0 < diameter_mm < np.inf:
        raise NoduleError(f"the diameter must be above 0 mm, got {diameter_mm}")
    if diameter_mm > high:
        raise NoduleError(f"nodules of up to {high:.0f} mm can be measured, got {diameter_mm:.1f} mm")
    return max(diameter_mm, low)
