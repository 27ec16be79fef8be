"""Reach for bytes of a data set that may not be there: shared by the walks over elements and over sequences."""

from __future__ import annotations

from pathlib import Path

from .dicom_limits import ReadLimits
from .dicom_source import ByteSource
from .errors import DicomFileError

COPY_AGAIN = "copy or export the file again"


class Reach:
    """A data set within its header budget.

    Args:
        source: its bytes.
        path: the file, for messages.
        limits: budgets.
    """

    def __init__(self, source: ByteSource, path: Path, limits: ReadLimits) -> None:
        self._source, self.path, self.limits = source, path, limits
        self.data = source.grow(0, limits.max_header_bytes)
        self.elements_left = limits.max_elements

    def fetch(self, size: int) -> bytearray:
        """Return at least ``size`` bytes from the start, or all there is."""
        if size > len(self.data):
            self.data = self._source.grow(size, self.limits.max_header_bytes)
        return self.data

    def need(self, size: int, what: str) -> bytearray:
        """Return at least ``size`` bytes from the start.

        Raises:
            DicomFileError: there are fewer.
        """
        total = self._source.total
        data = self.data if total is not None and size > total else self.fetch(size)
        if len(data) < size:
            raise self.bad(f"it ends at byte {total or len(data)}, but {what} needs {size}")
        return data

    def count_element(self) -> None:
        """Count one element.

        Raises:
            DicomFileError: there are too many.
        """
        self.elements_left -= 1
        if self.elements_left < 0:
            raise DicomFileError(
                self.path,
                f"its header holds more than {self.limits.max_elements} elements",
                "raise ReadLimits.max_elements if you trust the file",
            )

    def bad(self, problem: str) -> DicomFileError:
        """Return the error for a damaged file."""
        return DicomFileError(self.path, problem, COPY_AGAIN)
