"""Volume, density and emphysema of lungs that are labelled on a CT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

EMPHYSEMA_BELOW_HU = -950  # Gevenois et al., AJRCCM 154 (1996)
SIDES = ("both", "right", "left")


@dataclass(frozen=True)
class LungFacts:
    """One lung, or both.

    Attributes:
        volume_ml: of all that is labelled, vessels and nodules included.
        mean_hu: mean density of it, HU; NaN where there is none.
        emphysema_percent: part of it below -950 HU, %; NaN where there is none.
    """

    volume_ml: float
    mean_hu: float
    emphysema_percent: float


def lung_facts(hu: NDArray[Any], labels: NDArray[Any], spacing_mm: tuple[float, float, float]) -> dict[str, LungFacts]:
    """Measure labelled lungs.

    Voxels that are no number count for the volume only. The emphysema index depends on kernel, slice thickness and
    breath: compare scans of one kind.

    Args:
        hu: ``(I, J, K)``.
        labels: ``(I, J, K)``, 1 right, 2 left, 3 unknown; see :func:`~lungdet.geometry.lung_mask.lung_mask`.
        spacing_mm: voxel size along the axes.

    Returns:
        Facts by ``"both"``, ``"right"``, ``"left"``; a lung of unknown side is in ``"both"`` only.

    Raises:
        ValueError: image and labels differ in shape, or the spacing is no positive numbers.

    Example:
        >>> scan = np.array([[[-960.0, -860.0], [-800.0, 40.0]]])
        >>> facts = lung_facts(scan, np.array([[[1, 1], [2, 0]]]), (10.0, 10.0, 10.0))
        >>> facts["right"]
        LungFacts(volume_ml=2.0, mean_hu=-910.0, emphysema_percent=50.0)
        >>> facts["both"].volume_ml
        3.0
    """
    if hu.shape != labels.shape or hu.ndim != 3:
        raise ValueError(f"image and labels must both be (I, J, K), got {hu.shape} and {labels.shape}")
    if len(spacing_mm) != 3 or not np.isfinite(spacing_mm).all() or not min(spacing_mm) > 0:
        raise ValueError(f"spacing_mm must be three positive numbers, got {spacing_mm}")
    # voxels, voxels that are numbers, sum of their HU, and how many of them are dark; right, left, unknown
    sums = np.zeros((3, 4))
    axis = int(np.argmax(np.abs(hu.strides)))  # planes that lie together in memory
    for values, sides in zip(np.moveaxis(hu, axis, 0), np.moveaxis(labels, axis, 0), strict=True):
        for row, side in enumerate((1, 2, 3)):
            inside = values[sides == side]
            if inside.size:
                known = inside[np.isfinite(inside)] if inside.dtype.kind == "f" else inside
                dark = np.count_nonzero(known < EMPHYSEMA_BELOW_HU)
                sums[row] += inside.size, known.size, known.sum(dtype=np.float64), dark
    voxel_ml = float(np.prod(spacing_mm)) / 1000.0
    return {name: _facts(row, voxel_ml) for name, row in zip(SIDES, (sums.sum(axis=0), *sums[:2]), strict=True)}


def _facts(sums: NDArray[np.float64], voxel_ml: float) -> LungFacts:
    voxels, known, total_hu, dark = (float(value) for value in sums)
    if not known:
        return LungFacts(voxels * voxel_ml, float("nan"), float("nan"))
    return LungFacts(voxels * voxel_ml, total_hu / known, 100.0 * dark / known)
