"""The axial slices of a CT volume, whichever way its axes run, in one field and one order: from head to feet."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .frames import spacing_of
from .slice_field import shrink_slices

LEAST_COSINE = 0.7  # of the angle between the slices' axis and that of the body


class AxialSlices(NamedTuple):
    """Slices of one volume.

    Attributes:
        images: ``(Z, 1, side, side)`` float32, HU, rows to the back, columns to the patient's left, slices to the feet.
        positions_mm: ``(Z,)`` float32, minus LPS z, so that it rises towards the feet.
        axis: of the volume along which the slices lie.
        turned: whether the volume's own slices run to the head.
    """

    images: Tensor
    positions_mm: Tensor
    axis: int
    turned: bool


def axial_slices(
    volume_hu: Tensor,
    affine_lps: NDArray[Any],
    side: int = 128,
    pixel_mm: float | None = 3.5,
    centred: bool = True,
) -> AxialSlices:
    """Cut a volume into axial slices of one size; see :func:`lungdet.geometry.slice_field.shrink_slices`.

    Axes may be permuted and turned; a tilt up to 45 degrees stays as it is.

    Args:
        volume_hu: ``(X, Y, Z)`` HU of any real type.
        affine_lps: ``(4, 4)``, voxel centres to LPS mm.
        side: of a slice, in pixels.
        pixel_mm: of its pixels; None shows what there is.
        centred: on the body.

    Raises:
        ValueError: the volume has another number of axes, or none of them runs along the body.

    Example:
        >>> found = axial_slices(torch.zeros(4, 4, 3), np.diag([1.0, 1, 5, 1]), 2, None)
        >>> tuple(found.images.shape), found.positions_mm.tolist(), found.turned
        ((3, 1, 2, 2), [-10.0, -5.0, -0.0], True)
    """
    if volume_hu.ndim != 3:
        raise ValueError(f"a volume is (X, Y, Z), got {tuple(volume_hu.shape)}")
    affine = np.asarray(affine_lps, dtype=np.float64)
    columns, rows, along = axial_axes(affine)
    spacing = spacing_of(affine)
    slices = volume_hu.permute(along, rows, columns)
    images = shrink_slices(slices, (spacing[columns], spacing[rows]), side, pixel_mm, centred)
    turned = bool(affine[2, along] > 0)
    # The field lies about a middle, so that the small pictures can be turned in place of the large ones.
    turns = [
        axis
        for axis, wrong in zip((0, 1, 2), (turned, affine[1, rows] < 0, affine[0, columns] < 0), strict=True)
        if wrong
    ]
    positions = -(affine[2, 3] + affine[2, along] * np.arange(len(slices)))
    ordered = np.ascontiguousarray(positions[::-1] if turned else positions)
    return AxialSlices(images.flip(turns)[:, None], torch.from_numpy(ordered).float(), along, turned)


def axial_axes(affine_lps: NDArray[np.float64]) -> tuple[int, int, int]:
    """Find which axes of a volume run across the body, from front to back, and along it.

    Args:
        affine_lps: ``(4, 4)``; RAS serves as well.

    Returns:
        The three axes.

    Raises:
        ValueError: no axis runs along the body, within 45 degrees.

    Example:
        >>> axial_axes(np.array([[0, 0, 1.0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]]))
        (2, 0, 1)
    """
    cosines = np.abs(affine_lps[:3, :3]) / spacing_of(affine_lps)
    along = int(cosines[2].argmax())
    if not cosines[2, along] >= LEAST_COSINE:
        raise ValueError(
            f"no axis of the volume runs along the body: the nearest has a cosine of {cosines[2, along]:.2f}; "
            "make axial slices of it first"
        )
    first, second = (axis for axis in range(3) if axis != along)
    columns, rows = (first, second) if cosines[0, first] >= cosines[0, second] else (second, first)
    return columns, rows, along
