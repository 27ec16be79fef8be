"""Write a picture as a valid DICOM radiograph: a digital X-ray (DX), a computed radiograph (CR), or their kin."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation,
    XRayAngiographicImageStorage,
)

from .dicom_series import STAMP_DATE, STAMP_TIME, TRANSFER_SYNTAXES, decimal_string, derive_uid, save_dataset

SOP_CLASSES: dict[str, UID] = {
    "CR": ComputedRadiographyImageStorage,
    "DX": DigitalXRayImageStorageForPresentation,
    "PX": DigitalXRayImageStorageForPresentation,
    "MG": DigitalMammographyXRayImageStorageForPresentation,
    "XA": XRayAngiographicImageStorage,
}


def write_radiograph_dicom(
    pixels: NDArray[Any],
    path: str | Path,
    *,
    photometric: str = "MONOCHROME2",
    body_part: str = "CHEST",
    view: str = "PA",
    laterality: str = "",
    modality: str = "DX",
    bits: int = 12,
    spacing_mm: float | None = 0.2,
    patient: str = "PHANTOM-0",
    seed: int = 0,
    window: tuple[float, float] | str | None = "full",
    transfer_syntax: str = "explicit",
    **elements: Any,
) -> Path:
    """Write one radiograph; the same arguments give the same bytes.

    Args:
        pixels: ``(rows, columns)`` or ``(frames, rows, columns)``: floats in [0, 1], bone bright, which become stored
            values of ``bits`` bits, turned over for MONOCHROME1; or whole numbers, which are stored as they are.
        path: the file; its folder is made if absent, and a file of this name is replaced at once, never half.
        photometric: ``MONOCHROME2`` (high values are bright) or ``MONOCHROME1`` (high values are dark).
        body_part: BodyPartExamined; "" for none.
        view: ViewPosition; "" for none.
        laterality: ImageLaterality, ``L``, ``R`` or ``B``; "" leaves it out.
        modality: one of ``CR``, ``DX``, ``PX``, ``MG``, ``XA``.
        bits: BitsStored, 1 to 16; up to 8 are written in bytes, more in words of 16.
        spacing_mm: ImagerPixelSpacing and PixelSpacing; None leaves both out.
        patient: PatientID; no real one, please.
        seed: goes into the UIDs, so that two equal pictures can be told apart.
        window: (center, width) in stored values, ``"full"`` for the whole range, None for no window.
        transfer_syntax: one of :data:`~lungdet.phantoms.TRANSFER_SYNTAXES`.
        elements: any more elements by their DICOM keyword; None takes an element out that would be there.

    Returns:
        The path.

    Raises:
        ValueError: the pixels, their values or an argument do not fit.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> write_radiograph_dicom(np.zeros((4, 6)), f"{folder}/a.dcm", BurnedInAnnotation="NO").name
        'a.dcm'
    """
    if transfer_syntax not in TRANSFER_SYNTAXES:
        raise ValueError(f"transfer_syntax must be one of {sorted(TRANSFER_SYNTAXES)}, got {transfer_syntax!r}")
    if modality not in SOP_CLASSES:
        raise ValueError(f"modality must be one of {sorted(SOP_CLASSES)}, got {modality!r}")
    stored = _stored_values(np.asarray(pixels), photometric, bits)
    path = Path(path)
    dataset = _identity(stored, modality, patient, seed)
    _add_acquisition(dataset, modality, body_part, view, laterality, spacing_mm)
    _add_pixel_format(dataset, stored, photometric, bits, window)
    for keyword, value in elements.items():
        if value is None:
            dataset.pop(keyword, None)
        else:
            setattr(dataset, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_dataset(dataset, stored, path, TRANSFER_SYNTAXES[transfer_syntax])
    return path


def _stored_values(pixels: NDArray[Any], photometric: str, bits: int) -> NDArray[Any]:
    """Turn display values into stored ones, ``(frames, rows, columns)`` of one or two bytes."""
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise ValueError(f"photometric must be MONOCHROME1 or MONOCHROME2, got {photometric!r}")
    if not 1 <= bits <= 16:
        raise ValueError(f"bits must be 1 to 16, got {bits}")
    if pixels.ndim not in (2, 3) or 0 in pixels.shape:
        raise ValueError(f"pixels must be (rows, columns) or (frames, rows, columns), got {pixels.shape}")
    top = (1 << bits) - 1
    if pixels.dtype.kind == "f":
        if not (pixels.min() >= 0 and pixels.max() <= 1):
            raise ValueError(f"pixels of floats must be in [0, 1], got {pixels.min():g} to {pixels.max():g}")
        pixels = np.rint((1 - pixels if photometric == "MONOCHROME1" else pixels) * top).astype(np.int32)
    if pixels.min() < 0 or pixels.max() > top:
        raise ValueError(f"stored values {pixels.min()} to {pixels.max()} do not fit {bits} bits")
    stored = pixels.astype(np.uint8 if bits <= 8 else np.uint16)
    return stored[None] if stored.ndim == 2 else stored


def _identity(stored: NDArray[Any], modality: str, patient: str, seed: int) -> Dataset:
    """Patient, study, series and instance."""
    content = hashlib.sha256(np.ascontiguousarray(stored).data).hexdigest()
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.ImageType = ["ORIGINAL", "PRIMARY"] if modality != "XA" else ["ORIGINAL", "PRIMARY", "SINGLE PLANE"]
    dataset.SOPClassUID = SOP_CLASSES[modality]
    dataset.SOPInstanceUID = derive_uid("radiograph", str(seed), modality, patient, content)
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = STAMP_DATE
    dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = STAMP_TIME
    dataset.AccessionNumber, dataset.Modality, dataset.Manufacturer = "", modality, "lungdet"
    dataset.ReferringPhysicianName, dataset.ManufacturerModelName = "", "phantom"
    dataset.PatientName, dataset.PatientID = f"Phantom^{patient}", patient
    dataset.PatientBirthDate, dataset.PatientSex = "", "O"
    dataset.StudyInstanceUID = derive_uid("radiograph study", str(seed), patient, content)
    dataset.SeriesInstanceUID = derive_uid("radiograph series", str(seed), patient, content)
    dataset.StudyID, dataset.SeriesNumber, dataset.InstanceNumber = "1", 1, 1
    return dataset


def _add_acquisition(
    dataset: Dataset, modality: str, body_part: str, view: str, laterality: str, spacing_mm: float | None
) -> None:
    if modality in ("DX", "PX", "MG"):
        dataset.PresentationIntentType = "FOR PRESENTATION"
        dataset.PixelIntensityRelationship = "LOG"
        dataset.DetectorType, dataset.BurnedInAnnotation = "DIRECT", "NO"
    if body_part:
        dataset.BodyPartExamined = body_part
    if view:
        dataset.ViewPosition = view
    dataset.PatientOrientation = ["L", "F"] if view == "PA" else ""
    if laterality:
        dataset.ImageLaterality = laterality
    if spacing_mm is not None:
        text = decimal_string(spacing_mm)
        dataset.ImagerPixelSpacing = [text, text]
        dataset.PixelSpacing = [text, text]


def _add_pixel_format(
    dataset: Dataset, stored: NDArray[Any], photometric: str, bits: int, window: tuple[float, float] | str | None
) -> None:
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, photometric
    if len(stored) > 1:
        dataset.NumberOfFrames = len(stored)
    dataset.Rows, dataset.Columns = stored.shape[1:]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8 * stored.itemsize, bits, bits - 1
    dataset.PixelRepresentation = 0
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "0", "1", "US"
    dataset.LossyImageCompression = "00"
    if dataset.Modality in ("DX", "PX", "MG"):
        dataset.PresentationLUTShape = "INVERSE" if photometric == "MONOCHROME1" else "IDENTITY"
        dataset.PixelIntensityRelationshipSign = 1 if photometric == "MONOCHROME1" else -1
    if isinstance(window, str):
        if window != "full":
            raise ValueError(f"window must be (center, width), 'full' or None, got {window!r}")
        window = (1 << bits) / 2, 1 << bits
    if window is not None:
        dataset.WindowCenter, dataset.WindowWidth = decimal_string(window[0]), decimal_string(window[1])
