"""A CT on a grid of 2 to 3 mm, on which lungs are looked for; every pixel is the mean of a block of voxels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .axial import AxialView
from .body_mask import find_trunk
from .frames import spacing_of

Mask: TypeAlias = NDArray[np.bool_]
Float32Array: TypeAlias = NDArray[np.float32]

STEP_MM = 2.3
LOWEST_HU, HIGHEST_HU = -1024, 600  # padding below and metal above must not pull the mean of a block
TISSUE_ABOVE_HU = -300.0
TRUNK_STEP_MM, TRUNK_SLICE_MM = 4.5, 7.0  # at most, within slices and from one to the next
PATCH_MM = 200.0  # a field smaller than this in both directions may lie in the body altogether


@dataclass(frozen=True, eq=False)
class LungGrid:
    """Means of blocks of voxels.

    Attributes:
        hu: ``(Z, Y, X)``: slices to the head, rows to the back, columns to the patient's left.
        factors: voxels in a block along Z, Y, X.
        step_mm: size of a block along Z, Y, X.
        shape: of the volume, ``(Z, Y, X)``.
    """

    hu: Float32Array
    factors: tuple[int, int, int]
    step_mm: tuple[float, float, float]
    shape: tuple[int, int, int]

    @property
    def voxel_mm(self) -> tuple[float, float, float]:
        """Size of a voxel of the scan along Z, Y, X."""
        z, y, x = (mm / factor for mm, factor in zip(self.step_mm, self.factors, strict=True))
        return z, y, x

    def crop(self, box: tuple[slice, slice, slice]) -> tuple[LungGrid, tuple[slice, slice, slice]]:
        """Keep a box of blocks; tell also which voxels of the scan lie in it."""
        voxels = [
            slice(span.start * factor, min(span.stop * factor, size))
            for span, factor, size in zip(box, self.factors, self.shape, strict=True)
        ]
        z, y, x = (span.stop - span.start for span in voxels)
        return LungGrid(self.hu[box], self.factors, self.step_mm, (z, y, x)), (voxels[0], voxels[1], voxels[2])

    @property
    def block_ml(self) -> float:
        """Volume of a block."""
        return float(np.prod(self.step_mm)) / 1000.0


def lung_grid(view: AxialView) -> LungGrid:
    """Take the means of blocks of a volume; rows and columns that are left over are filled up with the last."""
    voxels = view.array.transpose(2, 1, 0)
    size = spacing_of(view.affine_lps)[::-1]
    factors = tuple(min(max(1, round(STEP_MM / float(mm))), n) for mm, n in zip(size, voxels.shape, strict=True))
    counts = [-(-n // factor) for n, factor in zip(voxels.shape, factors, strict=True)]
    hu = np.empty(counts, dtype=np.float32)
    for index in range(counts[0]):
        planes = [_block_sums(plane, factors[1:]) for plane in voxels[index * factors[0] : (index + 1) * factors[0]]]
        hu[index] = sum(planes[1:], planes[0]) / np.float32(len(planes) * factors[1] * factors[2])
    step = [float(mm) * factor for mm, factor in zip(size, factors, strict=True)]
    z, y, x = voxels.shape
    return LungGrid(hu, (factors[0], factors[1], factors[2]), (step[0], step[1], step[2]), (z, y, x))


def finite_hu(plane: NDArray[Any]) -> NDArray[Any]:
    """Clip a slice to what tissue can have; no number is taken for air."""
    clipped: NDArray[Any] = np.clip(plane, LOWEST_HU, HIGHEST_HU)
    return np.nan_to_num(clipped, nan=LOWEST_HU) if clipped.dtype.kind == "f" else clipped


def inside_body(grid: LungGrid) -> Mask:
    """Fill the trunk of every slice, ``(Z, Y, X)``; see :func:`~lungdet.geometry.body_mask.find_trunk`.

    A field too small for a trunk is taken to lie in the body.
    """
    most = (TRUNK_SLICE_MM, TRUNK_STEP_MM, TRUNK_STEP_MM)
    strides = [max(1, int(limit / mm)) for limit, mm in zip(most, grid.step_mm, strict=True)]
    extent = [n * mm for n, mm in zip(grid.hu.shape, grid.step_mm, strict=True)]
    if max(extent[1:]) < PATCH_MM:
        return np.ones(grid.hu.shape, dtype=bool)
    step = (grid.step_mm[1] * strides[1], grid.step_mm[2] * strides[2])
    planes = grid.hu[:: strides[0]]
    trunks = np.stack([find_trunk(_shrunk(plane, strides[1:]) > TISSUE_ABOVE_HU, step) for plane in planes])
    if len(trunks) > 2:  # one slice where the trunk was not seen does not cut a lung in two
        trunks[1:-1] |= trunks[:-2] & trunks[2:]
    for axis, stride in enumerate(strides):
        trunks = np.repeat(trunks, stride, axis=axis)
    z, y, x = grid.hu.shape
    return np.ascontiguousarray(trunks[:z, :y, :x])


def _shrunk(plane: Float32Array, strides: list[int]) -> Float32Array:
    sums = _block_sums(plane, (strides[0], strides[1]))
    means: Float32Array = (sums / np.float32(strides[0] * strides[1])).astype(np.float32)
    return means


def _block_sums(plane: NDArray[Any], factors: tuple[int, ...]) -> NDArray[Any]:
    """Sum blocks of one slice."""
    down, across = factors
    pad = [(0, -n % factor) for n, factor in zip(plane.shape, factors, strict=True)]
    values = finite_hu(plane)
    if pad != [(0, 0), (0, 0)]:
        values = np.pad(values, pad, mode="edge")
    values = values.astype(np.float32)
    rows = sum((values[n::down] for n in range(1, down)), values[0::down])
    return sum((rows[:, n::across] for n in range(1, across)), rows[:, 0::across])
