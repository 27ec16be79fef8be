"""Is an image the one that outlines were drawn on, and on which of its slices is each?

Outlines are in pixels ``(column, row)`` of the slices as acquired, at the z of a slice's first pixel. So rows, columns
and slices must still run as DICOM stored them: columns x rows points along the slices, the determinant of the affine is
positive. A converter that turns the rows around keeps every voxel in its place in the patient, but no longer in its
row, and an outline would come out mirrored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .contours import IntArray

FloatArray = NDArray[np.float64]

OFF_SLICE = 0.25  # an outline this far from a slice, in slices, was not drawn on this image
_REMEDY = "give the DICOM slices, or a file that keeps their order (ITK's do)"


class DrawnContour(Protocol):
    """What is needed of an outline; :class:`lungdet.records.Contour` is one."""

    @property
    def sop_uid(self) -> str:
        """UID of the slice, empty if unknown."""

    @property
    def z_mm(self) -> float:
        """Position of the slice in mm."""

    @property
    def points(self) -> NDArray[Any]:
        """``(n, 2)`` whole pixels ``(column, row)``."""


def check_as_acquired(affine_lps: FloatArray, volume_file: bool = False) -> None:
    """Refuse an image whose pixels may not be in the order that DICOM has them in.

    Args:
        affine_lps: ``(4, 4)``, voxel centres ``(column, row, slice)`` to LPS mm.
        volume_file: it comes from a file that does not tell how the slices were stored (NIfTI, MetaImage, NRRD). Then
            columns must run to the patient's left and rows to the back, as on the usual supine scan: of a file with
            two axes turned around nobody can tell.

    Raises:
        ValueError: it is mirrored, is not axial, or, in a volume file, may be turned.
    """
    if affine_lps.shape != (4, 4) or not np.isfinite(affine_lps).all() or affine_lps[2, 2] == 0:
        raise ValueError(f"needs a finite (4, 4) affine with slices that rise along z, got {affine_lps}")
    if np.linalg.det(affine_lps[:3, :3]) <= 0:
        raise ValueError(
            "the image is mirrored against the slices as acquired (its affine has a negative determinant; some "
            f"converters turn the rows around), and outlines would be too: {_REMEDY}"
        )
    if volume_file and (affine_lps[0, 0] <= 0 or affine_lps[1, 1] <= 0):
        raise ValueError(
            "the columns of this file do not run to the left and its rows to the back, so a converter may have turned "
            f"them around, and outlines would be too: {_REMEDY}; if it is as acquired, give its affine as the image"
        )


def find_slices(
    contours: Sequence[DrawnContour],
    affine_lps: FloatArray,
    shape: tuple[int, ...] | None = None,
    slice_uids: Sequence[str] = (),
) -> IntArray:
    """Find the slice that each outline was drawn on.

    Args:
        contours: ``n`` outlines.
        affine_lps: ``(4, 4)``, see :func:`check_as_acquired`.
        shape: ``(columns, rows, slices)``, where known.
        slice_uids: SOPInstanceUID of each slice, where known; empty strings for slices that were made.

    Returns:
        ``(n,)`` numbers of slices.

    Raises:
        ValueError: an outline lies between slices or outside the image, or names another slice.
    """
    z_mm = np.array([contour.z_mm for contour in contours], dtype=np.float64)
    exact = slice_numbers(z_mm, affine_lps)
    nearest = np.rint(exact)
    off = (np.abs(exact - nearest) > OFF_SLICE) | (nearest < 0)
    if shape is not None:
        off |= nearest >= shape[2]
        _check_inside(contours, shape)
    if off.any():
        raise ValueError(
            f"outlines at z = {z_mm[off][0]} mm lie on no slice of the image ({exact[off][0]:.2f}); "
            "give the image as it was marked, not resampled or reoriented"
        )
    found = np.asarray(nearest, dtype=np.int64)
    _check_uids(contours, found, slice_uids)
    return found


def slice_numbers(z_mm: FloatArray, affine_lps: FloatArray) -> FloatArray:
    """Turn z of slices' first pixels, ``(n,)`` in mm, into numbers of slices, not rounded."""
    return np.asarray((z_mm - affine_lps[2, 3]) / affine_lps[2, 2], dtype=np.float64)


def slice_positions_mm(numbers: IntArray, affine_lps: FloatArray) -> FloatArray:
    """Turn numbers of slices into the z of their first pixels, in mm.

    Example:
        >>> slice_positions_mm(np.array([0, 2]), np.diag([1, 1, 2.5, 1]))
        array([0., 5.])
    """
    return np.asarray(affine_lps[2, 3] + affine_lps[2, 2] * numbers, dtype=np.float64)


def _check_inside(contours: Sequence[DrawnContour], shape: tuple[int, ...]) -> None:
    for contour in contours:
        column, row = (int(side) for side in contour.points.max(axis=0))
        if contour.points.min() < 0 or column >= shape[0] or row >= shape[1]:
            raise ValueError(
                f"an outline at z = {contour.z_mm} mm reaches column {column} and row {row}, the image has "
                f"{shape[0]} columns and {shape[1]} rows; it is not the one that was marked"
            )


def _check_uids(contours: Sequence[DrawnContour], found: IntArray, slice_uids: Sequence[str]) -> None:
    known = [uid for uid in slice_uids if uid]
    number_of = {uid: number for number, uid in enumerate(slice_uids) if uid}
    named = [(contour, int(number)) for contour, number in zip(contours, found, strict=True) if contour.sop_uid]
    if slice_uids and not known:
        raise ValueError("every slice of the image was resampled, and outlines are in pixels as acquired")
    if len(number_of) < len(known) or not named or not known:  # an enhanced file has one UID for all its frames
        return
    # One unknown UID among known ones may be of a slice that was there twice; then z decides.
    if not any(contour.sop_uid in number_of for contour, _ in named):
        raise ValueError(f"the image has none of the slices marked, such as {named[0][0].sop_uid}")
    for contour, number in named:
        if number_of.get(contour.sop_uid, number) != number:
            raise ValueError(
                f"an outline at z = {contour.z_mm} mm (slice {number} of the image) names slice "
                f"{number_of[contour.sop_uid]}, {contour.sop_uid}; one of the two is wrong"
            )
