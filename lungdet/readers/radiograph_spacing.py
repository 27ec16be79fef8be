"""The distance of a radiograph's pixels: from the best element there is, and never invented."""

from __future__ import annotations

import math

from lungdet.records.radiograph import UNKNOWN_SPACING

from .dicom_header import DicomHeader
from .errors import DicomFileError

Spacing = tuple[float, float]
ROUNDING, MOST_ASPECT = 0.01, 10.0  # less is the rounding of a spacing, more is an error


def spacing_of_radiograph(header: DicomHeader) -> tuple[Spacing | None, str, tuple[str, ...]]:
    """Find the distance of rows and of columns.

    PixelSpacing, else ImagerPixelSpacing divided by the magnification (EstimatedRadiographicMagnificationFactor, or the
    distances of source, patient and detector), else NominalScannedPixelSpacing, else unknown (PS3.3 10.7.1.3).

    Args:
        header: header of the file.

    Returns:
        The spacing in mm or None, where it is from, and what had to be passed over, in words.
    """
    notes: list[str] = []
    spacing = _pair(header, "PixelSpacing", notes)
    if spacing:
        return spacing, "PixelSpacing", tuple(notes)
    spacing = _pair(header, "ImagerPixelSpacing", notes)
    if spacing:
        factor, source = _magnification(header)
        return (spacing[0] / factor, spacing[1] / factor), f"ImagerPixelSpacing{source}", tuple(notes)
    spacing = _pair(header, "NominalScannedPixelSpacing", notes)
    if spacing:
        return spacing, "NominalScannedPixelSpacing", tuple(notes)
    return None, UNKNOWN_SPACING, tuple(notes)


def pixel_aspect(header: DicomHeader, spacing: Spacing | None, notes: list[str]) -> float:
    """Tell how high a pixel is for its width: by the spacing, else by PixelAspectRatio (PS3.3 C.7.6.3.1.7).

    Args:
        header: header of the file.
        spacing: distance of rows and of columns; None if unknown.
        notes: takes a word on a ratio that cannot be.

    Returns:
        Height over width; 1 for what differs by less than a hundredth, is unknown, or is beyond ten.
    """
    sides = spacing or _pair(header, "PixelAspectRatio", notes)
    aspect = sides[0] / sides[1] if sides else 1.0
    if not 1 / MOST_ASPECT <= aspect <= MOST_ASPECT:
        notes.append(f"the shape of its pixels passed over: {aspect:.3g} : 1 cannot be")
        return 1.0
    return aspect if abs(aspect - 1) > ROUNDING else 1.0


def _pair(header: DicomHeader, keyword: str, notes: list[str]) -> Spacing | None:
    """Return two positive numbers, or None with a note where the element holds something else."""
    try:
        values = header.numbers(keyword)
    except DicomFileError:
        notes.append(f"{keyword} passed over: it holds no numbers")
        return None
    if not values:
        return None
    if len(values) != 2 or not all(0 < value < math.inf for value in values):
        notes.append(f"{keyword} passed over: {', '.join(f'{value:g}' for value in values[:4])} are no two distances")
        return None
    return values[0], values[1]


def _magnification(header: DicomHeader) -> tuple[float, str]:
    """Return how much larger the shadow on the detector is than the patient, and how it is known."""
    factor = _positive(header, "EstimatedRadiographicMagnificationFactor")
    if factor:
        return factor, "/magnification"
    detector, patient = _positive(header, "DistanceSourceToDetector"), _positive(header, "DistanceSourceToPatient")
    if detector and patient and detector >= patient:
        return detector / patient, "/magnification from distances"
    return 1.0, ""


def _positive(header: DicomHeader, keyword: str) -> float | None:
    try:
        value = header.number(keyword)
    except DicomFileError:
        return None
    return value if value is not None and value > 0 else None
