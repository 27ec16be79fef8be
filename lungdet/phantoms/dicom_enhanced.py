"""Write a volume as one Enhanced CT file: all slices as frames."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedCTImageStorage, ExplicitVRLittleEndian

from lungdet.geometry.frames import Float64Array, spacing_of
from lungdet.records import CTVolume, SeriesInfo

from .dicom_series import (
    INTERCEPT_HU,
    LOWEST_AIR_HU,
    STAMP_DATE,
    STAMP_TIME,
    common_attributes,
    decimal_string,
    derive_uid,
    identify,
    plane_attributes,
    stored_values,
)

_SERIES_ONLY = ("KVP", "ConvolutionKernel", "SliceThickness", "AcquisitionDate", "AcquisitionTime")
_IMAGE_TYPE = ["DERIVED", "PRIMARY", "VOLUME", "NONE"]


def write_enhanced_ct(
    volume: CTVolume, path: str | Path, *, seed: int = 0, series_uid: str | None = None
) -> SeriesInfo:
    """Write ``volume`` as a single Enhanced CT Image Storage file, frames in the order of its last axis.

    Args:
        volume: ``(X, Y, Z)`` in HU; values under -1024 HU count as padding, as in ``write_dicom_series``.
        path: the file; replaced at once, never half.
        seed: goes into the UIDs.
        series_uid: SeriesInstanceUID to use instead of a derived one.

    Returns:
        What a reader should say about the series; every slice has the UID of the one file.

    Raises:
        ValueError: values beyond 16 bits, or an affine whose axes are not at right angles.
    """
    stored = stored_values(volume)  # (Z, Y, X)
    path = Path(path)
    info = identify(volume, stored, path, seed, series_uid)
    uid = derive_uid(info.series_uid, "enhanced")
    thickness = info.thickness_mm or float(spacing_of(volume.affine_lps)[2])
    info = replace(info, slice_uids=(uid,) * len(stored), thickness_mm=thickness)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = EnhancedCTImageStorage, uid
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(str(path), common_attributes(info, seed, 2), preamble=b"\0" * 128, file_meta=meta)
    for keyword in _SERIES_ONLY:
        delattr(dataset, keyword)
    dataset.SOPClassUID, dataset.SOPInstanceUID = EnhancedCTImageStorage, uid
    _add_instance(dataset, stored)
    dataset.SharedFunctionalGroupsSequence = Sequence([_shared_groups(volume.affine_lps, thickness, uid)])
    organization = derive_uid(uid, "dimensions")
    _add_dimensions(dataset, organization)
    frames = range(len(stored))
    dataset.PerFrameFunctionalGroupsSequence = Sequence([_frame_groups(volume.affine_lps, k) for k in frames])
    dataset.PixelData = stored.astype("<i2").tobytes()
    dataset["PixelData"].VR = "OW"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    dataset.save_as(temporary, enforce_file_format=True)
    os.replace(temporary, path)
    return info


def _add_instance(dataset: Dataset, stored: NDArray[np.int16]) -> None:
    """Attributes of the whole file: DICOM PS3.3 C.7.5.2 (equipment), C.7.6.16 (multi-frame), C.8.15.2 (CT image)."""
    dataset.InstanceNumber = 1
    dataset.ImageType = _IMAGE_TYPE
    dataset.DeviceSerialNumber, dataset.SoftwareVersions = "0", "0"
    dataset.PixelPresentation, dataset.VolumetricProperties = "MONOCHROME", "VOLUME"
    dataset.VolumeBasedCalculationTechnique = "NONE"
    dataset.ContentQualification, dataset.BurnedInAnnotation = "RESEARCH", "NO"
    dataset.LossyImageCompression, dataset.PresentationLUTShape = "00", "IDENTITY"
    dataset.AcquisitionDateTime = STAMP_DATE + STAMP_TIME
    dataset.AcquisitionContextSequence = Sequence()
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = stored.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
    lowest = int(stored.min())
    if lowest < LOWEST_AIR_HU - INTERCEPT_HU:
        dataset.add_new("PixelPaddingValue", "SS", lowest)


def _shared_groups(affine_lps: Float64Array, thickness_mm: float, uid: str) -> Dataset:
    plane = plane_attributes(affine_lps)
    orientation = _item(ImageOrientationPatient=plane.ImageOrientationPatient)
    measures = _item(PixelSpacing=plane.PixelSpacing, SliceThickness=decimal_string(thickness_mm))
    values = _item(RescaleIntercept=str(INTERCEPT_HU), RescaleSlope="1", RescaleType="HU")
    window = _item(WindowCenter="-600", WindowWidth="1600")
    kind = _item(
        FrameType=_IMAGE_TYPE,
        PixelPresentation="MONOCHROME",
        VolumetricProperties="VOLUME",
        VolumeBasedCalculationTechnique="NONE",
    )
    event = _item(IrradiationEventUID=derive_uid(uid, "irradiation"))
    region = _item(CodeValue="43799004", CodingSchemeDesignator="SCT", CodeMeaning="Thorax")
    anatomy = _item(FrameLaterality="U", AnatomicRegionSequence=Sequence([region]))
    return _item(
        PixelMeasuresSequence=Sequence([measures]),
        PlaneOrientationSequence=Sequence([orientation]),
        PixelValueTransformationSequence=Sequence([values]),
        FrameVOILUTSequence=Sequence([window]),
        CTImageFrameTypeSequence=Sequence([kind]),
        FrameAnatomySequence=Sequence([anatomy]),
        DerivationImageSequence=Sequence(),
        IrradiationEventIdentificationSequence=Sequence([event]),
    )


def _frame_groups(affine_lps: Float64Array, index: int) -> Dataset:
    position = affine_lps[:3, 3] + index * affine_lps[:3, 2]
    content = _item(
        FrameAcquisitionNumber=1,
        StackID="1",
        InStackPositionNumber=index + 1,
        DimensionIndexValues=[1, index + 1],
        FrameAcquisitionDateTime=STAMP_DATE + STAMP_TIME,
        FrameReferenceDateTime=STAMP_DATE + STAMP_TIME,
        FrameAcquisitionDuration=0.0,
    )
    place = _item(ImagePositionPatient=[decimal_string(value) for value in position])
    return _item(FrameContentSequence=Sequence([content]), PlanePositionSequence=Sequence([place]))


def _add_dimensions(dataset: Dataset, organization_uid: str) -> None:
    """Say that frames are ordered by stack and place in it: PS3.3 C.7.6.17."""
    dataset.DimensionOrganizationSequence = Sequence([_item(DimensionOrganizationUID=organization_uid)])
    dataset.DimensionIndexSequence = Sequence(
        [
            _item(
                DimensionOrganizationUID=organization_uid, DimensionIndexPointer=tag, FunctionalGroupPointer=0x00209111
            )
            for tag in (0x00209056, 0x00209057)
        ]
    )


def _item(**attributes: object) -> Dataset:
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset
