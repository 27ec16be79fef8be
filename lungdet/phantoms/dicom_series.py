"""Write a volume as a valid DICOM series of CT Image Storage, one file per slice."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    UID,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

from lungdet.geometry.frames import Float64Array, spacing_of
from lungdet.records import CTVolume, SeriesInfo

INTERCEPT_HU = -1024
LOWEST_AIR_HU = -1024  # what lies lower is not tissue but padding outside the field of view
STAMP_DATE, STAMP_TIME = "20200101", "120000"
TRANSFER_SYNTAXES: dict[str, UID] = {
    "implicit": ImplicitVRLittleEndian,
    "explicit": ExplicitVRLittleEndian,
    "big_endian": ExplicitVRBigEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
    "rle": RLELossless,
    "jpeg_ls": JPEGLSLossless,
    "jpeg_2000": JPEG2000Lossless,
}


def write_dicom_series(
    volume: CTVolume,
    folder: str | Path,
    *,
    seed: int = 0,
    series_uid: str | None = None,
    transfer_syntax: str = "explicit",
    description: str | None = None,
    kernel: str | None = None,
    thickness_mm: float | None = None,
    series_number: int = 2,
) -> SeriesInfo:
    """Write ``volume`` as a CT series ``0001.dcm``, ``0002.dcm``, ... in the order of its last axis.

    The same volume and arguments give the same bytes: UIDs come from ``seed`` and the pixels, time stamps are fixed.

    Args:
        volume: ``(X, Y, Z)`` in HU; floats are rounded. Values under -1024 HU count as padding: the lowest becomes
            PixelPaddingValue.
        folder: made if absent; files of the same name are replaced at once, never half.
        seed: goes into the UIDs, so that two phantoms never share one.
        series_uid: SeriesInstanceUID to use instead of a derived one.
        transfer_syntax: one of :data:`TRANSFER_SYNTAXES`.
        description: SeriesDescription; ``volume.info`` is asked where None.
        kernel: ConvolutionKernel; likewise.
        thickness_mm: SliceThickness; likewise, else the distance of the slices.
        series_number: SeriesNumber.

    Returns:
        What a reader should say about the series: folder, UIDs in slice order, description, kernel and thickness.

    Raises:
        ValueError: unknown transfer syntax, values beyond 16 bits, or an affine whose axes are not at right angles.
    """
    if transfer_syntax not in TRANSFER_SYNTAXES:
        raise ValueError(f"transfer_syntax must be one of {sorted(TRANSFER_SYNTAXES)}, got {transfer_syntax!r}")
    stored = stored_values(volume)  # (Z, Y, X)
    info = identify(volume, stored, folder, seed, series_uid)
    info = replace(
        info,
        description=info.description if description is None else description,
        kernel=info.kernel if kernel is None else kernel,
        thickness_mm=thickness_mm or info.thickness_mm or float(spacing_of(volume.affine_lps)[2]),
    )
    template = common_attributes(info, seed, series_number)
    template.update(plane_attributes(volume.affine_lps))
    _add_pixel_format(template, stored)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for index, pixels in enumerate(stored):
        dataset = _slice_dataset(template, volume.affine_lps, info.slice_uids[index], index)
        save_dataset(dataset, pixels, folder / f"{index + 1:04d}.dcm", TRANSFER_SYNTAXES[transfer_syntax])
    return info


def derive_uid(*sources: str) -> UID:
    """Make a UID from words: the same words give the same UID (pydicom's root and a hash)."""
    return generate_uid(entropy_srcs=list(sources))


def common_attributes(info: SeriesInfo, seed: int, series_number: int) -> Dataset:
    """All attributes of patient, study, series, frame of reference and equipment that slices of a series share.

    Source: DICOM PS3.3 A.3 (CT Image IOD): every attribute of type 1 and 2 of its mandatory modules.
    """
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName, dataset.PatientID = f"Phantom^Seed{seed}", f"PHANTOM-{seed}"
    dataset.PatientBirthDate, dataset.PatientSex = "", "O"
    dataset.PatientPosition = "HFS"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = info.study_uid, info.series_uid
    dataset.StudyID, dataset.AccessionNumber, dataset.ReferringPhysicianName = "1", "", ""
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = STAMP_DATE
    dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = STAMP_TIME
    dataset.StudyDescription, dataset.SeriesDescription = "Synthetic chest CT", info.description
    dataset.SeriesNumber, dataset.AcquisitionNumber = series_number, 1
    dataset.Modality, dataset.BodyPartExamined = "CT", "CHEST"
    dataset.Manufacturer, dataset.ManufacturerModelName = "lungdet", "phantom"
    dataset.FrameOfReferenceUID = derive_uid(info.study_uid, "frame of reference")
    dataset.PositionReferenceIndicator = ""
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.KVP = "120"
    dataset.ConvolutionKernel = info.kernel or "STANDARD"
    dataset.SliceThickness = decimal_string(info.thickness_mm or 1.0)
    return dataset


def decimal_string(value: float) -> str:
    """Write a number as a DICOM decimal string: 16 characters at most, as exact as they allow.

    Example:
        >>> decimal_string(-0.1), decimal_string(1 / 3)
        ('-0.1', '0.33333333333333')
    """
    for digits in range(17, 0, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= 16:
            shortest = repr(float(value))
            return shortest.removesuffix(".0") if len(shortest) <= 16 else text
    raise ValueError(f"{value} does not fit a decimal string")


def save_dataset(dataset: Dataset, pixels: NDArray[Any], path: Path, syntax: UID) -> None:
    """Write one file under a temporary name, then rename it.

    Args:
        dataset: all attributes but the pixels.
        pixels: ``(rows, columns)`` or ``(frames, rows, columns)`` stored values, 8 or 16 bit.
        path: where to.
        syntax: transfer syntax of the file.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian if syntax.is_encapsulated else syntax
    meta.ImplementationVersionName = "LUNGDET"
    plain = meta.TransferSyntaxUID
    out = FileDataset(
        str(path),
        dataset,
        preamble=b"\0" * 128,
        file_meta=meta,
        is_implicit_VR=plain.is_implicit_VR,
        is_little_endian=plain.is_little_endian,
    )
    data = pixels.astype(pixels.dtype.newbyteorder(">" if syntax == ExplicitVRBigEndian else "<")).tobytes()
    out.PixelData = data + b"\0" * (len(data) % 2)
    out["PixelData"].VR = "OW" if pixels.itemsize == 2 else "OB"
    if syntax.is_encapsulated:
        out.compress(syntax, generate_instance_uid=False)
    temporary = path.with_name(f".{path.name}.part")
    out.save_as(temporary, enforce_file_format=True)
    os.replace(temporary, path)


def stored_values(volume: CTVolume) -> NDArray[np.int16]:
    """Stored values ``(Z, Y, X)`` for an intercept of -1024.

    Raises:
        ValueError: they do not fit 16 bits.
    """
    stored = np.rint(volume.array.T).astype(np.int32) - INTERCEPT_HU
    if stored.min() < -32768 or stored.max() > 32767:
        raise ValueError(f"{volume.info.source}: HU {volume.array.min()}..{volume.array.max()} do not fit 16 bits")
    return stored.astype(np.int16)


def identify(
    volume: CTVolume, stored: NDArray[np.int16], folder: str | Path, seed: int, series_uid: str | None
) -> SeriesInfo:
    """Derive every UID from the seed, the place and the pixels."""
    content = hashlib.sha256(np.ascontiguousarray(stored).data).hexdigest()
    content += hashlib.sha256(np.ascontiguousarray(volume.affine_lps).data).hexdigest()
    study = volume.info.study_uid or derive_uid("study", str(seed), content)
    series = series_uid or derive_uid("series", str(seed), content)
    slices = tuple(derive_uid("slice", str(seed), content, series, str(index)) for index in range(len(stored)))
    return replace(volume.info, source=str(folder), study_uid=study, series_uid=series, slice_uids=slices)


def plane_attributes(affine_lps: Float64Array) -> Dataset:
    """ImageOrientationPatient and PixelSpacing of an affine.

    Raises:
        ValueError: its axes are not at right angles.
    """
    spacing = spacing_of(affine_lps)
    directions = affine_lps[:3, :3] / spacing
    if not np.allclose(directions.T @ directions, np.eye(3), atol=1e-4):
        raise ValueError(f"a DICOM series needs axes at right angles, got directions {directions.tolist()}")
    dataset = Dataset()
    dataset.ImageOrientationPatient = [decimal_string(value + 0.0) for value in directions[:, :2].T.ravel()]
    dataset.PixelSpacing = [decimal_string(spacing[1]), decimal_string(spacing[0])]  # row distance comes first
    return dataset


def _add_pixel_format(dataset: Dataset, stored: NDArray[np.int16]) -> None:
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = stored.shape[1], stored.shape[2]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = str(INTERCEPT_HU), "1", "HU"
    dataset.WindowCenter, dataset.WindowWidth = "-600", "1600"
    lowest = int(stored.min())
    if lowest < LOWEST_AIR_HU - INTERCEPT_HU:
        dataset.add_new("PixelPaddingValue", "SS", lowest)


def _slice_dataset(template: Dataset, affine_lps: Float64Array, uid: str, index: int) -> Dataset:
    dataset = Dataset(template)
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, uid
    dataset.InstanceNumber = index + 1
    position = affine_lps[:3, 3] + index * affine_lps[:3, 2]
    dataset.ImagePositionPatient = [decimal_string(value) for value in position]
    normal = np.cross(affine_lps[:3, 0], affine_lps[:3, 1])
    dataset.SliceLocation = decimal_string(round(float(position @ normal / np.linalg.norm(normal)), 4))
    return dataset
