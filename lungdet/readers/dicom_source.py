"""The bytes of one DICOM data set, fetched as far as they are asked for, and never further than a budget allows."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import BinaryIO, Protocol

from .errors import DicomFileError

FIRST_READ_BYTES = 16 * 1024  # holds the header of nearly every CT slice
CHUNK_BYTES = 256 * 1024


class ByteSource(Protocol):
    """A growing prefix of a data set.

    Attributes:
        total: size of the whole in bytes, where it is known beforehand.
    """

    total: int | None

    def grow(self, size: int, limit: int) -> bytearray:
        """Return at least ``size`` bytes from the start, or all there is.

        Raises:
            DicomFileError: that takes more than ``limit`` bytes, or the bytes are damaged.
        """


class FileSource:
    """The bytes of a file as they are on disk."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file, self._path = file, path
        self.total: int | None = os.fstat(file.fileno()).st_size
        self.data = bytearray(file.read(FIRST_READ_BYTES))

    def grow(self, size: int, limit: int) -> bytearray:
        """See :class:`ByteSource`."""
        _check_budget(self._path, size, limit)
        while len(self.data) < size:
            # Up to twice as much each time: a header of many small elements costs few reads.
            piece = self._file.read(max(size - len(self.data), min(len(self.data), CHUNK_BYTES)))
            if not piece:
                break
            self.data += piece
        return self.data


class DeflatedSource:
    """A data set that is inflated piece by piece (PS3.5 A.5: raw deflate from the end of the meta information)."""

    total: int | None = None

    def __init__(self, file: BinaryIO, path: Path, start: int) -> None:
        self._file, self._path = file, path
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        self.data = bytearray()
        file.seek(start)

    def grow(self, size: int, limit: int) -> bytearray:
        """See :class:`ByteSource`."""
        _check_budget(self._path, size, limit)
        while len(self.data) < size and not self.ended:
            pending = self._inflate.unconsumed_tail or self._file.read(CHUNK_BYTES)
            try:
                piece = self._inflate.decompress(pending, CHUNK_BYTES)  # without input, what zlib still holds
            except zlib.error as error:
                raise DicomFileError(
                    self._path, f"its deflated data set is damaged ({error})", "copy or export the file again"
                ) from error
            if not (pending or piece):
                break
            self.data += piece
        return self.data

    @property
    def ended(self) -> bool:
        """Whether the end of the deflated stream has been reached."""
        return self._inflate.eof


def _check_budget(path: Path, size: int, limit: int) -> None:
    if size > limit:
        raise DicomFileError(
            path,
            f"reading it takes {size} bytes, more than the limit of {limit}",
            "raise the limits in ReadLimits if you trust the file",
        )
