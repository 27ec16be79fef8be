"""The axial slices of a CT volume, whichever way its axes run, in one field and one order: from head to feet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .axial import axial_view
from .body_mask import body_mask
from .slice_field import AIR_HU, shrink_slices


@dataclass(frozen=True, eq=False)
class AxialSlices:
    """Slices of one volume.

    Attributes:
        images: ``(Z, 1, side, side)`` float32, HU, rows to the back, columns to the patient's left, slices to the feet.
        positions_mm: ``(Z,)`` float32, minus LPS z, so that it rises towards the feet.
        slice_index: ``(Z,)`` int64, place of each slice along the volume's own axis.
    """

    images: Tensor
    positions_mm: Tensor
    slice_index: NDArray[np.int64]


def axial_slices(
    volume_hu: Tensor | NDArray[Any],
    affine_lps: NDArray[Any],
    side: int = 128,
    pixel_mm: float | None = 3.5,
    centred: bool = True,
    masked: bool = False,
) -> AxialSlices:
    """Cut a volume into axial slices of one size.

    Args:
        volume_hu: ``(X, Y, Z)`` HU of any real type; its axes may be permuted and turned.
        affine_lps: ``(4, 4)``, voxel centres to LPS mm.
        side: of a slice, in pixels.
        pixel_mm: of its pixels; see :func:`lungdet.geometry.slice_field.shrink_slices`.
        centred: on the body; see there.
        masked: turn what is not the trunk, such as table, blanket and arms, to air; see
            :func:`lungdet.geometry.body_mask.body_mask`.

    Raises:
        ValueError: the volume has another number of axes, or none of them runs along the body.

    Example:
        >>> found = axial_slices(torch.zeros(4, 4, 3), np.diag([1.0, 1, 5, 1]), 2, None)
        >>> tuple(found.images.shape), found.positions_mm.tolist(), found.slice_index.tolist()
        ((3, 1, 2, 2), [-10.0, -5.0, -0.0], [2, 1, 0])
    """
    view = axial_view(np.asarray(volume_hu), np.asarray(affine_lps, dtype=np.float64))
    spacing = np.linalg.norm(view.affine_lps[:3, :2], axis=0)
    slices = torch.from_numpy(_shareable(view.array.transpose(2, 1, 0)))  # (Z, Y, X), to the head
    images = shrink_slices(slices, (float(spacing[0]), float(spacing[1])), side, pixel_mm, centred)
    if masked:
        size = max(spacing * view.array.shape[:2]) / side if pixel_mm is None else pixel_mm
        images = _trunks(images, float(size))
    positions = torch.from_numpy(-view.z_mm[::-1].copy()).float()
    return AxialSlices(images.flip(0)[:, None], positions, view.slice_index[::-1].copy())


def _trunks(images: Tensor, pixel_mm: float) -> Tensor:
    """Leave the trunk of each slice, ``(Z, side, side)``."""
    masks = [body_mask(image.numpy(), pixel_mm) for image in images]
    kept = torch.from_numpy(np.stack(masks)) if masks else torch.zeros(images.shape, dtype=torch.bool)
    return torch.where(kept, images, torch.tensor(AIR_HU))


def _shareable(array: NDArray[Any]) -> NDArray[Any]:
    """What torch can share: it knows no read-only arrays, no negative strides and no foreign byte order."""
    native = array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    usable = native.flags.writeable and min(native.strides) >= 0
    return native if usable else native.copy(order="C")
