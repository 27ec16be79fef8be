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
from .patient_print import patient_key, patient_print
from .read_options import ReadOptions, allow
from .series_groups import SeriesCandidate
from .slice_facts import PIXEL_LIMITS_MM
from .slice_stack import TILT_DEGREES, FloatArray, PlaneAxes, plane_name
from .stack_checks import MOST_EXTENT_MM, STEP_LIMITS_MM
from .stack_pixels import OUT_OF_FIELD_HU, check_size
from .stack_resample import straighten, straightened_grid
from .volume_formats import is_volume_file, open_volume
from .volume_header import VolumeHeader, check_claim

logger = logging.getLogger(__name__)

AIR_HU = -1000.0
NOT_HU_ABOVE = -50.0  # a chest or head CT without one voxel this low is probably not in HU
NOT_HU_BELOW = -300.0  # nor is one without a voxel this high
FAR_BEYOND_HU = 60_000.0  # metal, on an extended scale, ends at about 31,000
INT16 = np.iinfo(np.int16)


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
    check_claim(header)
    _check_memory(header, options)
    block, steps = _to_hu(header, options)
    if shifts_px is not None:
        low, grid = straightened_grid(shifts_px, block.shape[1:])
        check_size(header.shape[2], grid, block.dtype, options.max_bytes, str(path))
        block = straighten(block, shifts_px, AIR_HU if options.padding_hu is None else options.padding_hu)
        affine = affine.copy()
        affine[:3, 3] += affine[:3, :2] @ low
        steps.append("straightened the sheared volume")
    for step in steps:
        logger.warning("%s: %s", path, step)
    info = SeriesInfo(source=str(path), steps=tuple(steps), patient=patient_print("", "", patient_key()))
    return CTVolume(block.transpose(2, 1, 0), affine, info)


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
    _check_lengths(header, spacing)
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
        raise SeriesError(f"{path}: {problem}; pass {allow('on_tilt', 'resample')} to shear it onto a rectangular grid")
    straight = affine.copy()
    straight[:3, 2] = shear.normal * shear.height_mm
    return straight, np.arange(header.shape[2])[:, None] * (shear.per_slice_mm / spacing[:2])


def _check_lengths(header: VolumeHeader, spacing: FloatArray) -> None:
    """Refuse voxels and volumes of a size that no CT has: their header is damaged, or not in mm."""
    limits = np.array([PIXEL_LIMITS_MM, PIXEL_LIMITS_MM, STEP_LIMITS_MM]).T
    extent = spacing * header.shape
    if (spacing < limits[0]).any() or (spacing > limits[1]).any() or extent.max() > MOST_EXTENT_MM:
        voxel, whole = (" x ".join(f"{value:.4g}" for value in lengths) for lengths in (spacing, extent))
        raise SeriesError(
            f"{header.path}: its voxels are {voxel} mm, together {whole} mm; a CT has {limits.min():g} to "
            f"{limits[1, 0]:g} mm within a slice, at most {limits[1, 2]:g} mm between them, and at most "
            f"{MOST_EXTENT_MM:g} mm in all: write it again in mm"
        )


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
    narrow = _wants_int16(options) and _is_int16(header, stored)
    hu = _rescaled(stored, header.slope, header.intercept, np.dtype(np.int16 if narrow else np.float32))
    steps = _fill_padding(header.path, hu, options.padding_hu)
    low, high = float(hu.min()), float(hu.max())
    if low > NOT_HU_ABOVE or high < NOT_HU_BELOW or high > FAR_BEYOND_HU:
        steps.append(f"its values run from {low:g} to {high:g}: are they HU?")
    return hu, steps


def _check_memory(header: VolumeHeader, options: ReadOptions) -> None:
    """Refuse before memory is taken: the stored values, and beside them the result where it has another type."""
    if header.dtype.kind not in "iuf":
        raise SeriesError(f"{header.path}: its values are {header.dtype}, not plain numbers; this is no CT")
    small = header.dtype.kind in "iu" and header.dtype.itemsize <= 2
    result = np.dtype(np.int16 if small and _wants_int16(options) and _is_whole(header) else np.float32)
    plain = (header.slope, header.intercept) == (1.0, 0.0)
    second = 0 if plain and header.dtype.newbyteorder("=") == result else result.itemsize
    columns, rows, slices = header.shape
    each = np.dtype((np.void, max(header.copies * header.dtype.itemsize, header.dtype.itemsize + second)))
    check_size(slices, (rows, columns), each, options.max_bytes, str(header.path))


def _wants_int16(options: ReadOptions) -> bool:
    """Whether int16 is allowed, and holds the value of padding."""
    padding = options.padding_hu or 0.0
    return options.dtype == "auto" and padding == round(padding) and INT16.min <= padding <= INT16.max


def _is_whole(header: VolumeHeader) -> bool:
    return header.slope == round(header.slope) and header.intercept == round(header.intercept)


def _is_int16(header: VolumeHeader, stored: NDArray[Any]) -> bool:
    """Whether whole numbers, rescaled by whole numbers, fit int16."""
    if stored.dtype.kind == "f" or not _is_whole(header):
        return False
    ends = [int(value) * int(header.slope) + int(header.intercept) for value in (stored.min(), stored.max())]
    return INT16.min <= min(ends) and max(ends) <= INT16.max


def _rescaled(stored: NDArray[Any], slope: float, intercept: float, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Rescale slice by slice, so that no third block is needed; ``stored`` itself if there is nothing to do."""
    plain = (slope, intercept) == (1.0, 0.0)
    if plain and stored.dtype == dtype:
        return stored
    hu = np.empty(stored.shape, dtype)
    with np.errstate(over="ignore"):  # what overflows is infinite, and refused as such
        for target, plane in zip(hu, stored, strict=True):
            target[...] = plane if plain else plane * np.float64(slope) + intercept
    return hu


def _fill_padding(path: Path, hu: NDArray[Any], padding_hu: float | None) -> list[str]:
    """Fill padding in place; refuse what is not finite otherwise, and a volume that is nothing but padding."""
    infinite = count = 0
    for plane in hu:
        outside = ~(plane > OUT_OF_FIELD_HU)  # true for NaN
        if hu.dtype.kind == "f":
            infinite += int(np.count_nonzero(~np.isfinite(plane) if padding_hu is None else np.isinf(plane)))
        if outside.any():
            count += int(np.count_nonzero(outside))
            if padding_hu is not None:
                plane[outside] = padding_hu
    if count == hu.size:
        raise SeriesError(f"{path}: every voxel is padding, NaN or {OUT_OF_FIELD_HU:g} HU or less; write it in HU")
    if infinite:
        raise SeriesError(f"{path}: {infinite} values are not finite; write the file again, or set padding_hu for NaN")
    if padding_hu is None or not count:
        return []
    return [f"set {count} voxels of padding to {padding_hu:g} HU"]


__all__ = ["is_volume_file", "list_volume_file", "read_volume_file"]
