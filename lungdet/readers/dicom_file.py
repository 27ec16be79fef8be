"""Read the header of one DICOM file: quickly, within a budget, and without its pixels."""

from __future__ import annotations

import logging
import stat
from collections.abc import Iterable
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

from pydicom.charset import convert_encodings, default_encoding
from pydicom.config import IGNORE
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from .dicom_elements import Scan, scan_elements
from .dicom_encoding import EXPLICIT_LITTLE, Encoding, has_vr
from .dicom_header import DicomHeader
from .dicom_limits import DEFAULT_LIMITS, ReadLimits
from .dicom_reach import Reach
from .dicom_source import ByteSource, DeflatedSource, FileSource
from .errors import DicomFileError, NotDicomError

logger = logging.getLogger(__name__)

PREAMBLE_BYTES = 128
PREFIX = b"DICM"
BIG_ENDIAN_BEGINNING = b"\x00\x08"
BARE_BEGINNINGS = (b"\x02\x00", b"\x08\x00", BIG_ENDIAN_BEGINNING)
META_GROUP = 2
SPECIFIC_CHARACTER_SET = 0x00080005
TRANSFER_SYNTAX = 0x00020010

CT_KEYWORDS = (
    "SpecificCharacterSet ImageType SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID FrameOfReferenceUID "
    "PatientID IssuerOfPatientID StudyDate "
    "Modality Manufacturer SeriesDescription StudyDescription SeriesNumber AcquisitionNumber InstanceNumber "
    "AcquisitionDate AcquisitionTime AcquisitionDateTime ContentTime TemporalPositionIndex "
    "ConvolutionKernel KVP SliceThickness SpacingBetweenSlices GantryDetectorTilt PatientPosition "
    "ImagePositionPatient ImageOrientationPatient PixelSpacing SliceLocation "
    "SamplesPerPixel PhotometricInterpretation PlanarConfiguration NumberOfFrames Rows Columns BitsAllocated "
    "BitsStored HighBit PixelRepresentation PixelPaddingValue PixelPaddingRangeLimit RescaleSlope RescaleIntercept "
    "RescaleType ModalityLUTSequence WindowCenter WindowWidth "
    "SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence"
)


def tags_of(keywords: Iterable[str]) -> dict[int, BaseTag]:
    """Look up DICOM keywords.

    Raises:
        ValueError: one is unknown.

    Example:
        >>> tags_of(["Rows", "Columns"])
        {2621456: (0028,0010), 2621457: (0028,0011)}
    """
    tags = {}
    for keyword in keywords:
        number = tag_for_keyword(keyword)
        if number is None:
            raise ValueError(f"{keyword!r} is no DICOM keyword")
        tags[number] = BaseTag(number)
    return tags


CT_TAGS = tags_of(CT_KEYWORDS.split())
META_TAGS = tags_of(["TransferSyntaxUID"])


def read_header(
    path: str | PathLike[str], *, tags: dict[int, BaseTag] = CT_TAGS, limits: ReadLimits = DEFAULT_LIMITS
) -> DicomHeader:
    """Read the header of one DICOM file.

    A file without preamble is read if it parses as a data set that has a SOP class, or a modality and pixels (as
    ACR-NEMA, DICOM's forerunner, which knew no UIDs).

    Args:
        path: the file.
        tags: what to keep; widen it as ``CT_TAGS | tags_of(["ViewPosition"])``.
        limits: budgets.

    Raises:
        NotDicomError: the file is no DICOM.
        DicomFileError: it is DICOM, but damaged, or it asks for more than the limits.
        OSError: it cannot be opened.
    """
    path = Path(path)
    if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
        raise _not_dicom(path, "it is no regular file")
    with open(path, "rb", buffering=0) as file:
        source = FileSource(file, path)
        if source.data[PREAMBLE_BYTES : PREAMBLE_BYTES + len(PREFIX)] == PREFIX:
            return _read(file, source, path, PREAMBLE_BYTES + len(PREFIX), tags, limits)
        return _read_bare(file, source, path, tags, limits)


def _read_bare(
    file: BinaryIO, source: FileSource, path: Path, tags: dict[int, BaseTag], limits: ReadLimits
) -> DicomHeader:
    if bytes(source.data[:2]) not in BARE_BEGINNINGS:
        raise _not_dicom(path, "it has neither the prefix DICM nor a first element of group 0002 or 0008")
    try:
        header = _read(file, source, path, 0, tags, limits)
    except DicomFileError as error:
        raise _not_dicom(path, f"it has no prefix DICM, and as a bare data set: {error.problem}") from error
    if not (header.text("SOPClassUID") or (header.text("Modality") and header.pixel_element)):
        raise _not_dicom(path, "it has no prefix DICM, and as a bare data set no SOPClassUID")
    return header


def _read(
    file: BinaryIO, source: FileSource, path: Path, start: int, tags: dict[int, BaseTag], limits: ReadLimits
) -> DicomHeader:
    meta = scan_elements(Reach(source, path, limits), start, EXPLICIT_LITTLE, META_TAGS, only_group=META_GROUP)
    syntax = _transfer_syntax(meta)
    body: ByteSource = source
    position = meta.end
    if syntax == DeflatedExplicitVRLittleEndian:
        body, position = DeflatedSource(file, path, meta.end), 0
    reach = Reach(body, path, limits)
    encoding = _encoding(reach.fetch(position + 8), position, syntax, path)
    scan = scan_elements(reach, position, encoding, tags)
    return DicomHeader(
        path=path,
        dataset=_dataset(scan, encoding),
        transfer_syntax=syntax or _native_syntax(encoding),
        encoding=encoding,
        data_set_offset=meta.end,
        pixel_element=scan.pixels,
        limits=limits,
    )


def _transfer_syntax(meta: Scan) -> UID:
    element = meta.elements.get(META_TAGS[TRANSFER_SYNTAX])
    return _uid(element.value.decode("latin-1").strip(" \0") if element and element.value else "")


@lru_cache(maxsize=64)
def _uid(text: str) -> UID:
    return UID(text, validation_mode=IGNORE)


def _encoding(data: bytearray, position: int, syntax: UID, path: Path) -> Encoding:
    """Tell how the elements are really written: some writers do not do what their transfer syntax says."""
    implicit = not has_vr(data, position)
    if syntax and len(data) > position and implicit != (syntax == ImplicitVRLittleEndian):
        logger.warning("%s: its elements are written with%s VR, unlike its transfer syntax", path, "out" * implicit)
    big = syntax == ExplicitVRBigEndian or (not syntax and data[position : position + 2] == BIG_ENDIAN_BEGINNING)
    return Encoding(implicit, little=not big)


def _native_syntax(encoding: Encoding) -> UID:
    if not encoding.little:
        return ExplicitVRBigEndian
    return ImplicitVRLittleEndian if encoding.implicit else ExplicitVRLittleEndian


def _dataset(scan: Scan, encoding: Encoding) -> Dataset:
    dataset = Dataset(scan.elements)
    charset: Any = default_encoding
    element = scan.elements.get(BaseTag(SPECIFIC_CHARACTER_SET))
    if element and element.value:
        charset = _charset(bytes(element.value))
    dataset.set_original_encoding(encoding.implicit, encoding.little, charset)
    return dataset


@lru_cache(maxsize=64)
def _charset(names: bytes) -> Any:
    """Return the Python encodings for a SpecificCharacterSet; pydicom warns of unknown ones and takes ASCII."""
    return convert_encodings([name.strip() for name in names.decode("latin-1").strip("\0").split("\\")])


def _not_dicom(path: Path, problem: str) -> NotDicomError:
    return NotDicomError(path, f"it is no DICOM file: {problem}", "leave it out")


__all__ = ["CT_TAGS", "DEFAULT_LIMITS", "DicomHeader", "ReadLimits", "read_header", "tags_of"]
