"""Read the header of one DICOM file: quickly, within a budget, and without its pixels."""

from __future__ import annotations

import logging
import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

from pydicom.config import IGNORE
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from .dicom_elements import COPY_AGAIN, LONG_VRS, SHORT_VRS, Encoding, PixelElement, Scan, Walker
from .dicom_limits import DEFAULT_LIMITS, ReadLimits
from .dicom_source import ByteSource, DeflatedSource, FileSource
from .errors import DicomFileError, NotDicomError

logger = logging.getLogger(__name__)

PREAMBLE_BYTES = 128
PREFIX = b"DICM"
NATIVE = frozenset({ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian})
NUMBER_FORMATS = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}

CT_KEYWORDS = (
    "SpecificCharacterSet ImageType SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID FrameOfReferenceUID "
    "Modality Manufacturer SeriesDescription StudyDescription SeriesNumber AcquisitionNumber InstanceNumber "
    "AcquisitionDate AcquisitionTime AcquisitionDateTime ContentTime TemporalPositionIndex "
    "ConvolutionKernel SliceThickness SpacingBetweenSlices GantryDetectorTilt PatientPosition "
    "ImagePositionPatient ImageOrientationPatient PixelSpacing SliceLocation "
    "SamplesPerPixel PhotometricInterpretation PlanarConfiguration NumberOfFrames Rows Columns BitsAllocated BitsStored "
    "HighBit PixelRepresentation PixelPaddingValue PixelPaddingRangeLimit RescaleSlope RescaleIntercept RescaleType "
    "ModalityLUTSequence WindowCenter WindowWidth SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence"
)


def tags_of(keywords: Iterable[str]) -> dict[int, BaseTag]:
    """Look up DICOM keywords.

    Example:
        >>> tags_of(["Rows", "Columns"])
        {2621456: (0028,0010), 2621457: (0028,0011)}
    """
    numbers = {keyword: tag_for_keyword(keyword) for keyword in keywords}
    unknown = [keyword for keyword, number in numbers.items() if number is None]
    if unknown:
        raise ValueError(f"not DICOM keywords: {unknown}")
    return {number: BaseTag(number) for number in numbers.values() if number is not None}


CT_TAGS = tags_of(CT_KEYWORDS.split())
META_TAGS = tags_of(["TransferSyntaxUID", "MediaStorageSOPClassUID"])


@dataclass(frozen=True)
class DicomHeader:
    """The header of one DICOM file.

    Attributes:
        path: the file.
        dataset: the wanted elements, converted by pydicom when they are first asked for. Broken values surface there
            as pydicom's errors; :meth:`text`, :meth:`numbers` and :meth:`get` turn them into `DicomFileError`.
        transfer_syntax: how data set and pixels are written.
        encoding: VR and byte order that the data set really has.
        pixel_element: where the pixels are; None if there are none.
        limits: the budgets that the header was read with; the pixels obey them too.
    """

    path: Path
    dataset: Dataset
    transfer_syntax: UID
    encoding: Encoding
    pixel_element: PixelElement | None
    limits: ReadLimits

    @property
    def pixel_offset(self) -> int | None:
        """Byte offset in the file of pixel values that can be read as they are: see :attr:`pixel_length`."""
        return self.pixel_element.offset if self.pixel_element and self.pixel_length is not None else None

    @property
    def pixel_length(self) -> int | None:
        """Bytes of native, little-endian, 8 or 16 bit pixels of defined length; None for all others."""
        element = self.pixel_element
        if element is None or not self.encoding.little or self.transfer_syntax == DeflatedExplicitVRLittleEndian:
            return None
        if self.transfer_syntax not in NATIVE or self.integer("BitsAllocated") not in (8, 16):
            return None
        return element.length

    def get(self, keyword: str, default: Any = None) -> Any:
        """Return the value as pydicom converts it, or ``default`` where it is absent or empty.

        Raises:
            DicomFileError: the value cannot be converted.
        """
        try:
            value = self.dataset.get(keyword)
        except Exception as error:  # pydicom raises what its converters happen to raise
            raise self._broken(keyword, error) from error
        return default if value is None else value

    def text(self, keyword: str) -> str:
        """Return the value as text without padding, several values with their backslashes; "" where it is absent."""
        element = self.dataset.get_item(keyword)
        if element is None or not element.value:
            return ""
        raw = element.value
        if isinstance(raw, bytes) and raw.isascii() and b"\x1b" not in raw:  # ESC switches the character set
            return raw.decode("ascii").strip(" \0")
        value = self.get(keyword, "")
        return "\\".join(str(part) for part in value) if _is_many(value) else str(value)

    def texts(self, keyword: str) -> tuple[str, ...]:
        """Return the values as text; () where they are absent."""
        text = self.text(keyword)
        return tuple(part.strip() for part in text.split("\\")) if text else ()

    def numbers(self, keyword: str) -> tuple[float, ...]:
        """Return the values as finite numbers; () where they are absent.

        Raises:
            DicomFileError: a value is no finite number.
        """
        element = self.dataset.get_item(keyword)
        if element is None or element.value is None:
            return ()
        try:
            values = _raw_numbers(element) if isinstance(element, RawDataElement) else _values(element.value)
        except (ValueError, TypeError, struct.error) as error:
            raise self._broken(keyword, error) from error
        if not all(map(math.isfinite, values)):
            raise self._broken(keyword, f"{values} is not finite")
        return values

    def number(self, keyword: str) -> float | None:
        """Return the first value as a finite number, or None."""
        values = self.numbers(keyword)
        return values[0] if values else None

    def integer(self, keyword: str) -> int | None:
        """Return the first value as a whole number, or None."""
        value = self.number(keyword)
        if value is not None and value != int(value):
            raise self._broken(keyword, f"{value} is not whole")
        return None if value is None else int(value)

    def _broken(self, keyword: str, why: object) -> DicomFileError:
        return DicomFileError(self.path, f"its {keyword} cannot be read ({why})", "correct the element or leave the file out")


def read_header(
    path: str | PathLike[str], *, tags: dict[int, BaseTag] = CT_TAGS, limits: ReadLimits = DEFAULT_LIMITS
) -> DicomHeader:
    """Read the header of one DICOM file.

    Files without preamble are read if they parse as a data set with a SOP class.

    Args:
        path: the file.
        tags: what to keep; widen it as ``CT_TAGS | tags_of(["ViewPosition"])``.
        limits: budgets.

    Raises:
        NotDicomError: the file is no DICOM.
        DicomFileError: it is DICOM and damaged, or asks for more than the limits.
        OSError: it cannot be opened.
    """
    path = Path(path)
    with open(path, "rb", buffering=0) as file:
        source = FileSource(file, path)
        if source.data[PREAMBLE_BYTES : PREAMBLE_BYTES + 4] == PREFIX:
            return _read(file, source, path, PREAMBLE_BYTES + 4, tags, limits)
        if source.data[:1] not in (b"\x02", b"\x08") or len(source.data) < 8:
            raise _not_dicom(path, "it has neither the DICOM prefix nor a first element of group 0002 or 0008")
        try:
            header = _read(file, source, path, 0, tags, limits)
        except DicomFileError as error:
            raise _not_dicom(path, f"it has no DICOM prefix, and read as a bare data set {error.problem}") from error
    if not header.text("SOPClassUID") and not (header.text("Modality") and header.pixel_element):
        # ACR-NEMA, DICOM's forerunner, knew no UIDs.
        raise _not_dicom(path, "it has no DICOM prefix, and read as a bare data set no SOPClassUID")
    return header


def _read(
    file: BinaryIO, source: FileSource, path: Path, start: int, tags: dict[int, BaseTag], limits: ReadLimits
) -> DicomHeader:
    walker = Walker(source, path, limits)
    meta = walker.walk(start, Encoding(implicit=False, little=True), META_TAGS, only_group=2)
    syntax = _transfer_syntax(meta)
    body: ByteSource = source
    position = meta.end
    if syntax == DeflatedExplicitVRLittleEndian:
        body, position = DeflatedSource(file, path, meta.end), 0
    encoding = _encoding(body.grow(position + 8, limits.max_header_bytes), position, syntax, path)
    if not syntax:
        syntax = ImplicitVRLittleEndian if encoding.implicit else ExplicitVRLittleEndian
    scan = Walker(body, path, limits).walk(position, encoding, tags)
    dataset = Dataset(scan.elements)
    charset = scan.elements.get(CT_TAGS[0x00080005])
    dataset.set_original_encoding(encoding.implicit, encoding.little, _charset(charset))
    return DicomHeader(path, dataset, syntax, encoding, scan.pixels, limits)


def _charset(element: RawDataElement | None) -> Any:
    from pydicom.charset import convert_encodings, default_encoding

    if element is None or not element.value:
        return default_encoding
    names = [part.strip() for part in element.value.decode("latin-1").split("\\")]
    return convert_encodings(names)


def _transfer_syntax(meta: Scan) -> UID:
    element = meta.elements.get(META_TAGS[0x00020010])
    return _uid(element.value.decode("latin-1").strip(" \0") if element and element.value else "")


@lru_cache(maxsize=64)
def _uid(text: str) -> UID:
    return UID(text, validation_mode=IGNORE)


def _encoding(data: bytearray, position: int, syntax: UID, path: Path) -> Encoding:
    """Tell how the data set is really written: some writers do not do what their transfer syntax says."""
    vr = bytes(data[position + 4 : position + 6])
    has_vr = vr in LONG_VRS or vr in SHORT_VRS
    little = syntax != ExplicitVRBigEndian
    if syntax and len(data) >= position + 6 and has_vr == (syntax == ImplicitVRLittleEndian):
        logger.warning("%s: the data set is written with%s VR, unlike its transfer syntax", path, "" if has_vr else "out")
    return Encoding(implicit=not has_vr, little=little)


def _raw_numbers(element: RawDataElement) -> tuple[float, ...]:
    """Convert without pydicom, which takes ten times as long per element."""
    raw = element.value or b""
    vr = element.VR or dictionary_VR(element.tag)
    if vr in ("US or SS", "UN"):
        vr = "US"
    code = NUMBER_FORMATS.get(vr)
    if code is None:
        text = raw.strip(b" \0")
        return tuple(float(part) for part in text.split(b"\\")) if text else ()
    order = "<" if element.is_little_endian else ">"
    return struct.unpack(f"{order}{len(raw) // struct.calcsize(order + code)}{code}", raw)


def _values(value: Any) -> tuple[float, ...]:
    parts = value if _is_many(value) else [] if value == "" else [value]
    return tuple(float(part) for part in parts)


def _is_many(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue"


def _not_dicom(path: Path, problem: str) -> NotDicomError:
    return NotDicomError(path, f"not a DICOM file: {problem}", "leave it out")


__all__ = ["COPY_AGAIN", "CT_TAGS", "DEFAULT_LIMITS", "DicomHeader", "ReadLimits", "read_header", "tags_of"]
