"""Enhanced multi-frame CT: one file, many frames, each with its own place and scale (DICOM PS3.3 A.38).

Position, orientation, spacing and rescale stand in functional groups, either once for all frames
(SharedFunctionalGroupsSequence) or frame by frame (PerFrameFunctionalGroupsSequence).
"""

from __future__ import annotations

import math
import struct
from functools import lru_cache
from typing import Any

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from lungdet.counted import counted

from .dicom_header import DicomHeader, numbers_of
from .errors import DicomFileError
from .plain_text import printable
from .slice_facts import (
    NO_VOLUME_WORDS,
    SliceFacts,
    Vector,
    check_rescale,
    grid_of,
    hu_type,
    missing,
    near_position,
    usable_spacing,
)


def facts_of_frames(header: DicomHeader) -> list[SliceFacts]:
    """Take the facts of every frame that belongs to a volume; frames of type LOCALIZER are left out.

    Raises:
        DicomFileError: the groups do not match the frames, or a frame lacks its geometry or rescale.
    """
    try:
        return _facts(header)
    except (AttributeError, TypeError, ValueError, IndexError, KeyError, RecursionError, struct.error) as error:
        if isinstance(error, DicomFileError):
            raise
        problem = f"its functional groups cannot be read ({error})"
        raise DicomFileError(header.path, problem, "export the file again") from error


def _facts(header: DicomHeader) -> list[SliceFacts]:
    shared = _first(header.get("SharedFunctionalGroupsSequence"))
    frames = header.get("PerFrameFunctionalGroupsSequence") or []
    count = header.integer("NumberOfFrames") or 0
    if len(frames) != count or count == 0:
        problem = f"NumberOfFrames is {count}, but it has functional groups of {counted(len(frames), 'frame')}"
        raise DicomFileError(header.path, problem, "export the file again")
    facts = (_facts_of_frame(header, number, _Groups(header, shared, frame)) for number, frame in enumerate(frames))
    return [fact for fact in facts if fact is not None]


def _facts_of_frame(header: DicomHeader, number: int, groups: _Groups) -> SliceFacts | None:
    if any(word in NO_VOLUME_WORDS for word in groups.texts("CTImageFrameTypeSequence", "FrameType")):
        return None
    slope = groups.numbers("PixelValueTransformationSequence", "RescaleSlope", 1)[0]
    intercept = groups.numbers("PixelValueTransformationSequence", "RescaleIntercept", 1)[0]
    check_rescale(slope, intercept, header)
    thickness = groups.found("PixelMeasuresSequence", "SliceThickness")
    kind = groups.texts("PixelValueTransformationSequence", "RescaleType")
    return SliceFacts(
        header=header,
        frame=number,
        series_uid=header.text("SeriesInstanceUID"),
        sop_uid=header.text("SOPInstanceUID"),
        position_lps_mm=near_position(groups.numbers("PlanePositionSequence", "ImagePositionPatient", 3), header),
        orientation=groups.numbers("PlaneOrientationSequence", "ImageOrientationPatient", 6),
        pixel_spacing_mm=usable_spacing(groups.numbers("PixelMeasuresSequence", "PixelSpacing", 2), header),
        grid=grid_of(header),
        slope=slope,
        intercept=intercept,
        rescale_type=hu_type(kind[0] if kind else "", header),
        thickness_mm=thickness[0] if thickness else None,
    )


class _Groups:
    """The functional groups of one frame: its own first, then the shared ones."""

    def __init__(self, header: DicomHeader, shared: Dataset | None, own: Dataset) -> None:
        self._header, self._shared, self._own = header, shared, own

    def texts(self, macro: str, keyword: str) -> tuple[str, ...]:
        """Return the values of ``keyword`` in the ``macro`` sequence as text; () where there are none."""
        for item in self._items(macro):
            value = item.get(keyword)
            if value:
                return (printable(value),) if isinstance(value, str) else tuple(printable(str(part)) for part in value)
        return ()

    def found(self, macro: str, keyword: str) -> Vector:
        """Return the finite numbers of ``keyword`` in the ``macro`` sequence; () where there are none.

        Raises:
            ValueError: one is no finite number.
        """
        for item in self._items(macro):
            values = numbers_of(item.get_item(_tag(keyword)))  # not converted by pydicom, which takes ten times as long
            if values:
                if not all(map(math.isfinite, values)):
                    raise ValueError(f"{keyword} is not finite")
                return values
        return ()

    def numbers(self, macro: str, keyword: str, count: int) -> Vector:
        """Return ``count`` finite numbers."""
        values = self.found(macro, keyword)
        if len(values) != count:
            raise missing(f"{macro}.{keyword}", count, len(values), self._header)
        return values

    def _items(self, macro: str) -> list[Dataset]:
        firsts = (_first(groups.get(macro)) for groups in (self._own, self._shared) if groups is not None)
        return [item for item in firsts if item is not None]


@lru_cache(maxsize=64)
def _tag(keyword: str) -> BaseTag:
    return BaseTag(tag_for_keyword(keyword) or 0)


def _first(sequence: Any) -> Dataset | None:
    return sequence[0] if sequence else None
