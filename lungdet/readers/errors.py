"""What readers raise when a file or a series cannot be trusted."""

from __future__ import annotations

from os import PathLike, fspath

from .plain_text import printable


class SeriesError(ValueError):
    """A series cannot be trusted as a volume; the message names the files, the numbers and the remedy."""


class DicomFileError(SeriesError):
    """One DICOM file is bad.

    Args:
        path: the file.
        problem: what is wrong with it, with the numbers.
        remedy: what the user can do about it.

    Example:
        >>> print(DicomFileError("a.dcm", "the header ends after 12 bytes", "copy the file again"))
        a.dcm: the header ends after 12 bytes; copy the file again
    """

    def __init__(self, path: str | PathLike[str], problem: str, remedy: str) -> None:
        # All three go to Exception, so that the error survives pickling on its way out of a worker.
        super().__init__(fspath(path), problem, remedy)
        self.path = fspath(path)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return printable(f"{self.path}: {self.problem}; {self.remedy}")


class NotDicomError(DicomFileError):
    """The file is no DICOM at all: text, a picture, nothing."""


class MissingCodecError(DicomFileError):
    """The pixels are compressed in a way that nothing installed here can read."""


class RadiographError(ValueError):
    """A file cannot be read as a radiograph.

    Args:
        path: the file.
        problem: what is wrong with it, with the numbers.
        remedy: what the user can do about it.

    Example:
        >>> print(RadiographError("a.dcm", "it has no pixels", "leave it out"))
        a.dcm: it has no pixels; leave it out
    """

    def __init__(self, path: str | PathLike[str], problem: str, remedy: str) -> None:
        super().__init__(fspath(path), problem, remedy)  # all three, so that the error survives pickling
        self.path = fspath(path)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return printable(f"{self.path}: {self.problem}; {self.remedy}")
