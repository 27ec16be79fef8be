"""How much body, and how much air in it, each slice of a CT shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .body_mask import STEP_MM, body_mask

Float64Array: TypeAlias = NDArray[np.float64]

AIRY_BELOW_HU = -500.0  # lung and gas; above are fat and what is half fat


def slice_areas(slices: NDArray[Any], spacing_mm: Sequence[float]) -> tuple[Float64Array, Float64Array]:
    """Measure the trunk of each slice, and what in it is lung or gas, on pixels about 4 mm apart.

    Args:
        slices: ``(X, Y, Z)`` in HU; columns, rows, slices.
        spacing_mm: size of a pixel along columns' and rows' axis, X then Y.

    Returns:
        ``(Z,)`` area of the trunk, see :func:`~lungdet.geometry.body_mask.body_mask`, and ``(Z,)`` area in it below
        :data:`AIRY_BELOW_HU`, both in cm2.

    Raises:
        ValueError: it is not three-dimensional, or a CT number is none.

    Example:
        >>> slab = np.full((60, 60, 2), -1000.0)
        >>> slab[10:50, 10:50, 1] = 40.0
        >>> slab[20:30, 20:40, 1] = -850.0
        >>> [area.tolist() for area in slice_areas(slab, (4.0, 4.0))]
        [[0.0, 256.0], [0.0, 32.0]]
    """
    if slices.ndim != 3:
        raise ValueError(f"slices must be (X, Y, Z), got shape {slices.shape}")
    strides = [max(1, round(STEP_MM / step)) for step in spacing_mm]
    seen = np.ascontiguousarray(slices[:: strides[0], :: strides[1]].transpose(2, 1, 0))  # (Z, rows, columns)
    if not np.isfinite(seen).all():
        raise ValueError("a CT number is no finite number; read the scan with lungdet.readers.read_ct")
    pixel_mm = (spacing_mm[1] * strides[1], spacing_mm[0] * strides[0])
    areas = [(mask.sum(), (mask & (hu < AIRY_BELOW_HU)).sum()) for hu in seen for mask in [body_mask(hu, pixel_mm)]]
    body, airy = np.array(areas, dtype=np.float64).reshape(-1, 2).T * (pixel_mm[0] * pixel_mm[1] / 100)
    return body, airy
