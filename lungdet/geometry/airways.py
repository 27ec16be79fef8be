"""Windpipe, main bronchi and gas in the gullet on a coarse CT: dark tubes that slices cut apart from the lungs."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .lung_grid import Float32Array, LungGrid, Mask

Labels: TypeAlias = NDArray[np.int32]

LUMEN_BELOW_HU = -650.0  # stricter than the lungs' edge: thin walls must hold
LARGEST_CM2 = 11.0  # cross-section of a windpipe, or of both main bronchi where they part
DARK_HU = -915.0  # a third of a lumen is darker; lungs seldom are, and what is hangs together with the rest of them
DARK_PERCENT = 30.0
LEAST_ML = 0.6
LEAST_MM = 20.0  # along the body, unless the scan is shorter
MOST_CONTACT = 0.12  # of its pixels that have lung above or below: the top of a lung has more


def find_airways(grid: LungGrid, inside: Mask) -> Mask:
    """Find windpipe and main bronchi, ``(Z, Y, X)``, walls not included.

    In each slice, small spots of air are taken that the slice cuts apart from everything larger. Of the pieces that
    they form along the body, those are airways that are long and dark and do not run out into a lung, as the tops of
    the lungs do.

    Args:
        grid: the scan.
        inside: ``(Z, Y, X)``, the trunk.
    """
    air = (grid.hu < LUMEN_BELOW_HU) & inside
    small = _small_spots(air, LARGEST_CM2 * 100 / (grid.step_mm[1] * grid.step_mm[2]))
    labels, count = ndimage.label(small)
    if not count:
        return small
    kept = np.zeros(count + 1, dtype=bool)
    least_mm = min(LEAST_MM, 0.8 * len(air) * grid.step_mm[0])
    contact = _contact(labels, air & ~small, count)
    sizes = np.bincount(labels[labels > 0], minlength=count + 1)
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if sizes[number] * grid.block_ml < min(LEAST_ML, 0.05 * least_mm) or contact[number] > MOST_CONTACT:
            continue
        if (box[0].stop - box[0].start) * grid.step_mm[0] < least_mm:
            continue
        values = grid.hu[box][labels[box] == number]
        kept[number] = np.percentile(values, DARK_PERCENT) < DARK_HU
    airways: Mask = kept[labels]
    return airways


def middle_of(airways: Mask, lungs: Mask) -> float | None:
    """Column of the windpipe, beside the upper half of the lungs or above; None if it is not seen there.

    Further below, gas in stomach and bowel may look like an airway.
    """
    slices = np.flatnonzero(lungs.any(axis=(1, 2)))
    if not len(slices):
        return None
    weights = airways[(slices[0] + slices[-1] + 1) // 2 :].sum(axis=(0, 1), dtype=np.float64)
    return float((weights * np.arange(len(weights))).sum() / weights.sum()) if weights.any() else None


def _small_spots(air: Mask, most_pixels: float) -> Mask:
    """Keep what is connected within its slice to no more than so many pixels."""
    small = np.zeros_like(air)
    for plane, kept in zip(air, small, strict=True):
        labels, count = ndimage.label(plane)
        if count:
            fits = np.bincount(labels.ravel(), minlength=count + 1) <= most_pixels
            fits[0] = False
            kept[:] = fits[labels]
    return small


def _contact(labels: Labels, large: Mask, count: int) -> Float32Array:
    """Part of each piece's pixels that have a large spot above or below them."""
    touches = np.zeros_like(large)
    touches[1:] |= large[:-1]
    touches[:-1] |= large[1:]
    sizes = np.maximum(np.bincount(labels[labels > 0], minlength=count + 1), 1)
    touching = np.bincount(labels[touches], minlength=count + 1)
    part: Float32Array = (touching / sizes).astype(np.float32)
    return part
