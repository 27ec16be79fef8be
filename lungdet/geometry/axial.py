"""Look at a volume as axial slices, whatever the order and direction of its axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Float64Array: TypeAlias = NDArray[np.float64]

LEAST_COSINE = 0.85  # 32 degrees; a gantry tilts by less


@dataclass(frozen=True, eq=False)
class AxialView:
    """A volume with its axes turned to the patient's; nothing is interpolated or copied.

    Attributes:
        array: ``(X, Y, Z)``, a view: columns to the patient's left, rows to the back, slices to the head.
        affine_lps: ``(4, 4)``, voxel centres of ``array`` to LPS mm.
        slice_index: ``(Z,)`` index of each slice along the axis of the volume that runs along the body.
    """

    array: NDArray[Any]
    affine_lps: Float64Array
    slice_index: NDArray[np.int64]

    @property
    def z_mm(self) -> Float64Array:
        """``(Z,)`` LPS height of the middle of each slice; it rises."""
        columns, rows, slices = self.array.shape
        middle = np.array([(columns - 1) / 2, (rows - 1) / 2, 0.0, 1.0])
        heights: Float64Array = self.affine_lps[2] @ middle + self.affine_lps[2, 2] * np.arange(slices)
        return heights

    def every(self, step: int) -> AxialView:
        """Keep every ``step``-th slice, beginning so that as much is left out below as above."""
        if step < 1:
            raise ValueError(f"step must be at least 1, got {step}")
        first = (self.array.shape[2] - 1) % step // 2
        affine = self.affine_lps.copy()
        affine[:3, 3] += first * affine[:3, 2]
        affine[:3, 2] *= step
        return AxialView(self.array[:, :, first::step], affine, self.slice_index[first::step])


def axial_view(array: NDArray[Any], affine_lps: Float64Array) -> AxialView:
    """Turn a volume's axes so that slices are axial.

    Args:
        array: ``(I, J, K)``, axes in any order and direction.
        affine_lps: ``(4, 4)``, voxel centres to LPS mm.

    Raises:
        ValueError: its axes lie so far from the patient's that no turn of axes makes its slices axial.

    Example:
        >>> coronal = np.zeros((4, 6, 5))  # columns to the left, rows to the feet, slices to the back
        >>> affine = np.array([[2.0, 0, 0, 0], [0, 0, 3, 0], [0, -1, 0, 100], [0, 0, 0, 1]])
        >>> view = axial_view(coronal, affine)
        >>> view.array.shape, view.z_mm.tolist(), view.slice_index.tolist()
        ((4, 5, 6), [95.0, 96.0, 97.0, 98.0, 99.0, 100.0], [5, 4, 3, 2, 1, 0])
    """
    spacing = np.linalg.norm(affine_lps[:3, :3], axis=0)
    cosines = affine_lps[:3, :3] / spacing  # of patient axis (row) and array axis (column)
    axes = linear_sum_assignment(-np.abs(cosines))[1]  # array axis for each patient axis
    chosen = cosines[np.arange(3), axes]
    if np.abs(chosen).min() < LEAST_COSINE:
        degrees = float(np.degrees(np.arccos(min(1.0, np.abs(chosen).min()))))
        raise ValueError(f"the volume lies {degrees:.0f} degrees from the patient's axes: it has no axial slices")
    affine = affine_lps[:, [*axes, 3]].copy()
    view = array.transpose(axes)
    index = np.arange(view.shape[2])
    for axis in range(3):
        if chosen[axis] < 0:
            affine[:3, 3] += affine[:3, axis] * (view.shape[axis] - 1)
            affine[:3, axis] = -affine[:3, axis]
            view = np.flip(view, axis)
            index = index[::-1] if axis == 2 else index
    return AxialView(view, affine, index)
