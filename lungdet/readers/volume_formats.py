"""Open a volume file, NIfTI or by ITK MetaImage and NRRD: header first, values when they are asked for."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import SeriesError
from .volume_header import VolumeHeader, damaged, three_sizes
from .volume_nifti import open_nifti
from .volume_packed import check_packed, is_packed
from .volume_text import check_metaimage, check_nrrd, data_file

NIFTI_SUFFIXES = (".nii", ".nii.gz")
META_SUFFIXES, NRRD_SUFFIXES = (".mha", ".mhd"), (".nrrd", ".nhdr")
ITK_SUFFIXES = META_SUFFIXES + NRRD_SUFFIXES
ITK_KINDS = {"MetaImageIO": META_SUFFIXES, "NrrdImageIO": NRRD_SUFFIXES}


def is_volume_file(path: Path) -> bool:
    """Tell by the name whether a file holds a whole volume.

    Example:
        >>> is_volume_file(Path("scan.nii.gz")), is_volume_file(Path("slice.dcm"))
        (True, False)
    """
    return path.name.lower().endswith(NIFTI_SUFFIXES + ITK_SUFFIXES)


def open_volume(path: Path) -> VolumeHeader:
    """Read the header of a volume file.

    Raises:
        SeriesError: the file does not exist, is damaged, holds no single 3D volume or has no geometry.
    """
    if not path.is_file():
        raise SeriesError(f"{path}: no such file; check the path")
    return open_nifti(path) if path.name.lower().endswith(NIFTI_SUFFIXES) else _open_itk(path)


def _open_itk(path: Path) -> VolumeHeader:
    import itk

    reader = itk.ImageIOFactory.CreateImageIO(str(path), itk.CommonEnums.IOFileMode_ReadMode)
    suffixes = ITK_KINDS.get(reader.GetNameOfClass(), ()) if reader is not None else ()
    if not path.name.lower().endswith(suffixes) or not suffixes:
        raise SeriesError(f"{path}: ITK does not know this file by its name and beginning; write it again")
    try:
        fields = check_metaimage(path) if suffixes == META_SUFFIXES else check_nrrd(path)
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        data = data_file(path, fields)
        packed = (data or path).stat().st_size if is_packed(fields) else None
    except (RuntimeError, OSError) as error:
        raise damaged(path, error) from error
    dimensions = [int(reader.GetDimensions(axis)) for axis in range(reader.GetNumberOfDimensions())]
    shape = three_sizes(path, dimensions)
    if reader.GetNumberOfComponents() != 1:
        raise SeriesError(f"{path}: each voxel has {reader.GetNumberOfComponents()} values; this is no CT")

    dtype = _dtype_of(reader)

    def read() -> NDArray[Any]:
        if packed is not None:
            check_packed(path, fields, math.prod(shape) * dtype.itemsize)
        try:
            # A copy: ITK's memory goes with its image, and NumPy does not keep that alive.
            return np.array(itk.array_view_from_image(itk.imread(str(path)))).reshape(shape[::-1])
        except RuntimeError as error:
            raise damaged(path, error) from error

    return VolumeHeader(path, shape, dtype, _affine_lps(reader), 1.0, 0.0, read, packed, copies=2)


def _dtype_of(reader: Any) -> np.dtype[Any]:
    name = reader.GetComponentTypeAsString(reader.GetComponentType())
    kind = "f" if name in ("float", "double") else "u" if name.startswith("unsigned") else "i"
    return np.dtype(f"{kind}{reader.GetComponentSize()}")


def _affine_lps(reader: Any) -> NDArray[np.float64]:
    affine = np.eye(4)
    for axis in range(3):
        affine[:3, axis] = np.asarray(reader.GetDirection(axis))[:3] * reader.GetSpacing(axis)
        affine[axis, 3] = reader.GetOrigin(axis)
    return affine
