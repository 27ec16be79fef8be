"""Look-up tables of a DICOM header: modality LUT and VOI LUT (PS3.3 C.11.1 and C.11.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from .dicom_header import DicomHeader
from .dicom_layout import EXPORT_AGAIN
from .errors import DicomFileError

LUT_DESCRIPTOR, LUT_DATA = 0x00283002, 0x00283006
MAX_UNUSED_BITS = 2  # a table may be dim on purpose, but not that dim
WHOLE_RANGE = 1 << 16  # a descriptor of 0 entries means this many


@dataclass(frozen=True)
class LookUpTable:
    """One look-up table.

    Attributes:
        first: the input value that the first entry belongs to; lower ones take it too, and higher ones the last.
        entries: outputs, uint16.
        bits: bits of an output, as the descriptor says.
    """

    first: int
    entries: NDArray[np.uint16]
    bits: int

    @property
    def top(self) -> int:
        """Output that stands for white: what the bits can hold, unless the entries show that the bits are wrong.

        Writers promise 16 bits and use 12, or promise 8 and use 9.

        Example:
            >>> entries = np.array([0, 511], np.uint16)
            >>> [LookUpTable(0, entries, bits).top for bits in (8, 9, 10, 16)]
            [511, 511, 1023, 511]
        """
        used = max(int(self.entries.max()).bit_length(), 1)
        bits = self.bits if used <= self.bits <= used + MAX_UNUSED_BITS else used
        return int((1 << bits) - 1)

    def __call__(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return the outputs for ``values``, of any shape; fractions are rounded.

        Example:
            >>> LookUpTable(-1, np.array([5, 6, 9], np.uint16), 8)(np.array([-7, -1, 0, 1, 2]))
            array([5., 5., 6., 9., 9.], dtype=float32)
        """
        whole = values if values.dtype.kind in "iu" else np.rint(values)
        index = np.clip(whole.astype(np.int64) - self.first, 0, len(self.entries) - 1)
        return self.entries[index].astype(np.float32)


def find_lut(header: DicomHeader, keyword: str, signed: bool) -> LookUpTable | None:
    """Return the first table of a sequence, or None where there is none.

    Args:
        header: header of the file.
        keyword: ``ModalityLUTSequence`` or ``VOILUTSequence``.
        signed: whether the inputs can be negative, so that the first input must be read with its sign.

    Raises:
        DicomFileError: the table is damaged.
    """
    sequence = header.get(keyword)
    if not sequence:
        return None
    return table_of(header, keyword, sequence[0], LUT_DESCRIPTOR, LUT_DATA, signed)


def table_of(
    header: DicomHeader, keyword: str, item: Dataset, descriptor_tag: int, data_tag: int, signed: bool
) -> LookUpTable:
    """Read one table from its descriptor and its data.

    Args:
        header: header of the file.
        keyword: what the table is called, for messages.
        item: the data set that holds both elements.
        descriptor_tag: tag of the descriptor.
        data_tag: tag of the data.
        signed: whether the first input is to be read with its sign.

    Raises:
        DicomFileError: the table is damaged.
    """
    descriptor, data = _raw(item, descriptor_tag), _raw(item, data_tag)
    if descriptor is None or data is None or len(descriptor[0]) < 6:
        raise _bad(header, keyword, "its descriptor or its data is missing")
    raw, order = descriptor
    count, first, bits = (int(value) for value in np.frombuffer(raw, f"{order}u2", 3))
    count = count or WHOLE_RANGE
    if signed and first >= WHOLE_RANGE // 2:
        first -= WHOLE_RANGE
    raw, order = data
    if len(raw) >= 2 * count:
        entries = np.frombuffer(raw, f"{order}u2", count).astype(np.uint16)
    elif bits <= 8 and len(raw) >= count:  # one byte each
        entries = np.frombuffer(raw, np.uint8, count).astype(np.uint16)
    else:
        raise _bad(header, keyword, f"its data has {len(raw)} bytes, and {count} entries are promised")
    return LookUpTable(first, entries, bits)


def _raw(item: Dataset, tag: int) -> tuple[bytes, str] | None:
    """Return the bytes of an element and their order: writers give LUTs every kind there is (US, SS, OW, UN)."""
    element = item.get_item(tag)
    if not isinstance(element, RawDataElement) or not isinstance(element.value, bytes):
        return None
    return element.value, "<" if element.is_little_endian else ">"


def _bad(header: DicomHeader, keyword: str, problem: str) -> DicomFileError:
    return DicomFileError(header.path, f"its {keyword} cannot be used: {problem}", EXPORT_AGAIN)
