"""Whose picture a file holds, and whether another file holds the same one."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from .dicom_file import read_header, tags_of
from .dicom_header import DicomHeader
from .dicom_limits import DEFAULT_LIMITS, ReadLimits
from .errors import NotDicomError, RadiographError

_TAGS = tags_of(
    [
        "SOPClassUID",
        "Modality",
        "SOPInstanceUID",
        "StudyInstanceUID",
        "PatientID",
        "IssuerOfPatientID",
        "Rows",
        "Columns",
    ]
)
_DIGITS = 16  # of a hash, in hexadecimal: equal by chance once in 10^9 lists of 100,000 pictures
_CHUNK = 1 << 20


@dataclass(frozen=True)
class PictureIdentity:
    """What tells one picture from another.

    Attributes:
        content: hash of the pixels; equal for files that hold the same picture, whatever their names and headers.
        patient: of DICOM: a hash of the patient's ID and its issuer, so that no ID leaves the file; else empty. It
            hides the ID from a reader, not from one who can guess it.
        study: of DICOM: the Study Instance UID; else empty.
        sop_uid: of DICOM: the SOP Instance UID; else empty.
    """

    content: str
    patient: str = ""
    study: str = ""
    sop_uid: str = ""


def identify_picture(
    path: str | Path, *, with_content: bool = True, limits: ReadLimits = DEFAULT_LIMITS
) -> PictureIdentity:
    """Look at a DICOM file, or a PNG, JPEG, BMP, GIF or TIFF.

    The content is that of the stored pixels of DICOM, compressed ones as they are; of other pictures, of what comes
    out of the decoder, with its size and mode.

    Args:
        path: the file.
        with_content: also hash the pixels; without it ``content`` is empty, and only a header is read.
        limits: budgets of the DICOM header, and ``max_pixel_bytes`` of any picture.

    Raises:
        RadiographError: it is no picture, is damaged, or is larger than the limits allow.
        OSError: it cannot be opened.
    """
    try:
        header = read_header(path, tags=_TAGS, limits=limits)
    except NotDicomError:
        return PictureIdentity(_picture_content(Path(path), limits) if with_content else "")
    except ValueError as error:
        raise RadiographError(path, str(error).removeprefix(f"{path}: "), "export it again") from error
    person = f"{header.text('IssuerOfPatientID')}\n{header.text('PatientID')}" if header.text("PatientID") else ""
    return PictureIdentity(
        content=_dicom_content(header) if with_content else "",
        patient=_short(hashlib.sha256(person.encode())) if person else "",
        study=header.text("StudyInstanceUID"),
        sop_uid=header.text("SOPInstanceUID"),
    )


def _dicom_content(header: DicomHeader) -> str:
    """Hash of the stored pixels; of the whole file where they are deflated with the header."""
    element = header.pixel_element
    if element is None:
        raise RadiographError(header.path, "it has no pixels", "leave it out")
    digest = hashlib.sha256(f"{header.text('Rows')}x{header.text('Columns')}".encode())
    start, left = (0, None) if header.is_deflated else (element.offset, element.length)
    with open(header.path, "rb") as stream:
        stream.seek(start)
        while left is None or left > 0:
            chunk = stream.read(_CHUNK if left is None else min(_CHUNK, left))
            if not chunk:
                break
            digest.update(chunk)
            left = None if left is None else left - len(chunk)
    return _short(digest)


def _picture_content(path: Path, limits: ReadLimits) -> str:
    """Hash of a decoded picture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=("PNG", "JPEG", "BMP", "GIF", "TIFF")) as picture:
                wanted = picture.width * picture.height * 4
                if wanted > limits.max_frame_bytes * 4:
                    size = f"{picture.width} x {picture.height} pixels"
                    raise RadiographError(path, f"it says that it has {size}", "make it smaller")
                digest = hashlib.sha256(f"{picture.size}{picture.mode}".encode())
                digest.update(picture.tobytes())
    except UnidentifiedImageError as error:
        raise RadiographError(path, "it is neither DICOM nor a picture of a known kind", "leave it out") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, (FileNotFoundError, PermissionError, RadiographError)):
            raise
        raise RadiographError(path, f"it cannot be decoded ({error})", "export it again, or leave it out") from error
    return _short(digest)


def _short(digest: hashlib._Hash) -> str:
    return digest.hexdigest()[:_DIGITS]
