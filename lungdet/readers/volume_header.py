"""What a volume file says about itself before its voxels are read, and what every format is held against."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import SeriesError
from .slice_stack import FloatArray

LARGE_BYTES = 64 << 20  # below this no compressed volume is worth a suspicion
MAX_COMPRESSION = 500  # bytes of voxels for each compressed byte; a CT, noise and all, has less than 10


@dataclass(frozen=True)
class VolumeHeader:
    """What a file says before its values are read.

    Attributes:
        path: the file.
        shape: ``(X, Y, Z)``.
        dtype: of the stored values.
        affine_lps: ``(4, 4)`` voxel centres to LPS mm.
        slope: scale of the stored values.
        intercept: offset of the scaled values.
        read: returns the stored values as ``(Z, Y, X)``, C-ordered, writable, in native byte order.
        packed_bytes: size of what is to be unpacked; None if the values are not compressed.
        copies: how many blocks of the stored values there are at a time while they are read.
    """

    path: Path
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    affine_lps: FloatArray
    slope: float
    intercept: float
    read: Callable[[], NDArray[Any]]
    packed_bytes: int | None = None
    copies: int = 1

    @property
    def stored_bytes(self) -> int:
        """Bytes of the stored values once they are unpacked."""
        return math.prod(self.shape) * self.dtype.itemsize


def three_sizes(path: Path, sizes: Any) -> tuple[int, int, int]:
    """Return the three sizes of a volume; further axes must have length 1.

    Raises:
        SeriesError: there are fewer or more.

    Example:
        >>> three_sizes(Path("scan.nii"), [5, 4, 6, 1])
        (5, 4, 6)
    """
    sizes = [int(size) for size in sizes]
    if len(sizes) < 3 or min(sizes, default=0) < 1 or any(size != 1 for size in sizes[3:]):
        raise SeriesError(f"{path}: its shape is {' x '.join(map(str, sizes))}, not one 3D volume; take one out of it")
    return sizes[0], sizes[1], sizes[2]


def check_claim(header: VolumeHeader) -> None:
    """Refuse a compressed CT that claims far more voxels than its bytes can be worth.

    Raises:
        SeriesError: it does.
    """
    claimed, packed = header.stored_bytes, header.packed_bytes
    if packed is not None and claimed > LARGE_BYTES and claimed > MAX_COMPRESSION * packed:
        raise SeriesError(
            f"{header.path}: it claims {claimed} bytes of voxels from {packed} compressed bytes, which no CT does; "
            "unpack it first if you trust it"
        )


def damaged(path: Path, error: Exception) -> SeriesError:
    """Turn the error of a library into one that names the file."""
    line = (str(error).strip() or type(error).__name__).splitlines()[-1]
    return SeriesError(f"{path}: it cannot be read ({line}); copy or write the file again")
