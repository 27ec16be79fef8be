"""What is known about one CT slice before its pixels are read, and why a file is no CT slice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from lungdet.counted import counted

from .dicom_file import DicomHeader
from .errors import DicomFileError
from .plain_text import printable

Vector: TypeAlias = tuple[float, ...]

DIRECTORY_CLASS = "1.2.840.10008.1.3.10"  # a DICOMDIR, whatever it is called
CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
SECONDARY_CAPTURE_CLASSES = "1.2.840.10008.5.1.4.1.1.7"  # single-frame and, with a suffix, multi-frame
ENHANCED_CT_CLASSES = frozenset({"1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2"})  # and legacy converted
NO_VOLUME_WORDS = {"LOCALIZER": "localizer", "SCREEN SAVE": "screen save", "DOSE_INFO": "dose page"}
# A patient fits in with room to spare; what lies outside is a slip of the unit or the point, or meant to harm.
PIXEL_LIMITS_MM = (0.05, 20.0)
MOST_COORDINATE_MM = 1e5
LEAST_SPAN_HU = 10.0  # a rescale that maps all stored values into less has erased the picture
MOST_SLOPE, MOST_INTERCEPT_HU = 1e3, 1e6
# RescaleType terms that are quantities of their own (PS3.3 C.11.1.1.2); US is "unspecified", others are free text.
NOT_HU = frozenset({"OD", "HU_MOD", "MGML", "Z_EFF", "ED", "EDW", "PCT"})


@dataclass(frozen=True)
class SliceFacts:
    """One slice: a single-frame file, or one frame of a multi-frame file.

    Attributes:
        header: the file it is in.
        frame: its number in the file, from 0.
        series_uid: SeriesInstanceUID.
        sop_uid: SOPInstanceUID of the file.
        position_lps_mm: ImagePositionPatient, three numbers.
        orientation: ImageOrientationPatient, six numbers.
        pixel_spacing_mm: PixelSpacing: distance of rows, distance of columns.
        grid: rows and columns.
        slope: RescaleSlope.
        intercept: RescaleIntercept.
        rescale_type: RescaleType; empty if absent.
        thickness_mm: SliceThickness; None if absent.
    """

    header: DicomHeader
    frame: int
    series_uid: str
    sop_uid: str
    position_lps_mm: Vector
    orientation: Vector
    pixel_spacing_mm: Vector
    grid: tuple[int, int]
    slope: float
    intercept: float
    rescale_type: str
    thickness_mm: float | None

    @property
    def path(self) -> Path:
        """The file it is in."""
        return self.header.path

    @property
    def name(self) -> str:
        """File name, with the frame counted from 1 where the file holds several: for messages."""
        frames = self.header.integer("NumberOfFrames") or 1
        name = printable(self.path.name)
        return f"{name} (frame {self.frame + 1})" if frames > 1 else name


def why_left_out(header: DicomHeader) -> str:
    """Return why a readable file is no slice of a CT volume; "" if it may be one.

    Localizers, dose pages and other colour pictures, screen shots, secondary captures, other modalities, objects
    without pixels and directories are left out whatever series they are in.
    """
    sop_class = header.text("SOPClassUID")
    modality = header.text("Modality")
    words = header.texts("ImageType")
    if sop_class == DIRECTORY_CLASS or header.path.name.upper() == "DICOMDIR":
        return "DICOMDIR"
    if modality != "CT":
        return f"modality {modality or 'not given'}"
    if header.pixel_element is None:
        return "no pixels"
    if (header.integer("SamplesPerPixel") or 1) != 1:
        return "colour picture (dose page)"
    if sop_class.startswith(SECONDARY_CAPTURE_CLASSES):
        return "secondary capture"
    return next((reason for word, reason in NO_VOLUME_WORDS.items() if word in words), "")


def why_cut_off(header: DicomHeader) -> str:
    """Return why a file is but the beginning of one, cut between two elements; "" if nothing tells so."""
    sop_class = header.text("SOPClassUID")
    if not sop_class and not header.text("Modality"):
        return "it holds neither SOPClassUID nor Modality"
    if sop_class == CT_CLASS and header.pixel_element is None:
        return "it is a CT image without pixels"
    return ""


def facts_of_slice(header: DicomHeader) -> SliceFacts:
    """Take the facts of a single-frame CT image from its header.

    Raises:
        DicomFileError: its geometry or its rescale is missing or cannot be read, or it is not in HU.
    """
    frames = header.integer("NumberOfFrames") or 1
    if frames != 1:
        raise DicomFileError(
            header.path,
            f"it holds {counted(frames, 'frame')} without a position of each",
            "export it as single or enhanced CT",
        )
    slope, intercept = exactly(1, "RescaleSlope", header)[0], exactly(1, "RescaleIntercept", header)[0]
    check_rescale(slope, intercept, header)
    return SliceFacts(
        header=header,
        frame=0,
        series_uid=header.text("SeriesInstanceUID"),
        sop_uid=header.text("SOPInstanceUID"),
        position_lps_mm=near_position(exactly(3, "ImagePositionPatient", header), header),
        orientation=exactly(6, "ImageOrientationPatient", header),
        pixel_spacing_mm=usable_spacing(exactly(2, "PixelSpacing", header), header),
        grid=grid_of(header),
        slope=slope,
        intercept=intercept,
        rescale_type=hu_type(header.text("RescaleType"), header),
        thickness_mm=header.number("SliceThickness"),
    )


def exactly(count: int, keyword: str, header: DicomHeader) -> Vector:
    """Return ``count`` finite numbers.

    Raises:
        DicomFileError: there are none, or another number of them.
    """
    values = header.numbers(keyword)
    if len(values) != count:
        raise missing(keyword, count, len(values), header)
    return values


def missing(keyword: str, wanted: int, found: int, header: DicomHeader) -> DicomFileError:
    """Word the error for an element that is absent or of the wrong length."""
    problem = f"{keyword} must hold {counted(wanted, 'number')}, found {found or 'none'}"
    remedy = "a CT slice without it has no known place or scale: export it again or leave the file out"
    return DicomFileError(header.path, problem, remedy)


def near_position(position_lps_mm: Vector, header: DicomHeader) -> Vector:
    """Return ImagePositionPatient unless it is farther than 100 m from the origin.

    Raises:
        DicomFileError: it is.
    """
    if max(map(abs, position_lps_mm)) > MOST_COORDINATE_MM:
        where = ", ".join(f"{value:g}" for value in position_lps_mm)
        problem = f"ImagePositionPatient is {where} mm, more than 100 m away"
        raise DicomFileError(header.path, problem, "correct it or leave the file out")
    return position_lps_mm


def usable_spacing(spacing_mm: Vector, header: DicomHeader) -> Vector:
    """Return PixelSpacing if both distances are positive and can be those of a CT.

    Raises:
        DicomFileError: one is not positive, or is outside 0.05 to 20 mm.
    """
    low, high = PIXEL_LIMITS_MM
    if min(spacing_mm) < low or max(spacing_mm) > high:
        got = f"got {spacing_mm[0]:g} and {spacing_mm[1]:g} mm"
        must = "be positive" if min(spacing_mm) <= 0 else f"lie between {low:g} and {high:g} mm"
        raise DicomFileError(header.path, f"PixelSpacing must {must}, {got}", "correct it or leave the file out")
    return spacing_mm


def check_rescale(slope: float, intercept: float, header: DicomHeader) -> None:
    """Refuse a rescale that cannot give HU.

    Raises:
        DicomFileError: the slope is 0, or so small that all stored values become one, slope or intercept are beyond any
            scale of HU, or a ModalityLUTSequence says otherwise.
    """
    span = abs(slope) * 2 ** min(header.integer("BitsStored") or 16, 64)
    problem = ""
    if slope == 0:
        problem = "RescaleSlope is 0"
    elif span < LEAST_SPAN_HU:
        problem = f"RescaleSlope is {slope:g}: all its values would lie within {span:.2g} HU"
    elif abs(slope) > MOST_SLOPE or abs(intercept) > MOST_INTERCEPT_HU:
        problem = f"RescaleSlope {slope:g} and RescaleIntercept {intercept:g} give no HU"
    elif header.dataset.get_item("ModalityLUTSequence") is not None and header.get("ModalityLUTSequence"):
        problem = "it holds a ModalityLUTSequence beside RescaleSlope and RescaleIntercept, which exclude each other"
    if problem:
        raise DicomFileError(header.path, problem, "export the file again")


def hu_type(rescale_type: str, header: DicomHeader) -> str:
    """Return RescaleType unless it names another quantity than Hounsfield units.

    Raises:
        DicomFileError: it does; such as MGML, mg/ml of a material.
    """
    if rescale_type in NOT_HU:
        problem = f"RescaleType is {rescale_type}, the values are not Hounsfield units"
        raise DicomFileError(header.path, problem, "choose another series of the study")
    return rescale_type


def grid_of(header: DicomHeader) -> tuple[int, int]:
    """Return rows and columns.

    Raises:
        DicomFileError: one is missing or not positive.
    """
    rows, columns = header.integer("Rows") or 0, header.integer("Columns") or 0
    if rows < 1 or columns < 1:
        raise DicomFileError(header.path, f"Rows x Columns is {rows} x {columns}", "export the file again")
    return rows, columns
