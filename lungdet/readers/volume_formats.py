"""Open NIfTI by nibabel, MetaImage and NRRD by ITK: header first, values when they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungdet.geometry.frames import ras_to_lps

from .errors import SeriesError
from .slice_stack import FloatArray

NIFTI_SUFFIXES = (".nii", ".nii.gz")
ITK_SUFFIXES = (".mha", ".mhd", ".nrrd", ".nhdr")
NIFTI_MILLIMETRES = {"unknown", "mm"}
SAME_AFFINE_MM = 0.01
ITK_TYPES = {"char": "i1", "unsigned_char": "u1", "short": "i2", "unsigned_short": "u2"}  # all others become float32


@dataclass(frozen=True)
class VolumeHeader:
    """What a file says before its values are read.

    Attributes:
        path: the file.
        shape: ``(X, Y, Z)``.
        dtype: of the stored values; only whether they may become int16 counts.
        affine_lps: ``(4, 4)`` voxel centres to LPS mm.
        slope: scale of the stored values.
        intercept: offset of the scaled values.
        read: returns the stored values as ``(Z, Y, X)`` in native byte order.
    """

    path: Path
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    affine_lps: FloatArray
    slope: float
    intercept: float
    read: Callable[[], NDArray[Any]]


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
    return _open_nifti(path) if path.name.lower().endswith(NIFTI_SUFFIXES) else _open_itk(path)


def _open_nifti(path: Path) -> VolumeHeader:
    import nibabel

    try:
        image: Any = nibabel.load(path)
        shape = _three(path, image.shape)
        units = image.header.get_xyzt_units()[0]
        codes = int(image.header["sform_code"]), int(image.header["qform_code"])
    except (nibabel.filebasedimages.ImageFileError, OSError, EOFError, ValueError, KeyError) as error:
        raise _damaged(path, error) from error
    if units not in NIFTI_MILLIMETRES:
        raise SeriesError(f"{path}: its lengths are in {units}; convert it to mm")
    if max(codes) <= 0:
        raise SeriesError(f"{path}: neither sform nor qform is set, so its place is not known; write it with an affine")
    if min(codes) > 0 and np.abs(image.get_sform() - image.get_qform()).max() > SAME_AFFINE_MM:
        _check_forms(path, image)
    slope, intercept = image.dataobj.slope, image.dataobj.inter

    def read() -> NDArray[Any]:
        try:
            values = np.asanyarray(image.dataobj.get_unscaled()).reshape(shape).T
        except (OSError, EOFError, ValueError) as error:
            raise _damaged(path, error) from error
        native = values.dtype.newbyteorder("=")
        if isinstance(values, np.memmap):  # still in the file, which may go away
            return np.array(values, dtype=native, order="C")
        return np.require(values, dtype=native, requirements=["C", "W"])

    affine = np.asarray(ras_to_lps(np.asarray(image.affine, dtype=np.float64)))
    return VolumeHeader(path, shape, image.get_data_dtype(), affine, float(slope), float(intercept), read)


def _check_forms(path: Path, image: Any) -> None:
    """Refuse two affines that put the far corner of the volume more than half a voxel apart."""
    corner = np.array([*image.shape[:3], 1.0])
    apart = float(np.linalg.norm((image.get_sform() - image.get_qform()) @ corner))
    if apart > min(image.header.get_zooms()[:3]) / 2:
        raise SeriesError(
            f"{path}: sform and qform differ by {apart:.2f} mm at the far corner; keep only the right one"
        )


def _open_itk(path: Path) -> VolumeHeader:
    import itk

    reader = itk.ImageIOFactory.CreateImageIO(str(path), itk.CommonEnums.IOFileMode_ReadMode)
    if reader is None:
        raise SeriesError(f"{path}: ITK does not know this file; write it again")
    try:
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise _damaged(path, error) from error
    dimensions = [int(reader.GetDimensions(axis)) for axis in range(reader.GetNumberOfDimensions())]
    shape = _three(path, dimensions)
    if reader.GetNumberOfComponents() != 1:
        raise SeriesError(f"{path}: each voxel has {reader.GetNumberOfComponents()} values; this is no CT")

    def read() -> NDArray[Any]:
        try:
            return np.array(itk.array_view_from_image(itk.imread(str(path)))).reshape(shape[::-1])
        except RuntimeError as error:
            raise _damaged(path, error) from error

    affine = np.eye(4)
    for axis in range(3):
        affine[:3, axis] = np.asarray(reader.GetDirection(axis))[:3] * reader.GetSpacing(axis)
        affine[axis, 3] = reader.GetOrigin(axis)
    kind = ITK_TYPES.get(reader.GetComponentTypeAsString(reader.GetComponentType()), "f4")
    return VolumeHeader(path, shape, np.dtype(kind), affine, 1.0, 0.0, read)


def _three(path: Path, sizes: Any) -> tuple[int, int, int]:
    """Return the three sizes of a volume; further axes must have length 1."""
    sizes = [int(size) for size in sizes]
    if len(sizes) < 3 or min(sizes, default=0) < 1 or any(size != 1 for size in sizes[3:]):
        raise SeriesError(f"{path}: its shape is {' x '.join(map(str, sizes))}, not one 3D volume; take one out of it")
    return sizes[0], sizes[1], sizes[2]


def _damaged(path: Path, error: Exception) -> SeriesError:
    first_line = (str(error).strip() or type(error).__name__).splitlines()[-1]
    return SeriesError(f"{path}: it cannot be read ({first_line}); copy or write the file again")
