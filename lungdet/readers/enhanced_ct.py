"""Enhanced multi-frame CT: one file, many frames, each with its own place and scale (DICOM PS3.3 A.38).

Position, orientation, spacing and rescale stand in functional groups, either once for all frames
(SharedFunctionalGroupsSequence) or frame by frame (PerFrameFunctionalGroupsSequence).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pydicom.dataset import Dataset

from .dicom_file import DicomHeader
from .errors import DicomFileError
from .slice_facts import (
    NO_VOLUME_WORDS,
    SliceFacts,
    Vector,
    grid_of,
    hu_type,
    missing,
    positive_spacing,
    usable_slope,
)


def facts_of_frames(header: DicomHeader) -> list[SliceFacts]:
    """Take the facts of every frame that belongs to a volume; frames of type LOCALIZER are left out.

    Raises:
        DicomFileError: the groups do not match the frames, or a frame lacks its geometry or rescale.
    """
    try:
        return _facts(header)
    except (AttributeError, TypeError, ValueError, IndexError, KeyError, RecursionError) as error:
        if isinstance(error, DicomFileError):
            raise
        problem = f"its functional groups cannot be read ({error})"
        raise DicomFileError(header.path, problem, "export the file again") from error


def _facts(header: DicomHeader) -> list[SliceFacts]:
    shared = _first(header.get("SharedFunctionalGroupsSequence"))
    frames = header.get("PerFrameFunctionalGroupsSequence") or []
    count = header.integer("NumberOfFrames") or 0
    if len(frames) != count or count == 0:
        problem = f"NumberOfFrames is {count}, but it has functional groups of {len(frames)} frames"
        raise DicomFileError(header.path, problem, "export the file again")
    facts = (_facts_of_frame(header, number, _Groups(header, shared, frame)) for number, frame in enumerate(frames))
    return [fact for fact in facts if fact is not None]


def _facts_of_frame(header: DicomHeader, number: int, groups: _Groups) -> SliceFacts | None:
    kind = groups.find("CTImageFrameTypeSequence", "FrameType", list)
    if any(word in NO_VOLUME_WORDS for word in kind or ()):
        return None
    thickness = groups.find("PixelMeasuresSequence", "SliceThickness", float)
    return SliceFacts(
        header=header,
        frame=number,
        series_uid=header.text("SeriesInstanceUID"),
        sop_uid=header.text("SOPInstanceUID"),
        position_lps_mm=groups.numbers("PlanePositionSequence", "ImagePositionPatient", 3),
        orientation=groups.numbers("PlaneOrientationSequence", "ImageOrientationPatient", 6),
        pixel_spacing_mm=positive_spacing(groups.numbers("PixelMeasuresSequence", "PixelSpacing", 2), header),
        grid=grid_of(header),
        slope=usable_slope(groups.numbers("PixelValueTransformationSequence", "RescaleSlope", 1)[0], header),
        intercept=groups.numbers("PixelValueTransformationSequence", "RescaleIntercept", 1)[0],
        rescale_type=hu_type(groups.find("PixelValueTransformationSequence", "RescaleType", str) or "", header),
        thickness_mm=thickness,
    )


class _Groups:
    """The functional groups of one frame: its own first, then the shared ones."""

    def __init__(self, header: DicomHeader, shared: Dataset, own: Dataset) -> None:
        self._header, self._shared, self._own = header, shared, own

    def find(self, macro: str, keyword: str, kind: Callable[[Any], Any]) -> Any:
        """Return ``keyword`` of the ``macro`` sequence as ``kind``, or None."""
        for groups in (self._own, self._shared):
            value = _first(groups.get(macro)).get(keyword)
            if value is not None and value != "":
                return kind(value)
        return None

    def numbers(self, macro: str, keyword: str, count: int) -> Vector:
        """Return ``count`` finite numbers."""
        values: Vector = self.find(macro, keyword, _floats) or ()
        if len(values) != count or not all(map(math.isfinite, values)):
            raise missing(f"{macro}.{keyword}", count, len(values), self._header)
        return values


def _floats(value: Any) -> Vector:
    parts = value if hasattr(value, "__iter__") and not isinstance(value, str) else [value]
    return tuple(float(part) for part in parts)


def _first(sequence: Any) -> Dataset:
    return sequence[0] if sequence else Dataset()
