"""A window of a CT about a nodule, with thick slices sampled finely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

FINE_MM = 1.0  # voxels larger than this are sampled more finely, linear between their middles
SMOOTH_MM = 0.5
AIR_HU = -1024.0
MOST_FINE = 8


class NoduleError(ValueError):
    """A place on a CT that cannot be measured; the message says why."""


@dataclass(frozen=True)
class NoduleWindow:
    """A window of a CT; mm count along the axes of the array from its first voxel.

    Attributes:
        hu: ``(x, y, z)`` float32 on the fine grid.
        smooth_hu: the same, lightly smoothed in the plane of the slices.
        step_mm: ``(3,)`` of the fine grid.
        parts: ``(3,)`` fine steps to a voxel of the image.
        first_voxel: ``(3,)`` voxel of the image where the window begins.
        spacing_mm: ``(3,)`` of the image.
        thickness_mm: over which a slice is the mean.
        lungs: ``(x, y, z)`` on the fine grid, if known.
        at_border: ``(3, 2)`` whether the window ends where the image ends, low and high along each axis.
    """

    hu: NDArray[np.float32]
    smooth_hu: NDArray[np.float32]
    step_mm: Floats
    parts: NDArray[np.int64]
    first_voxel: NDArray[np.int64]
    spacing_mm: Floats
    thickness_mm: float
    lungs: Mask | None
    at_border: Mask

    def to_mm(self, voxel: Floats) -> Floats:
        """Voxel of the image, ``(..., 3)`` in the voxel frame, to mm in the window."""
        place: Floats = (voxel - self.first_voxel) * self.spacing_mm
        return place

    def to_voxel(self, place_mm: Floats) -> Floats:
        """The inverse of :meth:`to_mm`."""
        voxel: Floats = place_mm / self.spacing_mm + self.first_voxel
        return voxel

    def offsets_mm(self, center_mm: Floats) -> Floats:
        """``(x, y, z, 3)`` of every place of the fine grid from a point."""
        axes = [np.arange(n) * step - c for n, step, c in zip(self.hu.shape, self.step_mm, center_mm, strict=True)]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def cut_window(
    hu: NDArray[Any],
    spacing_mm: Sequence[float] | Floats,
    center_voxel: Floats,
    half_mm: float,
    thickness_mm: float | None = None,
    lung_mask: NDArray[Any] | None = None,
) -> NoduleWindow:
    """Cut a window out of a CT.

    Args:
        hu: ``(X, Y, Z)``, slices along the last axis.
        spacing_mm: voxel size along the three axes.
        center_voxel: ``(3,)`` its middle in the voxel frame.
        half_mm: how far it reaches from there.
        thickness_mm: of a slice; the slice spacing where None.
        lung_mask: ``(X, Y, Z)``, not 0 in the lungs.

    Raises:
        NoduleError: image, spacing and mask do not fit together, or the middle lies outside the image.
    """
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    _check(hu, spacing, center_voxel, thickness_mm, lung_mask)
    size = np.array(hu.shape)
    low = np.maximum(np.floor(center_voxel - half_mm / spacing), 0).astype(np.int64)
    high = np.minimum(np.ceil(center_voxel + half_mm / spacing) + 1, size).astype(np.int64)
    span = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    piece = np.maximum(np.asarray(hu[span], dtype=np.float32), np.float32(AIR_HU))  # NaN stays NaN
    parts = np.clip(np.ceil(spacing / FINE_MM), 1, MOST_FINE).astype(np.int64)
    parts[np.array(piece.shape) == 1] = 1
    fine = refine(piece, parts)
    sigma = [SMOOTH_MM / step for step in (spacing / parts)[:2]]
    return NoduleWindow(
        hu=fine,
        smooth_hu=gaussian_filter(np.nan_to_num(fine, nan=AIR_HU), (*sigma, 0.0), mode="nearest"),
        step_mm=spacing / parts,
        parts=parts,
        first_voxel=low,
        spacing_mm=spacing,
        thickness_mm=float(thickness_mm or spacing[2]),
        lungs=None if lung_mask is None else refine(np.asarray(lung_mask[span]) != 0, parts) > 0.5,
        at_border=np.stack([low == 0, high == size], axis=1),
    )


def refine(image: NDArray[Any], parts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Put places between the voxels, linear along each axis: ``n`` voxels give ``(n - 1) * parts + 1``.

    Example:
        >>> refine(np.array([[[0.0, 2.0]]]), np.array([1, 1, 2]))
        array([[[0., 1., 2.]]], dtype=float32)
    """
    fine = np.asarray(image, dtype=np.float32)
    for axis, count in enumerate(parts):
        if count > 1:
            places = np.arange((fine.shape[axis] - 1) * count + 1) / count
            low = np.minimum(places.astype(np.int64), fine.shape[axis] - 2)
            part = (places - low).astype(np.float32).reshape([-1 if n == axis else 1 for n in range(3)])
            fine = np.take(fine, low, axis) * (1 - part) + np.take(fine, low + 1, axis) * part
    return fine


def _check(
    hu: NDArray[Any], spacing: Floats, center: Floats, thickness: float | None, mask: NDArray[Any] | None
) -> None:
    if hu.ndim != 3 or min(hu.shape) < 1:
        raise NoduleError(f"wanted an image (X, Y, Z) with voxels in it, got shape {hu.shape}")
    if spacing.shape != (3,) or not np.isfinite(spacing).all() or spacing.min() <= 0:
        raise NoduleError(f"wanted three voxel sizes above 0 mm, got {spacing.tolist()}")
    if thickness is not None and not 0 < thickness < np.inf:
        raise NoduleError(f"the slice thickness must be above 0 mm, got {thickness}")
    if mask is not None and mask.shape != hu.shape:
        raise NoduleError(f"the lung mask must have the shape of the image, got {mask.shape} and {hu.shape}")
    if np.shape(center) != (3,) or not np.isfinite(center).all():
        raise NoduleError(f"wanted the mark as three finite numbers, got {np.asarray(center).tolist()}")
    if (center < -0.5).any() or (center > np.array(hu.shape) - 0.5).any():
        raise NoduleError(f"the mark {center.round(1).tolist()} lies outside the image of {hu.shape} voxels")
