"""Walk over the elements of a DICOM data set without turning them into values (PS3.5 chapter 7).

pydicom does the values; this walk finds where the elements are. It reads no further than the pixels, skips what nobody
asked for, keeps no stack of Python calls however deep the sequences nest, and trusts no length.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from .dicom_limits import ReadLimits
from .dicom_source import ByteSource
from .errors import DicomFileError

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_TAGS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
LONG_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
SHORT_VRS = frozenset(
    {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS"}
    | {b"ST", b"TM", b"UI", b"UL", b"US"}
)
COPY_AGAIN = "copy or export the file again"


@dataclass(frozen=True)
class Encoding:
    """How elements are written: with or without their VR, and in which byte order."""

    implicit: bool
    little: bool


@dataclass(frozen=True)
class PixelElement:
    """Where the value of the pixel data element is.

    Attributes:
        tag: (7FE0,0010) or its float kin.
        offset: byte offset of the value in the file, or in the inflated data set of a deflated file.
        length: bytes of the value; None if it is undefined (compressed pixels).
    """

    tag: int
    offset: int
    length: int | None


@dataclass
class Scan:
    """What a walk found: the wanted elements unconverted, and the pixels."""

    elements: dict[BaseTag, RawDataElement] = field(default_factory=dict)
    pixels: PixelElement | None = None
    end: int = 0


class Walker:
    """One walk over one data set.

    Args:
        source: the bytes.
        path: the file, for messages.
        limits: budgets.
    """

    def __init__(self, source: ByteSource, path: Path, limits: ReadLimits) -> None:
        self._source, self._path, self._limits = source, path, limits
        self._data = source.grow(0, limits.max_header_bytes)

    def walk(self, start: int, encoding: Encoding, wanted: dict[int, BaseTag], only_group: int | None = None) -> Scan:
        """Walk the top level from ``start`` to the pixels, the end, or the end of ``only_group``."""
        scan, position, data = Scan(), start, self._data
        plain = struct.Struct("<HHL" if encoding.little else ">HHL")
        short = struct.Struct("<HH2sH" if encoding.little else ">HH2sH")
        long = struct.Struct("<L" if encoding.little else ">L")
        while True:
            if position + 12 > len(data):  # rare: most headers come with the first read
                data = self._fetch(position + 12)
                if position == len(data):
                    break
                self._need(position + 8, "an element")
            if encoding.implicit:
                group, number, length = plain.unpack_from(data, position)
                vr, value = None, position + 8
            else:
                group, number, vr, length = short.unpack_from(data, position)
                value = position + 8
                if vr in LONG_VRS:
                    self._need(position + 12, "an element")
                    length, value = long.unpack_from(data, value)[0], position + 12
            if only_group is not None and group != only_group:
                break
            tag = group << 16 | number
            if tag in PIXEL_TAGS:
                scan.pixels = PixelElement(tag, value, None if length == UNDEFINED else length)
                break
            if group == 0xFFFE:
                raise self._bad(f"a stray item tag ({tag:08X}) stands at byte {position}")
            end = value + length if length != UNDEFINED else self._skip_undefined(value, vr, encoding)
            if end > len(data):
                data = self._need(end, f"element ({group:04X},{number:04X}) of {length} bytes")
            if tag in wanted:
                self._keep(scan, wanted[tag], vr, value, end, length == UNDEFINED, encoding)
            position = end
        scan.end = position
        return scan

    def _keep(
        self, scan: Scan, tag: BaseTag, vr: bytes | None, value: int, end: int, undefined: bool, encoding: Encoding
    ) -> None:
        name = vr.decode("latin-1") if vr else None
        raw = bytes(self._data[value : end - 8 if undefined else end])
        implicit = encoding.implicit
        if undefined or _is_sequence(tag, vr):
            name = "SQ"
            implicit = implicit or vr == b"UN"
            self._walk_items(value, end, Encoding(implicit, encoding.little), undefined)
        scan.elements[tag] = RawDataElement(tag, name, len(raw), raw, value, implicit, encoding.little)

    def _skip_undefined(self, start: int, vr: bytes | None, encoding: Encoding) -> int:
        implicit = encoding.implicit or vr == b"UN"  # PS3.5 6.2.2: an UN of undefined length is implicit inside
        return self._walk_items(start, None, Encoding(implicit, encoding.little), True, enter_defined=False)

    def _walk_items(
        self, start: int, end: int | None, encoding: Encoding, undefined: bool, enter_defined: bool = True
    ) -> int:
        """Check what is inside one sequence, with a list in place of recursion; return where it ends.

        Each frame on the stack is ``(is_item, end or None, implicit)``.
        """
        order = "<" if encoding.little else ">"
        plain, short = struct.Struct(order + "HHL"), struct.Struct(order + "HH2sH")
        stack: list[tuple[bool, int | None, bool]] = [(False, None if undefined else end, encoding.implicit)]
        position = start
        while stack:
            is_item, frame_end, implicit = stack[-1]
            if frame_end is not None and position >= frame_end:
                if position > frame_end:
                    raise self._bad(f"a sequence item runs {position - frame_end} bytes over its end")
                stack.pop()
                continue
            if len(stack) > 2 * self._limits.max_depth:
                raise DicomFileError(
                    self._path,
                    f"sequences nest deeper than {self._limits.max_depth} levels",
                    "raise ReadLimits.max_depth if you trust the file",
                )
            data = self._need(position + 8, "a sequence")
            group, number, length = plain.unpack_from(data, position)
            tag, value, vr = group << 16 | number, position + 8, None
            if tag == (ITEM_END if is_item else SEQUENCE_END) and frame_end is None:
                stack.pop()
                position = value
                continue
            if not is_item:
                if tag != ITEM:
                    raise self._bad(f"a sequence holds ({group:04X},{number:04X}) at byte {position} where an item belongs")
                if length == UNDEFINED or enter_defined:
                    item_end = None if length == UNDEFINED else value + length
                    stack.append((True, item_end, implicit or not self._has_vr(value)))
                    position = value
                else:
                    position = value + length
                continue
            if group == 0xFFFE:
                raise self._bad(f"a stray item tag ({tag:08X}) stands at byte {position}")
            if not implicit:
                group, number, vr, length = short.unpack_from(data, position)
                if vr in LONG_VRS:
                    data = self._need(position + 12, "an element")
                    length, value = struct.unpack_from(order + "L", data, position + 8)[0], position + 12
            if length == UNDEFINED:
                stack.append((False, None, implicit or vr == b"UN"))
                position = value
            elif enter_defined and _is_sequence(tag, vr):
                stack.append((False, value + length, implicit))
                position = value
            else:
                position = value + length
        self._need(position, "a sequence")
        return position

    def _has_vr(self, position: int) -> bool:
        """Whether the element at ``position`` carries a VR; some writers put implicit items in explicit files."""
        data = self._fetch(position + 8)
        vr = bytes(data[position + 4 : position + 6])
        return vr in LONG_VRS or vr in SHORT_VRS

    def _fetch(self, size: int) -> bytearray:
        if size > len(self._data):
            self._data = self._source.grow(size, self._limits.max_header_bytes)
        return self._data

    def _need(self, size: int, what: str) -> bytearray:
        data = self._fetch(size)
        if len(data) < size:
            raise self._bad(f"it ends at byte {len(data)}, but {what} needs {size}")
        return data

    def _bad(self, problem: str) -> DicomFileError:
        return DicomFileError(self._path, problem, COPY_AGAIN)


def _is_sequence(tag: int, vr: bytes | None) -> bool:
    if vr is not None:
        return vr == b"SQ"
    return dictionary_has_tag(tag) and dictionary_VR(tag) == "SQ"
