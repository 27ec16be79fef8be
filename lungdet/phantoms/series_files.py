"""Read and rewrite the files of a series that :func:`write_dicom_series` has written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.uid import UID, ExplicitVRBigEndian


def slice_paths(folder: str | Path) -> list[Path]:
    """Files of the series, ``0001.dcm`` upwards, in the order of their slices.

    Raises:
        ValueError: fewer than six: too few to damage and still be a series.
    """
    paths = sorted(Path(folder).glob("[0-9][0-9][0-9][0-9].dcm"))
    if len(paths) < 6:
        raise ValueError(f"{folder}: wanted at least 6 files named 0001.dcm and so on, found {len(paths)}")
    return paths


def read_slice(path: Path) -> FileDataset:
    """Read one file whole."""
    return pydicom.dcmread(path)


def stored_pixels(dataset: FileDataset) -> NDArray[Any]:
    """Stored values of an uncompressed slice, ``(rows, columns)``, a copy.

    Raises:
        ValueError: the pixels are compressed.
    """
    if dataset.file_meta.TransferSyntaxUID.is_compressed and dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        raise ValueError(f"{dataset.filename!s}: this damage changes pixels, write the series uncompressed first")
    return np.array(dataset.pixel_array)


def set_pixels(dataset: FileDataset, pixels: NDArray[Any]) -> None:
    """Put 16-bit stored values, signed or not, into a slice."""
    order = ">" if dataset.file_meta.TransferSyntaxUID == ExplicitVRBigEndian else "<"
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.astype(f"{order}{pixels.dtype.kind}2").tobytes()
    if "PixelPaddingValue" in dataset:
        value = int(dataset.PixelPaddingValue)
        del dataset.PixelPaddingValue
        if dataset.PixelRepresentation or value >= 0:
            dataset.add_new("PixelPaddingValue", "SS" if dataset.PixelRepresentation else "US", value)


def rename_uid(dataset: FileDataset, uid: str) -> None:
    """Give a slice another SOPInstanceUID."""
    dataset.SOPInstanceUID = UID(uid)
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(uid)


def save(dataset: FileDataset, path: Path) -> Path:
    """Write under a temporary name, then rename."""
    temporary = path.with_name(f".{path.name}.part")
    dataset.save_as(temporary, enforce_file_format=True)
    os.replace(temporary, path)
    return path
