"""DeepLesion's slices to volumes: one NIfTI for each contiguous group of slices."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from lungdet.datalists import deeplesion_groups
from lungdet.phantoms import write_nifti
from lungdet.readers import SeriesError, read_deeplesion_group
from lungdet.records import Lesion

HEADER_BYTES = 348  # of NIfTI-1
Progress = Callable[[Iterable[Any]], Iterable[Any]]


def write_deeplesion_volumes(
    lesions: Sequence[Lesion], png_root: str | Path, output: str | Path, *, progress: Progress = iter
) -> tuple[str, ...]:
    """Write the volumes that hold the slice ranges of lesions, in HU; those that are there, and whole, stay.

    Names and affine are those of :mod:`lungdet.readers.deeplesion_png`.

    Args:
        lesions: from :func:`lungdet.readers.read_deeplesion`.
        png_root: ``Images_png``, with a folder for each series.
        output: folder of the volumes; made if absent.
        progress: wraps the loop, for a progress bar.

    Returns:
        Volumes that could not be made: the slice that is missing or damaged, and what to do.

    Raises:
        OSError: the folder cannot be made.
    """
    Path(output).mkdir(parents=True, exist_ok=True)
    problems = []
    by_series: dict[tuple[str, tuple[float, float, float]], list[Lesion]] = defaultdict(list)
    for lesion in lesions:
        by_series[lesion.series_name, lesion.spacing_mm].append(lesion)
    jobs = [(key, group) for key, members in by_series.items() for group in deeplesion_groups(members)]
    for (series, spacing_mm), (name, first, last) in progress(jobs):
        try:
            if is_whole_nifti(Path(output) / name, last - first + 1):
                continue
            write_nifti(read_deeplesion_group(Path(png_root) / series, first, last, spacing_mm), Path(output) / name)
        except (SeriesError, OSError) as error:
            problems.append(str(error))
    return tuple(problems)


def is_whole_nifti(path: str | Path, slices: int) -> bool:
    """Tell whether a ``.nii.gz`` is there, has so many slices, and is not cut off.

    gzip ends with the length of what it holds, modulo 2**32; that is held against the length that the header tells, so
    nothing but the header is unpacked.

    Args:
        path: the file; another tool may have written it.
        slices: how many there must be.
    """
    if not Path(path).is_file():
        return False
    try:
        with gzip.open(path) as stream:
            header = stream.read(HEADER_BYTES)
        with open(path, "rb") as packed:
            packed.seek(-4, os.SEEK_END)
            (length,) = struct.unpack("<I", packed.read(4))
    except (OSError, EOFError, zlib.error):  # no gzip, or cut off in the header
        return False
    if len(header) < HEADER_BYTES:
        return False
    order = "<" if header[:4] == HEADER_BYTES.to_bytes(4, "little") else ">"
    sizes = struct.unpack_from(order + "8h", header, 40)
    (bits,) = struct.unpack_from(order + "h", header, 72)
    (offset,) = struct.unpack_from(order + "f", header, 108)
    voxels = math.prod(sizes[1 : 1 + max(sizes[0], 0)])
    wanted = (offset + voxels * bits // 8) % (1 << 32)
    return sizes[0] >= 3 and sizes[3] == slices and length == wanted
