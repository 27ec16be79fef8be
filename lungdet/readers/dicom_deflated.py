"""Inflate the pixels of a deflated data set, and see to it that the data set ends where it must.

Raw deflate carries no checksum (PS3.5 A.5). But damage nearly always changes how many bytes come out, so that what
follows the pixels is no DICOM any more.
"""

from __future__ import annotations

from dataclasses import replace

from .dicom_elements import PIXELS, PixelElement, scan_elements
from .dicom_encoding import has_vr
from .dicom_header import DicomHeader
from .dicom_reach import COPY_AGAIN, Reach
from .dicom_source import DeflatedSource
from .errors import DicomFileError


def inflate_pixels(header: DicomHeader, element: PixelElement, wanted: int) -> bytearray:
    """Inflate the data set of a file to its end.

    Args:
        header: header of the file.
        element: its pixels, of known length.
        wanted: bytes up to the last pixel.

    Returns:
        The inflated data set, less than ``wanted`` bytes if there is no more.

    Raises:
        DicomFileError: it is damaged or exceeds the limits, or something else than elements follows the pixels.
    """
    limits = header.limits
    with open(header.path, "rb", buffering=0) as file:
        source = DeflatedSource(file, header.path, header.data_set_offset)
        data = source.grow(wanted, limits.max_inflated_bytes)
        if len(data) < wanted or element.length is None:
            return data
        data = source.grow(limits.max_inflated_bytes, limits.max_inflated_bytes)
        if not source.ended:
            raise DicomFileError(header.path, f"its deflated data set has no end within {len(data)} bytes", COPY_AGAIN)
        _check_rest(source, data, header, element.offset + element.length)
    return data


def _check_rest(source: DeflatedSource, data: bytearray, header: DicomHeader, start: int) -> None:
    """Refuse anything behind the pixels but elements of later tags that end where the data set ends."""
    rest = len(data) - start
    if rest <= 0:
        return
    tag = int.from_bytes(data[start : start + 2], "little") << 16 | int.from_bytes(
        data[start + 2 : start + 4], "little"
    )
    if rest >= 8 and tag > PIXELS and has_vr(data, start):
        scan_elements(
            Reach(source, header.path, replace(header.limits, max_header_bytes=header.limits.max_inflated_bytes)),
            start,
            header.encoding,
            {},
        )
    elif rest > 1 or data[start]:  # one zero may make the length even
        raise DicomFileError(header.path, f"{rest} bytes that are no DICOM follow its deflated pixels", COPY_AGAIN)
