"""Read a 16-bit grey PNG, and trust no byte of it unseen."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import SeriesError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_PIXELS = 1 << 26  # 8192 x 8192; a CT slice has 2**18
MAX_FILE_BYTES = 1 << 28
GREY = 0


def read_png16(path: str | Path) -> NDArray[np.uint16]:
    """Read a 16-bit grey PNG.

    Pillow checks neither the checksums of the pixel data nor refuses files of other depths; here both are done.

    Returns:
        ``(rows, columns)``.

    Raises:
        SeriesError: the file is missing, damaged, cut off, or of another kind; the message names it.
    """
    from PIL import Image

    _check_chunks(Path(path))
    try:
        with warnings.catch_warnings(), Image.open(path, formats=("PNG",)) as picture:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture.load()
            mode, pixels = picture.mode, np.asarray(picture)
    except (OSError, SyntaxError, EOFError, ValueError, Image.DecompressionBombWarning) as error:
        raise SeriesError(f"{path}: its pixels cannot be read ({error}); copy the file again") from error
    if mode not in ("I;16", "I;16B", "I"):  # older Pillow widens 16 bits to "I"
        raise SeriesError(f"{path}: Pillow reads it as mode {mode}, wanted 16-bit grey; install another Pillow")
    return pixels.astype(np.uint16)


def write_png16(path: str | Path, pixels: NDArray[np.uint16]) -> None:
    """Write ``(rows, columns)`` as a 16-bit grey PNG.

    Raises:
        ValueError: the pixels are not a ``uint16`` image.
    """
    from PIL import Image

    if pixels.dtype != np.uint16 or pixels.ndim != 2:
        raise ValueError(f"wanted a 2D uint16 image, got {pixels.dtype} {pixels.shape}")
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, format="PNG")


def _check_chunks(path: Path) -> None:
    """Walk through the chunks of a PNG, check their checksums, and refuse other kinds and sizes.

    https://www.w3.org/TR/png-3/#5DataRep
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise SeriesError(f"{path}: {path.stat().st_size} bytes are too many for a slice")
        content = path.read_bytes()
    except OSError as error:
        raise SeriesError(f"{path}: the slice cannot be opened ({error.strerror}); fetch it again") from error
    if not content.startswith(SIGNATURE) or content[12:16] != b"IHDR" or len(content) < 33:
        raise SeriesError(f"{path}: no PNG; fetch the slice again")
    place, name = len(SIGNATURE), b""
    while name != b"IEND":
        if place + 12 > len(content):
            raise SeriesError(f"{path}: cut off after {len(content)} bytes; copy the file again")
        length, name = struct.unpack_from(">I4s", content, place)
        end = place + 12 + length
        if end > len(content):
            raise SeriesError(f"{path}: cut off after {len(content)} bytes; copy the file again")
        if zlib.crc32(content[place + 4 : end - 4]) != struct.unpack_from(">I", content, end - 4)[0]:
            raise SeriesError(f"{path}: checksum of part {name!r} at byte {place} is wrong; copy the file again")
        place = end
    columns, rows, depth, colour = struct.unpack_from(">IIBB", content, 16)
    if (depth, colour) != (16, GREY):
        raise SeriesError(f"{path}: {depth} bits a value, colour type {colour}; wanted a 16-bit grey PNG")
    if not 0 < columns * rows <= MAX_PIXELS:
        raise SeriesError(f"{path}: {columns} x {rows} pixels; wanted 1 to {MAX_PIXELS}")
