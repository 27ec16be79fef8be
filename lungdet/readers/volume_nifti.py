"""Open one NIfTI file: nibabel reads the 348 or 540 bytes of its header, the voxels are read here.

nibabel stops reading where the voxels end. The checksum of a .nii.gz stands behind them, so damage would go unnoticed;
and it would take in header extensions of any size. Here the stream is read to its end, in pieces, within bounds.
"""

from __future__ import annotations

import gzip
import io
import logging
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from lungdet.geometry.frames import ras_to_lps

from .errors import SeriesError
from .volume_header import VolumeHeader, damaged, three_sizes

logger = logging.getLogger(__name__)

HEADER_BYTES = {348: 1, 540: 2}  # size of the header to version of NIfTI
MAGIC = {1: (344, b"n+1\0"), 2: (4, b"n+2\0\r\n\x1a\n")}
MILLIMETRES = frozenset({"unknown", "mm"})
SAME_AFFINE_MM = 0.01
CHUNK_BYTES = 1 << 20
MAX_OFFSET_BYTES = 64 << 20  # extensions in front of the voxels
MAX_TRAILING_BYTES = (
    64 << 20
)  # what may follow the voxels in a .nii.gz, where it must be unpacked to reach the checksum


def open_nifti(path: Path) -> VolumeHeader:
    """Read the header of a single NIfTI file, version 1 or 2, compressed or not.

    Raises:
        SeriesError: it is damaged, holds no single 3D volume, or does not say where in the patient it is, in mm.
    """
    header = _read_header(path)
    try:
        shape = three_sizes(path, header.get_data_shape())
        dtype = np.dtype(header.get_data_dtype())
        offset = int(header.get_data_offset())
        affine = _affine_ras(path, header)
        slope, intercept = _scale(path, header)
    except SeriesError:
        raise
    except Exception as error:  # nibabel has a dozen kinds for fields that make no sense
        raise damaged(path, error) from error
    if not 0 < offset <= MAX_OFFSET_BYTES:
        raise SeriesError(f"{path}: its voxels begin at byte {offset}, which no writer does; write the file again")
    return VolumeHeader(
        path=path,
        shape=shape,
        dtype=dtype,
        affine_lps=np.asarray(ras_to_lps(affine)),
        slope=slope,
        intercept=intercept,
        read=lambda: _read_values(path, shape, dtype, offset),
        packed_bytes=path.stat().st_size if _is_packed(path) else None,
    )


def _read_header(path: Path) -> Any:
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header

    try:
        with _opened(path) as file:
            block = file.read(max(HEADER_BYTES))
        sizes = [int.from_bytes(block[:4], order) for order in ("little", "big")]
        size = next((size for size in sizes if size in HEADER_BYTES), 0)
        if len(block) < max(size, 4):
            raise SeriesError(f"{path}: it ends inside its header; copy or write the file again")
        if not size:
            raise SeriesError(f"{path}: it does not begin as NIfTI; write it again")
        place, magic = MAGIC[HEADER_BYTES[size]]
        if block[place : place + len(magic)] != magic:
            found = block[place : place + len(magic)]
            raise SeriesError(f"{path}: its magic is {found!r}, not {magic!r} of a single NIfTI file; write it again")
        return (Nifti1Header if HEADER_BYTES[size] == 1 else Nifti2Header)(block[:size])
    except SeriesError:
        raise
    except Exception as error:  # of gzip, zlib, the file system, and nibabel's checks
        raise damaged(path, error) from error


def _affine_ras(path: Path, header: Any) -> NDArray[np.float64]:
    """Return the sform, else the qform; both, if set, must agree."""
    units = header.get_xyzt_units()[0]
    if units not in MILLIMETRES:
        raise SeriesError(f"{path}: its lengths are in {units}; convert it to mm")
    codes = int(header["sform_code"]), int(header["qform_code"])
    if max(codes) <= 0:
        raise SeriesError(f"{path}: neither sform nor qform is set, so its place is not known; write it with an affine")
    if min(codes) > 0 and np.abs(header.get_sform() - header.get_qform()).max() > SAME_AFFINE_MM:
        _check_forms(path, header)
    return np.asarray(header.get_best_affine(), dtype=np.float64)


def _check_forms(path: Path, header: Any) -> None:
    """Refuse two affines that put the far corner of the volume more than half a voxel apart."""
    corner = np.array([*header.get_data_shape()[:3], 1.0])
    apart = float(np.linalg.norm((header.get_sform() - header.get_qform()) @ corner))
    if not apart <= min(header.get_zooms()[:3]) / 2:
        raise SeriesError(
            f"{path}: sform and qform differ by {apart:.2f} mm at the far corner; keep only the right one"
        )


def _scale(path: Path, header: Any) -> tuple[float, float]:
    """Return slope and intercept; a slope of 0, or NaN as nibabel leaves it, means that there is none."""
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 or np.isnan(slope):
        return 1.0, 0.0
    if not np.isfinite([slope, intercept]).all():
        raise SeriesError(f"{path}: scl_slope is {slope:g} and scl_inter {intercept:g}; write the file again")
    return slope, intercept


def _is_packed(path: Path) -> bool:
    return path.name.lower().endswith(".gz")


def _opened(path: Path) -> BinaryIO:
    return gzip.open(path, "rb") if _is_packed(path) else open(path, "rb", buffering=0)  # type: ignore[return-value]


def _read_values(path: Path, shape: tuple[int, int, int], dtype: np.dtype[Any], offset: int) -> NDArray[Any]:
    """Read the voxels, and a compressed stream to its end, where its checksum is."""
    try:
        with _opened(path) as file:
            if _is_packed(path):
                _pass(file, offset)
            else:
                _check_size(path, file, offset, int(np.prod(shape, dtype=np.int64)) * dtype.itemsize)
            values = np.empty(shape[::-1], dtype)
            _read_into(path, file, values.reshape(-1).view(np.uint8).data)
            trailing = _pass(file, MAX_TRAILING_BYTES + 1) if _is_packed(path) else 0
    except (OSError, EOFError, zlib.error) as error:
        raise damaged(path, error) from error
    if trailing > MAX_TRAILING_BYTES:
        raise SeriesError(f"{path}: more than {MAX_TRAILING_BYTES} bytes follow its voxels; write the file again")
    if trailing:
        logger.warning("%s: %d bytes after its voxels are left out", path, trailing)
    if not dtype.isnative:
        values = values.byteswap(inplace=True).view(dtype.newbyteorder("="))
    return values


def _check_size(path: Path, file: BinaryIO, offset: int, wanted: int) -> None:
    """Refuse a plain file that is too short before memory is taken; only say so when it is too long."""
    present = file.seek(0, io.SEEK_END) - offset
    if present < wanted:
        raise SeriesError(
            f"{path}: its voxels are cut off: {wanted} bytes are needed, {max(present, 0)} are there; "
            "copy or write the file again"
        )
    if present > wanted:
        logger.warning("%s: %d bytes after its voxels are left out", path, present - wanted)
    file.seek(offset)


def _read_into(path: Path, file: BinaryIO, buffer: memoryview) -> None:
    done = 0
    while done < len(buffer):
        piece = file.read(min(CHUNK_BYTES, len(buffer) - done))
        if not piece:
            raise SeriesError(
                f"{path}: its voxels are cut off: {len(buffer)} bytes are needed, {done} are there; "
                "copy or write the file again"
            )
        buffer[done : done + len(piece)] = piece
        done += len(piece)


def _pass(file: BinaryIO, count: int) -> int:
    """Read on over ``count`` bytes, or to the end, and return how many there were."""
    done = 0
    while done < count:
        piece = file.read(min(CHUNK_BYTES, count - done))
        if not piece:
            break
        done += len(piece)
    return done
