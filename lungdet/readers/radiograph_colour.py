"""Read a DICOM picture in colour as grey: photographs, screen shots and pseudo-colour do turn up among radiographs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .dicom_header import DicomHeader
from .dicom_layout import EXPORT_AGAIN
from .errors import DicomFileError


def is_colour(header: DicomHeader) -> bool:
    """Whether a picture is in colour, by its samples or by its photometric interpretation."""
    photometric = header.text("PhotometricInterpretation")
    return (header.integer("SamplesPerPixel") or 1) != 1 or photometric in ("PALETTE COLOR", "RGB")


def read_colour(header: DicomHeader, frame: int) -> NDArray[np.float32]:
    """Return the luminance of one frame, ``(rows, columns)`` in [0, 1]."""
    raise DicomFileError(header.path, "it is a colour picture, which cannot be read yet", EXPORT_AGAIN)
