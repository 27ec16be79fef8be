"""The header of one DICOM file, and its values as plain numbers and text."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from .dicom_elements import PIXELS, PixelElement
from .dicom_encoding import Encoding
from .dicom_limits import ReadLimits
from .errors import DicomFileError
from .plain_text import printable

NATIVE_SYNTAXES = frozenset(
    {ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian}
)
BINARY_VRS = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d", "UV": "Q", "SV": "q", "US or SS": "H"}
PLAIN_BITS = (8, 16)


@dataclass(frozen=True)
class DicomHeader:
    """The header of one DICOM file.

    Attributes:
        path: the file.
        dataset: the wanted elements, converted by pydicom when they are first asked for. A broken value surfaces there
            as whatever pydicom raises; :meth:`get`, :meth:`text` and :meth:`numbers` turn that into `DicomFileError`,
            and are faster.
        transfer_syntax: how data set and pixels are written.
        encoding: how the elements are really written.
        data_set_offset: byte offset in the file of the data set, after the meta information.
        pixel_element: where the pixels are; None if there are none.
        limits: the budgets that the header was read with; the pixels obey them too.
    """

    path: Path
    dataset: Dataset
    transfer_syntax: UID
    encoding: Encoding
    data_set_offset: int
    pixel_element: PixelElement | None
    limits: ReadLimits
    _kept: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def is_native(self) -> bool:
        """Whether the pixels are written as plain numbers."""
        return self.transfer_syntax in NATIVE_SYNTAXES

    @property
    def is_deflated(self) -> bool:
        """Whether the data set is deflated, so that offsets count in what comes out of it."""
        return self.transfer_syntax == DeflatedExplicitVRLittleEndian

    @property
    def pixel_length(self) -> int | None:
        """Bytes of native, little-endian pixels of 8 or 16 bits and defined length; None for all others."""
        element = self.pixel_element
        if element is None or element.tag != PIXELS or not self.is_native or self.is_deflated:
            return None
        if not self.encoding.little or self.integer("BitsAllocated") not in PLAIN_BITS:
            return None
        return element.length

    def get(self, keyword: str, default: Any = None) -> Any:
        """Return the value as pydicom converts it, or ``default`` where it is absent or empty.

        Raises:
            DicomFileError: it cannot be converted.
        """
        try:
            value = self.dataset.get(keyword)
        except Exception as error:  # pydicom lets through whatever its converters happen to raise
            raise self._broken(keyword, error) from error
        return default if value is None or value == "" else value

    def text(self, keyword: str) -> str:
        r"""Return the value of a text element without padding, several values joined by "\\"; "" where it is absent.

        Control characters are left out: they have no place in an element that is shown or compared.
        """
        element = self.dataset.get_item(keyword)
        if isinstance(element, RawDataElement) and isinstance(element.value, bytes):
            raw = element.value
            if raw.isascii() and b"\x1b" not in raw:  # ESC would switch the character set
                return printable(raw.decode("ascii").strip(" \0"))
        value = self.get(keyword, "")
        return printable("\\".join(str(part) for part in value) if isinstance(value, MultiValue) else str(value))

    def texts(self, keyword: str) -> tuple[str, ...]:
        """Return the values as text without padding; () where they are absent."""
        text = self.text(keyword)
        return tuple(part.strip() for part in text.split("\\")) if text else ()

    def numbers(self, keyword: str) -> tuple[float, ...]:
        """Return the values as numbers; () where they are absent.

        Raises:
            DicomFileError: one is no finite number.
        """
        element = self.dataset.get_item(keyword)
        try:
            values = numbers_of(element)
        except (ValueError, TypeError, struct.error) as error:
            raise self._broken(keyword, error) from error
        if not all(map(math.isfinite, values)):
            raise self._broken(keyword, "not finite")
        return values

    def number(self, keyword: str) -> float | None:
        """Return the first value as a number, or None where it is absent."""
        values = self.numbers(keyword)
        return values[0] if values else None

    def integer(self, keyword: str) -> int | None:
        """Return the first value as a whole number, or None where it is absent.

        Raises:
            DicomFileError: it is no whole number.
        """
        value = self.number(keyword)
        if value is not None and value != int(value):
            raise self._broken(keyword, f"{value} is not whole")
        return None if value is None else int(value)

    def once(self, name: str, find: Callable[[], Any]) -> Any:
        """Return what ``find()`` gave the first time: each frame of a file needs the same table of frames."""
        if name not in self._kept:
            self._kept[name] = find()
        return self._kept[name]

    def _broken(self, keyword: str, why: object) -> DicomFileError:
        return DicomFileError(
            self.path, f"its {keyword} cannot be read ({str(why)[:200]})", "correct the element or leave the file out"
        )


def numbers_of(element: DataElement | RawDataElement | None) -> tuple[float, ...]:
    """Return the values of an element as numbers; () where it is absent or empty.

    Raises:
        ValueError: one is no number, or is written as Python writes it and DICOM does not, such as ``1_0``.
        TypeError: the element holds no numbers.
        struct.error: its length does not fit its kind.
    """
    if element is None or (not element.value and element.value != 0):
        return ()
    return _raw_numbers(element) if isinstance(element, RawDataElement) else _converted_numbers(element.value)


def _raw_numbers(element: RawDataElement) -> tuple[float, ...]:
    """Convert without pydicom, which takes ten times as long."""
    raw = element.value or b""
    vr = dictionary_VR(element.tag) if element.VR in (None, "UN") else element.VR
    code = BINARY_VRS.get(vr)
    if code is None:
        text = raw.strip(b" \0")
        if b"_" in text:
            raise ValueError(f"{text[:40].decode('latin-1')!r} is no number")
        return tuple(float(part) for part in text.split(b"\\")) if text else ()
    order = "<" if element.is_little_endian else ">"
    count = len(raw) // struct.calcsize(order + code)
    return struct.unpack(f"{order}{count}{code}", raw)


def _converted_numbers(value: Any) -> tuple[float, ...]:
    return tuple(float(part) for part in (value if isinstance(value, (MultiValue, list, tuple)) else [value]))
