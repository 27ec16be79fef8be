"""Read any radiograph: a DICOM file or a picture becomes brightness in [0, 1], bone bright, with a record of how."""

from __future__ import annotations

import stat
from os import PathLike
from pathlib import Path

from lungdet.records import Radiograph

from .dicom_limits import GIB, MIB, ReadLimits
from .errors import DicomFileError, NotDicomError, RadiographError
from .radiograph_dicom import read_dicom_radiograph
from .radiograph_picture import picture_format, read_picture

DEFAULT_MAX_BYTES = GIB
MAX_INFLATED_BYTES = 128 * MIB
NEITHER = "neither a picture (PNG, JPEG, BMP, GIF or TIFF) nor DICOM"
PREFIX_END = 132  # of DICOM: a preamble of 128 bytes, then DICM


def read_radiograph(
    path: str | PathLike[str], *, frame: int = 0, max_bytes: int = DEFAULT_MAX_BYTES, max_side: int | None = None
) -> Radiograph:
    """Read one radiograph.

    DICOM in every transfer syntax that the installed codecs know, with or without preamble, or PNG, JPEG, BMP, GIF and
    TIFF; the content tells, not the name. All that was done is in ``info.steps``.

    Args:
        path: the file.
        frame: which frame of several, counted from 0.
        max_bytes: budget for rows x columns x frames x bytes, checked before anything is decoded.
        max_side: shrink the picture by area averaging while it is read, so that its longer side has no more pixels.

    Returns:
        ``(rows, columns)`` float32 in [0, 1], bone bright, and its record.

    Raises:
        RadiographError: the file cannot be read or trusted; the message names it, the reason and the remedy.
        ValueError: ``frame``, ``max_bytes`` or ``max_side`` is impossible.
    """
    if frame < 0 or max_bytes < 1 or (max_side is not None and max_side < 1):
        raise ValueError(f"frame {frame}, max_bytes {max_bytes} and max_side {max_side} must be positive")
    path = Path(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
            raise RadiographError(path, "it is no regular file", "name a file")
        with open(path, "rb") as file:
            beginning = file.read(PREFIX_END)
        if not beginning:
            raise RadiographError(path, "the file is empty", "copy it again, or leave it out")
        kind = "" if beginning.endswith(b"DICM") else picture_format(beginning)
        if kind:
            return read_picture(path, kind, frame, max_bytes, max_side)
        limits = ReadLimits(max_pixel_bytes=max_bytes, max_inflated_bytes=MAX_INFLATED_BYTES)
        return read_dicom_radiograph(path, frame, limits, max_side)
    except NotDicomError as error:
        reason = error.problem.removeprefix("it is no DICOM file: ")
        raise RadiographError(path, f"it is {NEITHER} ({reason})", error.remedy) from error
    except DicomFileError as error:
        raise RadiographError(path, error.problem, error.remedy) from error
    except OSError as error:
        raise RadiographError(path, f"it cannot be opened ({error.strerror or error})", "look at its name") from error
