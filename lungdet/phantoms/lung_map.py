"""Find the lungs of any chest CT, coarsely and fast: where nodules may be put, and how deep a place lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .thorax import Array

STEP_MM = 4.0  # of the map; a scan of any size has a few hundred thousand places
LUNG_BELOW_HU = -400.0
BODY_ABOVE_HU = -300.0
ENCLOSED_SIDES, ENCLOSED_PART = 3, 0.7  # of the four in the plane of the slices; of the places of a piece
GAS_BELOW_LUNG_HU, GAS_HU = 75.0, (-955.0, -915.0)  # so much darker than the mean of the lungs, within bounds
LEAST_GAS_ML = 2.0
LUNG_MEAN_HU = (-940.0, -450.0)  # outside: gas, or no lung
LEAST_ML = 20.0
CLOSED_MM = 6.0  # vessels up to twice this belong to the lung


@dataclass(frozen=True)
class LungMap:
    """Depth of the places of a coarse grid in the lungs; mm are along the axes of the image, 0 at its first voxel.

    Attributes:
        depth_mm: ``(x, y, z)`` float32, distance to the surface of the lung; 0 outside.
        hu: ``(x, y, z)`` float32, the image there.
        step_mm: ``(3,)`` from place to place.
    """

    depth_mm: NDArray[np.float32]
    hu: NDArray[np.float32]
    step_mm: Array

    def depth_at(self, points: Array) -> Array:
        """Depth in mm at ``(N, 3)`` points in mm, linear between places, ``(N,)``."""
        places = (points / self.step_mm).T
        depth: Array = ndimage.map_coordinates(self.depth_mm, places, order=1, mode="nearest")
        return depth

    def draw(self, rng: np.random.Generator, low_mm: float, high_mm: float, above_hu: float | None = None) -> Array:
        """Draw a place with a depth between two bounds, ``(1, 3)`` mm; ``(0, 3)`` if there is none.

        Args:
            rng: source of chance.
            low_mm: least depth.
            high_mm: greatest depth.
            above_hu: if given, only places brighter than that: vessels.
        """
        fits = (self.depth_mm > low_mm) & (self.depth_mm < high_mm)
        if above_hu is not None:
            fits &= self.hu > above_hu
        places = np.flatnonzero(fits)
        if not len(places):
            return np.empty((0, 3))
        place = np.array(np.unravel_index(int(rng.choice(places)), fits.shape))
        point: Array = ((place + rng.uniform(-0.5, 0.5, 3)) * self.step_mm)[None]
        return point


def map_lungs(
    hu: Array, spacing_mm: Sequence[float] | Array, slice_axis: int = 2, mask: Array | None = None
) -> LungMap:
    """Find the lungs of a CT by their HU, in about a second whatever its size.

    What is darker than soft tissue falls into connected pieces. A piece counts as lung if it is large enough, its mean
    is neither that of gas nor that of fat, and the body, the largest piece of tissue, lies on three of its four sides:
    so tables, blankets and the air around the patient drop out, and a lung that the border cuts on one side stays.
    Vessels are closed, the windpipe is left out.

    Args:
        hu: ``(X, Y, Z)``.
        spacing_mm: voxel size along the three axes.
        slice_axis: the axis towards head or feet.
        mask: ``(X, Y, Z)``, not 0 in the lungs, if they are known.

    Returns:
        The map; its depth is 0 everywhere if no lung is found.

    Raises:
        ValueError: image and mask differ in shape.
    """
    if mask is not None and mask.shape != hu.shape:
        raise ValueError(f"the lung mask must have the shape of the image, got {mask.shape} and {hu.shape}")
    strides = [max(1, int(STEP_MM / step)) for step in spacing_mm]
    coarse = tuple(slice(None, None, stride) for stride in strides)
    step = np.array(strides) * np.array(spacing_mm, dtype=float)
    seen = np.asarray(hu[coarse], dtype=np.float32)
    lungs = _lungs_by_hu(seen, step, slice_axis) if mask is None else np.asarray(mask[coarse]) != 0
    depth = ndimage.distance_transform_edt(lungs, sampling=step) - step.min() / 2  # the surface is between two places
    return LungMap(np.maximum(depth, 0).astype(np.float32) * lungs, seen, step)


def _lungs_by_hu(hu: NDArray[np.float32], step_mm: Array, slice_axis: int) -> NDArray[np.bool_]:
    smooth = ndimage.gaussian_filter(hu, 0.7, mode="nearest")
    pieces, count = ndimage.label(smooth < LUNG_BELOW_HU)
    enclosed = _enclosed(_body(smooth), slice_axis)
    sizes = np.maximum(np.bincount(pieces.ravel(), minlength=count + 1), 1)
    mean_hu = np.bincount(pieces.ravel(), smooth.ravel(), count + 1) / sizes
    part = np.bincount(pieces.ravel(), enclosed.ravel(), count + 1) / sizes
    wanted = (sizes * step_mm.prod() / 1e3 >= LEAST_ML) & (part >= ENCLOSED_PART)
    wanted &= (mean_hu > LUNG_MEAN_HU[0]) & (mean_hu < LUNG_MEAN_HU[1])
    wanted[0] = False
    lungs: NDArray[np.bool_] = wanted[pieces]
    turns = max(1, int(CLOSED_MM / step_mm.mean()))
    grown = ndimage.binary_dilation(lungs, iterations=turns)
    closed = ndimage.binary_erosion(grown, iterations=turns, border_value=1) | lungs
    return closed & ~_gas(smooth, lungs, step_mm)


def _gas(hu: NDArray[np.float32], lungs: NDArray[np.bool_], step_mm: Array) -> NDArray[np.bool_]:
    """Windpipe and bullae with their rim: pieces so dark that they hold no lung."""
    if not lungs.any():
        return lungs
    dark = hu < np.clip(hu[lungs].mean() - GAS_BELOW_LUNG_HU, *GAS_HU)
    pieces, count = ndimage.label(dark)
    large = np.bincount(pieces.ravel(), minlength=count + 1) * step_mm.prod() / 1e3 >= LEAST_GAS_ML
    large[0] = False
    gas: NDArray[np.bool_] = ndimage.binary_dilation(large[pieces], iterations=2) | (dark & ~lungs)
    return gas


def _body(hu: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The largest piece of tissue; the opening parts it from the shell of the table."""
    pieces, count = ndimage.label(ndimage.binary_opening(hu > BODY_ABOVE_HU))
    if not count:
        return np.zeros(hu.shape, dtype=bool)
    largest: NDArray[np.bool_] = pieces == 1 + int(np.bincount(pieces.ravel())[1:].argmax())
    return largest


def _enclosed(body: NDArray[np.bool_], slice_axis: int) -> NDArray[np.bool_]:
    """Which places have the body on enough of their four sides in the plane of the slices."""
    sides = np.zeros(body.shape, dtype=np.int8)
    for axis in range(3):
        if axis != slice_axis:
            sides += np.maximum.accumulate(body, axis=axis)
            sides += np.flip(np.maximum.accumulate(np.flip(body, axis), axis=axis), axis)
    enclosed: NDArray[np.bool_] = sides >= ENCLOSED_SIDES
    return enclosed
