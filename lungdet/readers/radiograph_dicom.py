"""Read a DICOM file as a radiograph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungdet.records import Radiograph, RadiographInfo

from .dicom_file import read_header, tags_of
from .dicom_header import DicomHeader
from .dicom_layout import EXPORT_AGAIN, PixelLayout, layout_of
from .dicom_limits import ReadLimits
from .dicom_pixels import read_pixels
from .errors import DicomFileError
from .radiograph_colour import is_colour, read_colour
from .radiograph_greyscale import Greyscale, greyscale_of
from .radiograph_masks import shutter_mask
from .radiograph_sample import MAX_FRAME_PIXELS, sample_of
from .radiograph_shrink import shrink
from .radiograph_spacing import pixel_aspect, spacing_of_radiograph

KEYWORDS = (
    "SpecificCharacterSet SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID Modality BodyPartExamined "
    "ViewPosition Laterality ImageLaterality PresentationIntentType PixelIntensityRelationshipSign "
    "PixelSpacing ImagerPixelSpacing NominalScannedPixelSpacing EstimatedRadiographicMagnificationFactor "
    "PixelAspectRatio DistanceSourceToDetector DistanceSourceToPatient SamplesPerPixel PhotometricInterpretation "
    "PlanarConfiguration NumberOfFrames Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation "
    "PixelPaddingValue PixelPaddingRangeLimit RescaleSlope RescaleIntercept ModalityLUTSequence VOILUTSequence "
    "WindowCenter WindowWidth VOILUTFunction PresentationLUTShape "
    "ShutterShape ShutterLeftVerticalEdge ShutterRightVerticalEdge ShutterUpperHorizontalEdge "
    "ShutterLowerHorizontalEdge CenterOfCircularShutter RadiusOfCircularShutter VerticesOfThePolygonalShutter "
    "RedPaletteColorLookupTableDescriptor RedPaletteColorLookupTableData "
    "GreenPaletteColorLookupTableDescriptor GreenPaletteColorLookupTableData "
    "BluePaletteColorLookupTableDescriptor BluePaletteColorLookupTableData"
)
RADIOGRAPH_TAGS = tags_of(KEYWORDS.split())
RADIOGRAPH_MODALITIES = ("CR", "DX", "DR", "RG", "MG", "PX", "IO", "XA", "RF")


def read_dicom_radiograph(path: Path, frame: int, limits: ReadLimits, max_side: int | None) -> Radiograph:
    """Read one frame of a DICOM file.

    Args:
        path: the file.
        frame: which one, counted from 0.
        limits: budgets.
        max_side: shrink it so that its longer side has no more pixels; None leaves it as it is.

    Raises:
        DicomFileError: the file cannot be trusted, or asks for more than the limits.
    """
    header = read_header(path, tags=RADIOGRAPH_TAGS, limits=limits)
    steps: list[str] = []
    frames = _check_frames(header, frame, steps)
    modality = header.text("Modality")
    if modality and modality not in RADIOGRAPH_MODALITIES:
        steps.append(f"read although its modality is {modality[:16]}, not a radiograph's")
    read = _read_colour if is_colour(header) else _read_grey
    spacing, spacing_from, notes = spacing_of_radiograph(header)
    steps += notes
    aspect = pixel_aspect(header, spacing, steps)
    pixels, (rows, columns) = read(header, frame, max_side, steps, aspect)
    info = RadiographInfo(
        source=str(path),
        sop_uid=header.text("SOPInstanceUID"),
        series_uid=header.text("SeriesInstanceUID"),
        study_uid=header.text("StudyInstanceUID"),
        modality=modality,
        body_part_examined=header.text("BodyPartExamined"),
        view_position=header.text("ViewPosition"),
        laterality=header.text("ImageLaterality") or header.text("Laterality"),
        photometric=header.text("PhotometricInterpretation"),
        rows=rows,
        columns=columns,
        frame=frame,
        frames=frames,
        spacing_mm=spacing,
        spacing_from=spacing_from,
        steps=tuple(steps),
        transfer_syntax=str(header.transfer_syntax),
    )
    return Radiograph(pixels, info)


def _check_frames(header: DicomHeader, frame: int, steps: list[str]) -> int:
    """Return the number of frames, after a look at the size of one; say so where there are several."""
    if header.pixel_element is None:
        raise DicomFileError(header.path, "it has no pixels", "leave it out, or export it again with its pixels")
    frames = header.integer("NumberOfFrames") or 1
    if not 0 <= frame < frames:
        raise DicomFileError(header.path, f"there is no frame {frame}, it has {frames}", "frames count from 0")
    pixels = (header.integer("Rows") or 0) * (header.integer("Columns") or 0)
    if pixels > MAX_FRAME_PIXELS:
        raise DicomFileError(
            header.path, f"a frame has {pixels} pixels, more than the limit of {MAX_FRAME_PIXELS}", EXPORT_AGAIN
        )
    if frames > 1:
        steps.append(f"frame {frame + 1} of {frames}")
    return frames


def _read_grey(
    header: DicomHeader, frame: int, max_side: int | None, steps: list[str], aspect: float
) -> tuple[NDArray[np.float32], tuple[int, int]]:
    """Return the brightness of a grey picture, its pixels square and shrunk as wanted, and its size in the file."""
    layout = layout_of(header)
    _note_layout(header, layout, steps)
    stored = read_pixels(header, frame=frame)[0]
    rows, columns = stored.shape
    mask, shapes = shutter_mask(header, rows, columns)
    if shapes:
        steps.append(f"shutter: {shapes}, black outside")
    scale = greyscale_of(header, sample_of(stored, mask))
    steps += scale.steps
    show = _lookup(scale, stored) if layout.bits_allocated <= 16 else scale

    def rows_of(first: int, last: int) -> NDArray[np.float32]:
        shown = show(stored[first:last])
        if mask is not None:
            shown[~mask[first:last]] = 0
        return shown

    return shrink(rows_of, (rows, columns), max_side, steps, aspect), (rows, columns)


def _lookup(scale: Greyscale, stored: NDArray[Any]) -> Any:
    """Return ``scale`` as one table over all values that 8 or 16 bits can have: a look-up costs less than the steps."""
    bits = np.dtype(f"u{stored.itemsize}")
    table = scale(np.arange(1 << (8 * stored.itemsize), dtype=bits).view(stored.dtype))
    return lambda part: table[part.view(bits)]


def _note_layout(header: DicomHeader, layout: PixelLayout, steps: list[str]) -> None:
    """Say what the header leaves open, and what is more than it tells."""
    wanted = layout.frame_bytes * layout.frames
    length = header.pixel_element.length if header.pixel_element else None
    if header.is_native and length is not None and length > wanted + wanted % 2:
        steps.append(f"{length - wanted} bytes after the pixels left out")
    if header.integer("PixelRepresentation") is None:
        steps.append("PixelRepresentation is missing, taken as unsigned")
    if not header.text("PhotometricInterpretation"):
        steps.append("PhotometricInterpretation is missing, taken as MONOCHROME2")


def _read_colour(
    header: DicomHeader, frame: int, max_side: int | None, steps: list[str], aspect: float
) -> tuple[NDArray[np.float32], tuple[int, int]]:
    """Return the luminance of a colour picture, its pixels square and shrunk as wanted, and its size in the file."""
    grey = read_colour(header, frame)
    rows, columns = grey.shape
    steps.append(f"colour ({header.text('PhotometricInterpretation')[:16]}) turned to grey")
    return shrink(lambda first, last: grey[first:last], (rows, columns), max_side, steps, aspect), (rows, columns)
