"""Read the stored values of one DICOM file."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dicom_file import DicomHeader
from .dicom_padding import padding_mask
from .errors import DicomFileError

logger = logging.getLogger(__name__)


def read_pixels(header: DicomHeader, out: NDArray[Any] | None = None, frame: int | None = None) -> NDArray[Any]:
    """Read stored values ``(frames, rows, columns)``."""
    import pydicom

    try:
        dataset = pydicom.dcmread(header.path, force=True)
        array = dataset.pixel_array
    except Exception as error:
        raise DicomFileError(header.path, f"its pixels cannot be read ({error})", "export it again") from error
    rows, columns = header.integer("Rows"), header.integer("Columns")
    array = array.reshape(-1, rows, columns)
    if frame is not None:
        array = array[frame : frame + 1]
    if out is None:
        return array
    out[...] = array
    return out


__all__ = ["padding_mask", "read_pixels"]
