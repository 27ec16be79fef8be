"""DeepLesion's slices, 16-bit PNG, as volumes in HU with a place, and back.

DeepLesion gives the spacing of a series, but neither position nor orientation, so the place is a convention, stated
here and used everywhere: **the centre of the first pixel of slice number 1 is the origin; columns run to the patient's
left, rows to the back, and slice numbers to the feet.** Voxel ``(i, j, k)`` of a group that begins with slice ``n``
lies at

``x = i * sx,  y = j * sy,  z = -(n - 1 + k) * sz``   in LPS mm.

That slice numbers run to the feet is what the data set shows: its body-part coordinate falls with the number in 26 of
3,153 pairs of lesions of one series, and rises in the others. Groups of one series and spacing share one frame, so a
box in mm fits every way of cutting them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lungdet.records import CTVolume, SeriesInfo

from .errors import SeriesError
from .png_file import read_png16, write_png16

HU_OFFSET = 32768  # HU = value - 32768
FIRST_SLICE = 1
MAX_SLICES = 5000  # of a volume; the longest of the data set has some hundred
_SLICE_NAME = re.compile(r"(\d{1,6})\.png", re.IGNORECASE)


def deeplesion_affine_lps(spacing_mm: Sequence[float], first_slice: int) -> NDArray[np.float64]:
    """Affine of a group of slices, voxel centres to LPS mm, by the convention of this module.

    Args:
        spacing_mm: ``(x, y, z)``.
        first_slice: number of the first slice of the group, from 1.

    Example:
        >>> deeplesion_affine_lps((2.0, 2.0, 5.0), 3)[:3]
        array([[  2.,   0.,   0.,   0.],
               [  0.,   2.,   0.,   0.],
               [  0.,   0.,  -5., -10.]])
    """
    if len(spacing_mm) != 3 or not min(spacing_mm) > 0 or not np.isfinite(spacing_mm).all():
        raise ValueError(f"spacing_mm must be three positive numbers, got {tuple(spacing_mm)}")
    x, y, z = (float(value) for value in spacing_mm)
    affine = np.diag([x, y, -z, 1.0])
    affine[2, 3] = -(first_slice - FIRST_SLICE) * z + 0.0  # + 0.0: no negative zero
    return affine


def nifti_name(patient: int, study: int, series: int, first_slice: int, last_slice: int) -> str:
    """Name of a volume as the data set's own converter gives it.

    Example:
        >>> nifti_name(1, 1, 1, 103, 115)
        '000001_01_01_103-115.nii.gz'
    """
    return f"{patient:06d}_{study:02d}_{series:02d}_{first_slice:03d}-{last_slice:03d}.nii.gz"


def contiguous_groups(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join ranges of slices, both ends included, that overlap or touch.

    Example:
        >>> contiguous_groups([(8, 23), (40, 44), (20, 30), (31, 33)])
        [(8, 33), (40, 44)]
    """
    groups: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if groups and first <= groups[-1][1] + 1:
            groups[-1] = (groups[-1][0], max(last, groups[-1][1]))
        else:
            groups.append((first, last))
    return groups


def slice_numbers(folder: str | Path) -> list[int]:
    """Numbers of the slices in the folder of a series, ``Images_png/000001_01_01``, rising.

    Raises:
        SeriesError: the folder does not exist.
    """
    if not Path(folder).is_dir():
        raise SeriesError(f"{folder}: no such folder; unpack the zip of Images_png that holds it")
    matches = (_SLICE_NAME.fullmatch(path.name) for path in Path(folder).iterdir())
    return sorted(int(match.group(1)) for match in matches if match is not None)


def read_deeplesion_group(
    folder: str | Path, first_slice: int, last_slice: int, spacing_mm: Sequence[float]
) -> CTVolume:
    """Read slices of one series as a volume.

    Args:
        folder: of the series: ``Images_png/000001_01_01``, which holds ``103.png`` and so on.
        first_slice: number of the first slice.
        last_slice: number of the last slice, included.
        spacing_mm: ``(x, y, z)``.

    Returns:
        The volume in HU, int16, with :func:`deeplesion_affine_lps`.

    Raises:
        SeriesError: a slice is missing, damaged, or of another size than the first; the message names it. Or there are
            more than 5000.
        ValueError: the range does not rise.
    """
    if not FIRST_SLICE <= first_slice <= last_slice:
        raise ValueError(f"slices {first_slice} to {last_slice}: wanted a rising range from {FIRST_SLICE}")
    if last_slice - first_slice >= MAX_SLICES:
        what = f"slices {first_slice} to {last_slice} are more than {MAX_SLICES}; correct Slice_range"
        raise SeriesError(f"{folder}: {what}")
    paths = [Path(folder) / f"{number:03d}.png" for number in range(first_slice, last_slice + 1)]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        names = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        raise SeriesError(f"{folder}: {len(missing)} of {len(paths)} slices are missing: {names}; unpack them again")
    first = read_png16(paths[0])
    block = np.empty((len(paths), *first.shape), dtype=np.int16)
    for index, path in enumerate(paths):
        pixels = first if index == 0 else read_png16(path)
        if pixels.shape != first.shape:
            raise SeriesError(f"{path}: {pixels.shape} pixels (rows, columns), {paths[0].name} has {first.shape}")
        block[index] = pixels.astype(np.int32) - HU_OFFSET
    info = SeriesInfo(source=str(folder), steps=(f"slices {first_slice} to {last_slice}, place by convention",))
    return CTVolume(block.transpose(2, 1, 0), deeplesion_affine_lps(spacing_mm, first_slice), info)


def write_deeplesion_group(volume: CTVolume, folder: str | Path) -> list[Path]:
    """Write a volume as DeepLesion's slices; the inverse of :func:`read_deeplesion_group`.

    Args:
        volume: in HU, with an affine of this module's convention, which tells the number of the first slice.
        folder: made if absent.

    Returns:
        The files, in the order of the slices.

    Raises:
        ValueError: the affine is not by the convention, or HU do not fit 16 bits.
    """
    first = _first_slice(volume)
    values = np.round(np.asarray(volume.array, dtype=np.float64)) + HU_OFFSET
    if values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
        raise ValueError(f"{volume.info.source}: HU from {values.min() - HU_OFFSET:g} do not fit 16 bits")
    Path(folder).mkdir(parents=True, exist_ok=True)
    paths = [Path(folder) / f"{first + index:03d}.png" for index in range(values.shape[2])]
    for index, path in enumerate(paths):
        write_png16(path, values[:, :, index].T.astype(np.uint16))
    return paths


def _first_slice(volume: CTVolume) -> int:
    """Tell the number of the first slice from the place of a volume."""
    affine = volume.affine_lps
    first = round(FIRST_SLICE - affine[2, 3] / abs(affine[2, 2])) if affine[2, 2] else 0
    spacing = np.abs(np.diag(affine)[:3])
    if first < FIRST_SLICE or not np.allclose(affine, deeplesion_affine_lps(spacing.tolist(), first), atol=1e-3):
        raise ValueError(f"{volume.info.source}: its affine is not DeepLesion's by convention:\n{affine}")
    return first
