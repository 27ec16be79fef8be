"""Unpack the voxels of a compressed MetaImage or NRRD once, for its checksum alone.

ITK goes on where unpacking fails: it prints "Uncompress failed" and hands out whatever its memory holds, and it stops
in front of the checksum. So the stream is read to its end here first, piece by piece, keeping nothing.
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import BinaryIO

from .errors import SeriesError
from .volume_header import damaged
from .volume_text import MAX_HEADER_BYTES, data_file

ANY_WRAPPING = 47  # zlib tells its own from gzip's
PIECE_BYTES = 1 << 20
META_END = re.compile(rb"(?m)^\s*ElementDataFile\s*[=:][^\n]*\n")
NRRD_END = re.compile(rb"\r?\n\r?\n")
NRRD_RAW = frozenset({"raw", "txt", "text", "ascii", "hex"})
NRRD_GZIP = frozenset({"gzip", "gz"})


def is_packed(fields: dict[str, str]) -> bool:
    """Whether the header of a MetaImage or NRRD says that its voxels are compressed.

    Example:
        >>> is_packed({"encoding": "gzip"}), is_packed({"CompressedData": "False"})
        (True, False)
    """
    if "encoding" in fields:  # NRRD
        return fields["encoding"].lower() not in NRRD_RAW
    return fields.get("CompressedData", "False").lower().startswith(("t", "1"))


def check_packed(path: Path, fields: dict[str, str], wanted: int) -> None:
    """Unpack the voxels and drop them.

    Args:
        path: the file with the header.
        fields: its header.
        wanted: bytes that the voxels must have.

    Raises:
        SeriesError: they are damaged, cut off, more or fewer than the header says, or packed in a way not known.
    """
    data = data_file(path, fields)
    if data is None or fields.get("encoding", "gzip").lower() not in NRRD_GZIP:
        problem = "its voxels are compressed in several files, or by another method than gzip"
        raise SeriesError(f"{path}: {problem}; write it again as one file, with gzip or uncompressed")
    try:
        with open(data, "rb") as file:
            if data == path:
                file.seek(_header_end(path, file))
            size = _unpacked_size(file, wanted)
    except (OSError, EOFError, zlib.error) as error:
        raise damaged(path, error) from error
    if size != wanted:
        more = "more" if size > wanted else str(size)
        raise SeriesError(f"{path}: {wanted} bytes of voxels are needed, and {more} were packed; write the file again")


def _header_end(path: Path, file: BinaryIO) -> int:
    begin = file.read(MAX_HEADER_BYTES)
    match = (NRRD_END if begin.startswith(b"NRRD") else META_END).search(begin)
    if match is None:
        raise SeriesError(f"{path}: its header has no end within {MAX_HEADER_BYTES} bytes; write the file again")
    return match.end()


def _unpacked_size(file: BinaryIO, wanted: int) -> int:
    """Count what one or more packed streams hold, at most until they hold too much."""
    size, rest = 0, b""
    while size < wanted:
        unpack, begun = zlib.decompressobj(ANY_WRAPPING), False
        while not unpack.eof and size <= wanted:
            rest = rest or unpack.unconsumed_tail or file.read(PIECE_BYTES)
            if not rest:
                if begun:
                    raise EOFError("its compressed voxels end too early")
                return size
            size, rest, begun = size + len(unpack.decompress(rest, PIECE_BYTES)), b"", True
        rest = unpack.unused_data
    return size
