"""Where to put a patch in a scan, given random numbers: around a box, or away from all.

These are NumPy functions, as MONAI draws random numbers with NumPy; the draws themselves are the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]


def fit_origin(origin: FloatArray, image_size: Sequence[int], patch_size: Sequence[int]) -> tuple[int, ...]:
    """Round an origin and move it so that the patch lies inside the image.

    Along an axis on which the image is shorter than the patch, the image comes to lie in the middle of the patch.

    Example:
        >>> fit_origin(np.array([-3.0, 7.0, 2.0]), (10, 10, 10), (4, 4, 16))
        (0, 6, -3)
    """
    room = np.asarray(image_size) - np.asarray(patch_size)
    inside = np.clip(np.round(origin), 0, np.maximum(room, 0))
    return tuple(int(value) for value in np.where(room >= 0, inside, -(-room // 2)))


def origin_around(
    box: FloatArray, shift: FloatArray, image_size: Sequence[int], patch_size: Sequence[int]
) -> tuple[int, ...]:
    """Origin of a patch that holds a box.

    Args:
        box: ``(6,)``, min corner then max corner, edge frame, its centre inside the image.
        shift: ``(3,)`` in ``[-1, 1]``: 0 centres the box, 1 moves the patch as far on as the box stays in it.
        image_size: spatial size of the image.
        patch_size: voxels of the patch. A box that does not fit is centred.

    Returns:
        First voxel of the patch; negative where the image is shorter than the patch.

    Example:
        >>> box = np.array([40.0, 40, 40, 50, 50, 50])
        >>> origin_around(box, np.array([0.0, -1, 1]), (100, 100, 100), (20, 20, 20))
        (35, 30, 40)
    """
    low, high = np.split(box, 2)
    patch = np.asarray(patch_size)
    play = np.maximum(patch - (high - low), 0) / 2
    origin = np.round((low + high) / 2 - patch / 2 + shift * play)
    first, last = np.ceil(high - patch), np.floor(low)  # between them the patch holds the whole box
    origin = np.where(first <= last, np.clip(origin, first, last), origin)
    return fit_origin(origin, image_size, patch_size)


def origin_away(
    boxes: FloatArray, draws: FloatArray, image_size: Sequence[int], patch_size: Sequence[int]
) -> tuple[int, ...]:
    """Origin of the first patch that touches no box; if there is none, of the one that touches least.

    Args:
        boxes: ``(N, 6)``, edge frame; may be empty.
        draws: ``(T, 3)`` in ``[0, 1)``: candidates, spread evenly over the places a patch has in the image.
        image_size: spatial size of the image.
        patch_size: voxels of the patch.

    Returns:
        First voxel of the patch; negative where the image is shorter than the patch.

    Example:
        >>> origin_away(np.array([[0.0, 0, 0, 5, 5, 5]]), np.array([[0.0, 0, 0], [0.5, 0, 0]]), (30, 9, 9), (9, 9, 9))
        (11, 0, 0)
    """
    places = np.maximum(np.asarray(image_size) - np.asarray(patch_size), 0) + 1
    origins = np.array([fit_origin(row, image_size, patch_size) for row in np.floor(draws * places)])  # (T, 3)
    low, high = np.split(boxes, 2, axis=1)  # (N, 3)
    ends = origins + np.asarray(patch_size)
    sides = np.minimum(ends[:, None], high) - np.maximum(origins[:, None], low)  # (T, N, 3)
    touched = np.clip(sides, 0, None).prod(axis=2).sum(axis=1)
    return tuple(int(value) for value in origins[int(np.argmin(touched))])  # argmin: the first among equals
