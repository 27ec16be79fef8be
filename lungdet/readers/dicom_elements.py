"""Walk over the elements of a DICOM data set without turning them into values (PS3.5 chapter 7).

pydicom does the values; this walk finds where the elements are. It reads no further than the pixels, skips what nobody
asked for, keeps no stack of Python calls however deep the sequences nest, and trusts no length.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.tag import BaseTag

from .dicom_encoding import IMPLICIT_LITTLE, LAYOUTS, LONG_VRS, UNDEFINED, Encoding
from .dicom_reach import Reach
from .dicom_sequences import SequenceWalk, is_sequence

FLOAT_PIXELS, DOUBLE_PIXELS, PIXELS = 0x7FE00008, 0x7FE00009, 0x7FE00010
PIXEL_TAGS = frozenset({FLOAT_PIXELS, DOUBLE_PIXELS, PIXELS})
DELIMITER_GROUP = 0xFFFE
# A value of any other VR fits a length of 16 bits; a longer one (it can be written without VR) is a damaged length.
MAX_SHORT_BYTES = 0xFFFE
UNLIMITED_VRS = frozenset({"SQ", "UN", "UC", "UR", "UT", "OB", "OD", "OF", "OL", "OV", "OW", "OB or OW"})


@dataclass(frozen=True)
class PixelElement:
    """Where the value of the pixel data element is.

    Attributes:
        tag: (7FE0,0010) or its float kin.
        vr: as written; None where the data set has no VR.
        offset: byte offset of the value in the file, or in the inflated data set of a deflated file.
        length: bytes of the value; None if it is undefined (compressed pixels).
    """

    tag: int
    vr: bytes | None
    offset: int
    length: int | None


@dataclass
class Scan:
    """What a walk found: the wanted elements unconverted, the pixels, and where the walk ended."""

    elements: dict[BaseTag, DataElement | RawDataElement] = field(default_factory=dict)
    pixels: PixelElement | None = None
    end: int = 0


def scan_elements(
    reach: Reach, start: int, encoding: Encoding, wanted: dict[int, BaseTag], only_group: int | None = None
) -> Scan:
    """Walk the top level of a data set to its pixels, its end, or the end of ``only_group``.

    Args:
        reach: the bytes.
        start: byte offset of the first element.
        encoding: how the elements are written.
        wanted: the tags to keep.
        only_group: stop at the first element of another group.

    Raises:
        DicomFileError: the data set is damaged or exceeds the limits.
    """
    scan, position, data = Scan(), start, reach.data
    without_vr, with_vr, long_length = LAYOUTS[encoding.little]
    while True:
        if position + 12 > len(data):  # rare: most headers come with the first read
            data = reach.fetch(position + 12)
            if position == len(data):
                break
            reach.need(position + 8, "an element")
        value, vr = position + 8, None
        if encoding.implicit:
            group, number, length = without_vr.unpack_from(data, position)
        else:
            group, number, vr, length = with_vr.unpack_from(data, position)
            if vr in LONG_VRS:
                data = reach.need(position + 12, "an element")
                length, value = long_length.unpack_from(data, value)[0], position + 12
        tag = group << 16 | number
        if only_group is not None and group != only_group:
            break
        if tag in PIXEL_TAGS:
            scan.pixels = PixelElement(tag, vr, value, None if length == UNDEFINED else length)
            break
        if group == DELIMITER_GROUP:
            position = _pass_delimiter(reach, position, encoding)
            continue
        reach.count_element()
        inside = IMPLICIT_LITTLE if vr == b"UN" else encoding  # PS3.5 6.2.2: an UN of undefined length has no VR inside
        if length == UNDEFINED:
            end = SequenceWalk(reach, deep=tag in wanted).run(value, None, inside)
        else:
            end = value + length
        if end > len(data):
            data = reach.need(end, f"element ({group:04X},{number:04X})")
        if tag in wanted:
            scan.elements[wanted[tag]] = _keep(reach, wanted[tag], vr, value, end, length, inside)
        position = end
    scan.end = position
    return scan


def _pass_delimiter(reach: Reach, position: int, encoding: Encoding) -> int:
    """Pass over a stray, empty item or delimiter: some writers leave one behind a sequence of length 0."""
    group, number, length = LAYOUTS[encoding.little].without_vr.unpack_from(reach.data, position)
    if length != 0:
        raise reach.bad(f"a stray item tag ({group:04X},{number:04X}) of {length} bytes stands at byte {position}")
    reach.count_element()
    return position + 8


def _keep(
    reach: Reach, tag: BaseTag, vr: bytes | None, value: int, end: int, length: int, encoding: Encoding
) -> RawDataElement:
    """Cut out one wanted element as pydicom wants it."""
    name = vr.decode("latin-1") if vr else None
    if length == UNDEFINED:
        name, end = "SQ", end - 8  # without the delimiter
    elif is_sequence(tag, vr):
        SequenceWalk(reach, deep=True).run(value, end, encoding)
    elif length > MAX_SHORT_BYTES and (name or dictionary_VR(tag)) not in UNLIMITED_VRS:
        raise reach.bad(f"element {tag} is {length} bytes long, which its kind cannot be")
    raw = bytes(reach.data[value:end])
    return RawDataElement(tag, name, len(raw), raw, value, encoding.implicit, encoding.little)
