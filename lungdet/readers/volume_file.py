"""Read a CT volume from one NIfTI, MetaImage or NRRD file.

These formats do not say that their values are HU; they are taken as HU after the file's own scale, and a warning is
logged when nothing in the volume is as low as fat or air. Values of -1500 HU or less (no tissue, no noise is; LUNA16
has -3024 and -2048 outside the field of view) and NaN are padding.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungdet.geometry.frames import spacing_of
from lungdet.records import CTVolume, SeriesInfo

from .errors import SeriesError
from .read_options import ReadOptions
from .series_groups import SeriesCandidate
from .slice_stack import TILT_DEGREES, FloatArray, PlaneAxes, plane_name
from .stack_pixels import OUT_OF_FIELD_HU, check_size
from .stack_resample import straighten, straightened_grid
from .volume_formats import VolumeHeader, is_volume_file, open_volume

logger = logging.getLogger(__name__)

AIR_HU = -1000.0
NOT_HU_ABOVE = -50.0  # a chest or head CT without one voxel this low is probably not in HU


def read_volume_file(path: Path, options: ReadOptions) -> CTVolume:
    """Read one volume.

    Args:
        path: a file that :func:`is_volume_file` knows.
        options: what is allowed; ``on_tilt`` and ``padding_hu`` matter here.

    Raises:
        SeriesError: the file is damaged, holds no single 3D volume, has no geometry or a sheared one.
    """
    header = open_volume(path)
    affine, shifts_px = _checked_geometry(header, options)
    columns, rows, slices = header.shape
    narrow = options.dtype == "auto" and header.dtype.itemsize <= 2 and header.dtype.kind in "iu"
    wide = np.dtype(np.int16 if narrow else np.float32)
    check_size(slices, (rows, columns), wide, options.max_bytes, str(path))
    block, steps = _to_hu(header, options)
    if shifts_px is not None:
        low, grid = straightened_grid(shifts_px, block.shape[1:])
        check_size(slices, grid, block.dtype, options.max_bytes, str(path))
        block = straighten(block, shifts_px, AIR_HU if options.padding_hu is None else options.padding_hu)
        affine = affine.copy()
        affine[:3, 3] += affine[:3, :2] @ low
        steps.append("straightened the sheared volume")
    for step in steps:
        logger.warning("%s: %s", path, step)
    return CTVolume(block.transpose(2, 1, 0), affine, SeriesInfo(source=str(path), steps=tuple(steps)))


def list_volume_file(path: Path) -> SeriesCandidate:
    """Describe a volume as a candidate without UIDs; its key is the file name."""
    header = open_volume(path)
    spacing = [float(value) for value in spacing_of(header.affine_lps)]
    row, column = (header.affine_lps[:3, axis] / spacing[axis] for axis in (0, 1))
    columns, rows, slices = header.shape
    return SeriesCandidate(
        key=path.name,
        series_uid="",
        description="",
        kernel="",
        plane=plane_name(PlaneAxes(row, column, np.cross(row, column))),
        slices=slices,
        grid=(rows, columns),
        pixel_spacing_mm=(spacing[1], spacing[0]),
        step_mm=spacing[2],
        thickness_mm=None,
        files=(path,),
    )


@dataclass(frozen=True)
class _Shear:
    """How far the third axis is from the normal of the first two."""

    degrees: float
    per_slice_mm: FloatArray  # (2,) along the first two axes
    height_mm: float
    normal: FloatArray


def _checked_geometry(header: VolumeHeader, options: ReadOptions) -> tuple[FloatArray, FloatArray | None]:
    """Return the affine, and the shifts in pixels if the volume is to be straightened."""
    affine, path = header.affine_lps, header.path
    spacing = spacing_of(affine)
    if not np.isfinite(affine).all() or spacing.min() <= 0 or abs(np.linalg.det(affine[:3, :3] / spacing)) < 1e-3:
        raise SeriesError(f"{path}: its affine is not finite or singular:\n{affine}; write the file again")
    row, column = affine[:3, 0] / spacing[0], affine[:3, 1] / spacing[1]
    limit = np.sin(np.radians(TILT_DEGREES))
    if abs(row @ column) > limit:
        angle = np.degrees(np.arccos(row @ column))
        raise SeriesError(f"{path}: rows and columns of its affine meet at {angle:.2f} degrees; resample it first")
    shear = _shear_of(affine, row, column)
    if shear.degrees <= TILT_DEGREES:
        return affine, None
    if options.on_tilt == "error":
        problem = f"its affine is sheared, the third axis leans by {shear.degrees:.2f} degrees"
        raise SeriesError(f"{path}: {problem}; pass on_tilt='resample' to shear it onto a rectangular grid")
    straight = affine.copy()
    straight[:3, 2] = shear.normal * shear.height_mm
    return straight, np.arange(header.shape[2])[:, None] * (shear.per_slice_mm / spacing[:2])


def _shear_of(affine: FloatArray, row: FloatArray, column: FloatArray) -> _Shear:
    normal = np.cross(row, column)
    normal = normal / np.linalg.norm(normal)
    step = affine[:3, 2]
    height = float(step @ normal)
    plane = np.stack([row, column], axis=1)
    within: FloatArray = np.linalg.lstsq(plane, step - height * normal, rcond=None)[0].astype(np.float64)
    return _Shear(float(np.degrees(np.arctan2(np.linalg.norm(within), abs(height)))), within, height, normal)


def _to_hu(header: VolumeHeader, options: ReadOptions) -> tuple[NDArray[Any], list[str]]:
    """Read the values as a C-ordered ``(Z, Y, X)`` block in HU, int16 where exact, with padding filled."""
    stored = header.read()
    if stored.dtype.kind not in "iuf":
        raise SeriesError(f"{header.path}: its values are {stored.dtype}, not plain numbers; this is no CT")
    hu: NDArray[Any] | None = _as_int16(header, stored)
    if hu is None:
        plain = (header.slope, header.intercept) == (1.0, 0.0)
        hu = stored.astype(np.float32) if plain else (stored * header.slope + header.intercept).astype(np.float32)
    hu = np.ascontiguousarray(hu, dtype=np.float32 if options.dtype == "float32" else hu.dtype)
    steps = _fill_padding(header.path, hu, options.padding_hu)
    if hu.min() > NOT_HU_ABOVE:
        steps.append(f"its values run from {hu.min():g} to {hu.max():g}: are they HU?")
    return hu, steps


def _as_int16(header: VolumeHeader, stored: NDArray[Any]) -> NDArray[np.int16] | None:
    """Rescale whole numbers by whole numbers; None if the result is not exact in int16."""
    whole = header.slope == round(header.slope) and header.intercept == round(header.intercept)
    if stored.dtype.kind == "f" or not whole:
        return None
    slope, intercept = int(header.slope), int(header.intercept)
    ends = [int(value) * slope + intercept for value in (stored.min(), stored.max())]
    if min(ends) < -32768 or max(ends) > 32767:
        return None
    if (slope, intercept) == (1, 0):
        return stored.astype(np.int16, copy=False)
    return (stored.astype(np.int64) * slope + intercept).astype(np.int16)


def _fill_padding(path: Path, hu: NDArray[Any], padding_hu: float | None) -> list[str]:
    """Fill padding in place; refuse what is not finite otherwise."""
    if hu.dtype.kind == "f":
        infinite = int(np.isinf(hu).sum()) + (int(np.isnan(hu).sum()) if padding_hu is None else 0)
        if infinite:
            raise SeriesError(
                f"{path}: {infinite} values are not finite; write the file again, or set padding_hu for NaN"
            )
    if padding_hu is None:
        return []
    outside = ~(hu > OUT_OF_FIELD_HU)  # true for NaN
    count = int(np.count_nonzero(outside))
    if not count:
        return []
    hu[outside] = padding_hu
    return [f"set {count} voxels of padding to {padding_hu:g} HU"]


__all__ = ["is_volume_file", "list_volume_file", "read_volume_file"]
