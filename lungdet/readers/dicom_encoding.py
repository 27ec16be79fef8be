"""How the elements of a DICOM data set are written: VR or none, and the byte order (PS3.5 chapter 7)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
LONG_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
SHORT_VRS = frozenset(
    {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS"}
    | {b"ST", b"TM", b"UI", b"UL", b"US"}
)


class Layouts(NamedTuple):
    """Compiled forms of an element's first bytes, for one byte order."""

    without_vr: struct.Struct  # group, element, length
    with_vr: struct.Struct  # group, element, VR, short length
    long_length: struct.Struct


LAYOUTS = {
    little: Layouts(struct.Struct(order + "HHL"), struct.Struct(order + "HH2sH"), struct.Struct(order + "L"))
    for little, order in ((True, "<"), (False, ">"))
}


@dataclass(frozen=True)
class Encoding:
    """How elements are written.

    Attributes:
        implicit: without their VR.
        little: low byte first.
    """

    implicit: bool
    little: bool


EXPLICIT_LITTLE = Encoding(implicit=False, little=True)
IMPLICIT_LITTLE = Encoding(implicit=True, little=True)


def has_vr(data: bytearray, position: int) -> bool:
    r"""Whether the element at ``position`` is written with a VR.

    Example:
        >>> has_vr(bytearray(b"\x08\x00\x60\x00CS\x02\x00CT"), 0), has_vr(bytearray(8), 0)
        (True, False)
    """
    vr = bytes(data[position + 4 : position + 6])
    return vr in LONG_VRS or vr in SHORT_VRS
