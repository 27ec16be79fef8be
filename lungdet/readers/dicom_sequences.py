"""Find the end of a DICOM sequence and check what is inside (PS3.5 7.5), with a list in place of recursion."""

from __future__ import annotations

from typing import NamedTuple

from pydicom.datadict import dictionary_has_tag, dictionary_VR

from .dicom_encoding import (
    IMPLICIT_LITTLE,
    ITEM,
    ITEM_END,
    LAYOUTS,
    LONG_VRS,
    SEQUENCE_END,
    UNDEFINED,
    Encoding,
    has_vr,
)
from .dicom_reach import Reach
from .errors import DicomFileError


class Frame(NamedTuple):
    """One open sequence or item."""

    is_item: bool
    end: int | None  # None: a delimiter ends it
    encoding: Encoding


def is_sequence(tag: int, vr: bytes | None) -> bool:
    """Whether an element is a sequence, by its VR, or by the dictionary where it has none or UN."""
    if vr is not None and vr != b"UN":
        return vr == b"SQ"
    return dictionary_has_tag(tag) and dictionary_VR(tag) == "SQ"


class SequenceWalk:
    """A walk through the value of one sequence.

    Args:
        reach: the bytes.
        deep: also look into sequences and items of defined length, as must be done before anybody parses them;
            otherwise they are skipped by their length.
    """

    def __init__(self, reach: Reach, deep: bool) -> None:
        self._reach, self._deep = reach, deep
        self._stack: list[Frame] = []

    def run(self, start: int, end: int | None, encoding: Encoding) -> int:
        """Walk from ``start``, the first byte of the value, and return the first byte after the sequence.

        Args:
            start: byte offset of the value.
            end: where it ends; None if a delimiter tells.
            encoding: how it is written.

        Raises:
            DicomFileError: the sequence is damaged, nests too deeply, or holds too many elements.
        """
        self._stack = [Frame(False, end, encoding)]
        position = start
        while self._stack:
            frame = self._stack[-1]
            if frame.end is not None and position >= frame.end:
                if position > frame.end:
                    raise self._reach.bad(f"an item runs {position - frame.end} bytes over the end of its sequence")
                self._stack.pop()
            else:
                position = self._step(frame, position)
        self._reach.need(position, "a sequence")
        return position

    def _step(self, frame: Frame, position: int) -> int:
        """Take one delimiter, item or element; return where the next one begins."""
        data = self._reach.need(position + 8, "a sequence")
        group, number, length = map(int, LAYOUTS[frame.encoding.little].without_vr.unpack_from(data, position))
        tag = group << 16 | number
        if frame.end is None and tag == (ITEM_END if frame.is_item else SEQUENCE_END):
            self._stack.pop()
            return position + 8
        self._reach.count_element()
        if frame.is_item:
            return self._element(frame, position)
        if tag != ITEM:
            raise self._reach.bad(f"at byte {position} a sequence holds ({group:04X},{number:04X}), not an item")
        value = position + 8
        if length != UNDEFINED and not self._deep:
            return value + length
        inside = frame.encoding
        if not inside.implicit and not has_vr(self._reach.fetch(value + 8), value):
            inside = Encoding(True, inside.little)  # some writers put items without VR into files with VR
        self._open(True, value, length, inside)
        return value

    def _element(self, frame: Frame, position: int) -> int:
        encoding, value = frame.encoding, position + 8
        length: int
        vr: bytes | None = None
        layouts = LAYOUTS[encoding.little]
        if encoding.implicit:
            group, number, length = layouts.without_vr.unpack_from(self._reach.data, position)
        else:
            group, number, vr, length = layouts.with_vr.unpack_from(self._reach.data, position)
            if vr in LONG_VRS:
                data = self._reach.need(position + 12, "an element")
                length, value = layouts.long_length.unpack_from(data, position + 8)[0], position + 12
        if group == 0xFFFE:
            raise self._reach.bad(f"a stray item tag ({group:04X},{number:04X}) stands at byte {position}")
        if length == UNDEFINED:
            self._open(False, value, length, IMPLICIT_LITTLE if vr == b"UN" else encoding)
        elif self._deep and is_sequence(group << 16 | number, vr):
            self._open(False, value, length, encoding)
        else:
            return value + length
        return value

    def _open(self, is_item: bool, value: int, length: int, encoding: Encoding) -> None:
        if len(self._stack) >= 2 * self._reach.limits.max_depth:  # a sequence and an item for each level
            raise DicomFileError(
                self._reach.path,
                f"its sequences nest deeper than {self._reach.limits.max_depth} levels",
                "raise ReadLimits.max_depth if you trust the file",
            )
        self._stack.append(Frame(is_item, None if length == UNDEFINED else value + length, encoding))
