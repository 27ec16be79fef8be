"""Features of a lesion that nothing has learnt, from the same crops that the embedding network sees.

Four groups, each brought to the same mean square over all lesions, so that none rules the Euclidean distance: the key
slice from near and from afar, shrunk to 16 x 16 pixels; a histogram of the key slice inside the mark, and the mean
inside and in a ring around it; and the logarithms of the mark's area and extents.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

KEY, MARK, FAR = 1, 3, 4  # channels of lungdet.transforms.LoadLesion
SMALL, BINS, RING = 16, 16, 4
Array = NDArray[Any]


def raw_features(crops: Array) -> NDArray[np.float32]:
    """Describe crops ``(N, 6, side, side)`` in [0, 1] by ``(N, D)`` numbers."""
    pictures = np.asarray(crops, dtype=np.float64)
    near, mark = pictures[:, KEY], pictures[:, MARK] > 0.5
    groups = [shrink(near), shrink(pictures[:, FAR]), np.stack([greys(*pair) for pair in zip(near, mark, strict=True)])]
    groups.append(np.stack([extents(each) for each in mark]))
    return np.concatenate([level(group) for group in groups], axis=1).astype(np.float32)


def shrink(pictures: Array) -> Array:
    """Mean over blocks, flattened."""
    count, side = len(pictures), pictures.shape[1] // SMALL
    return pictures.reshape(count, SMALL, side, SMALL, side).mean(axis=(2, 4)).reshape(count, -1)


def greys(picture: Array, mark: Array) -> Array:
    """Histogram inside a mark, and means inside and around it."""
    from scipy.ndimage import binary_dilation

    inside = picture[mark] if mark.any() else picture[tuple(side // 2 for side in picture.shape)][None]
    around = picture[binary_dilation(mark, iterations=RING) & ~mark]
    histogram = np.histogram(inside, bins=BINS, range=(0, 1))[0] / len(inside)
    return np.array([*histogram, inside.mean(), around.mean() if len(around) else inside.mean()])


def extents(mark: Array) -> Array:
    """Logarithms of area, width and height of a mark, in pixels."""
    return np.log1p([mark.sum(), mark.any(axis=0).sum(), mark.any(axis=1).sum()])


def level(group: Array) -> Array:
    """Centre a group of features, and bring its mean square length to 1."""
    centred = group - group.mean(axis=0)
    return centred / max(float(np.sqrt((centred**2).sum(axis=1).mean())), 1e-9)
