"""Put files into a series' folder that do not belong there, or break one that does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset
from pydicom.uid import UID, SecondaryCaptureImageStorage

from .dicom_series import decimal_string, derive_uid
from .series_files import read_slice, rename_uid, save, set_pixels, slice_paths, stored_pixels

Paths = tuple[Path, ...]

_CT_ONLY = (
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "SliceLocation",
    "FrameOfReferenceUID",
    "PositionReferenceIndicator",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "KVP",
    "ConvolutionKernel",
    "AcquisitionNumber",
    "PixelPaddingValue",
)


def add_second_series(folder: str | Path) -> Paths:
    """Mix in a second series of the same study: every other slice, another kernel, another description."""
    added = []
    for path in slice_paths(folder)[::2]:
        dataset = read_slice(path)
        _into_series(dataset, "second", 3, "Second series")
        dataset.ConvolutionKernel = "BONE"
        added.append(save(dataset, path.with_name(f"second_{path.name}")))
    return tuple(added)


def add_localizer(folder: str | Path) -> Paths:
    """Add the scout: one coronal projection with ImageType LOCALIZER, in a series of its own."""
    paths = slice_paths(folder)
    dataset = read_slice(paths[0])
    _into_series(dataset, "localizer", 1, "Scout")
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    dataset.PixelSpacing = [decimal_string(1.0), decimal_string(1.0)]
    return (save(dataset, paths[0].with_name("localizer.dcm")),)


def add_localizer_in_series(folder: str | Path) -> Paths:
    """Add the scout under the SeriesInstanceUID of the slices, as some scanners do."""
    paths = slice_paths(folder)
    dataset = read_slice(paths[0])
    rename_uid(dataset, derive_uid(dataset.SOPInstanceUID, "localizer"))
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    return (save(dataset, paths[0].with_name("localizer.dcm")),)


def add_dose_page(folder: str | Path) -> Paths:
    """Add a dose report as scanners store it: an RGB screen page whose modality is CT."""
    path = slice_paths(folder)[0]
    dataset = _as_capture(read_slice(path), "dose", 999, "Dose Report", "CT")
    page = np.zeros((64, 96, 3), dtype=np.uint8)
    page[10:20, 8:80] = 255
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    _set_bytes(dataset, page)
    return (save(dataset, path.with_name("dose.dcm")),)


def add_secondary_capture(folder: str | Path) -> Paths:
    """Add a grey screen shot, modality OT."""
    path = slice_paths(folder)[0]
    dataset = _as_capture(read_slice(path), "capture", 100, "Screen shot", "OT")
    _set_bytes(dataset, np.tile(np.arange(96, dtype=np.uint8), (64, 1)))
    return (save(dataset, path.with_name("capture.dcm")),)


def add_rubbish(folder: str | Path) -> Paths:
    """Add files that are no DICOM: empty, text, a picture's beginning, a Mac's shadow, a DICOMDIR that is none."""
    folder = Path(folder)
    contents = {
        "DICOMDIR": b"this only has the name of a directory file\n",
        "empty.dcm": b"",
        "notes.txt": b"the patient coughed\n",
        "preview.jpg": b"\xff\xd8\xff\xe0" + bytes(60),
        "._0001.dcm": b"\0\5\x16\7" + bytes(100),
        "only_preamble.dcm": bytes(128) + b"DICM",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return tuple(folder / name for name in contents)


def truncate_file(folder: str | Path, keep: float = 0.6) -> Paths:
    """Cut the end off one slice in the middle, as a broken copy does."""
    paths = slice_paths(folder)
    path = paths[len(paths) // 2]
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    return (path,)


def _into_series(dataset: FileDataset, name: str, number: int, description: str) -> None:
    rename_uid(dataset, derive_uid(dataset.SOPInstanceUID, name))
    dataset.SeriesInstanceUID = derive_uid(dataset.SeriesInstanceUID, name)
    dataset.SeriesNumber, dataset.SeriesDescription = number, description


def _as_capture(dataset: FileDataset, name: str, number: int, description: str, modality: str) -> FileDataset:
    stored_pixels(dataset)  # refuses compressed series
    _into_series(dataset, name, number, description)
    for keyword in _CT_ONLY:
        if keyword in dataset:
            delattr(dataset, keyword)
    storage: UID = SecondaryCaptureImageStorage
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = storage
    dataset.Modality, dataset.ConversionType = modality, "WSD"
    dataset.ImageType = ["DERIVED", "SECONDARY", "SCREEN SAVE"]
    dataset.InstanceNumber, dataset.PatientOrientation = 1, ""
    return dataset


def _set_bytes(dataset: FileDataset, image: np.ndarray) -> None:
    set_pixels(dataset, np.zeros((1, 1), np.uint16))
    dataset.Rows, dataset.Columns = image.shape[:2]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    dataset.WindowCenter, dataset.WindowWidth = "128", "256"
    dataset["PixelData"].VR = "OB"
    dataset.PixelData = image.tobytes()
