"""The region that a RECIST mark encloses: four quarters of ellipses through the ends of its two axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEAST_HALF_PX = 0.5  # an axis without length still covers the pixel it lies on
_PARALLEL = 1e-3


def recist_ellipse_mask(endpoints_edge: ArrayLike, shape: Sequence[int]) -> NDArray[np.bool_]:
    """Fill the outline through the four ends of a mark.

    Seen from the point where the axes cross, each quarter of the outline is a quarter of an ellipse whose half axes are
    the two arms that bound it; the outline passes through all four ends and has no corner there. Marks whose arms are
    equal give one whole ellipse. Axes that do not cross, that are parallel or have no length give the ellipse around
    the middle of the longer axis, with half the shorter one, but at least half a pixel, across.

    Args:
        endpoints_edge: ``(4, 2)`` ends of the long axis, then of the short one, each ``(column, row)``, edge frame.
        shape: ``(columns, rows)`` of the mask.

    Returns:
        ``(columns, rows)``: pixels whose centre lies inside, or on the outline.

    Raises:
        ValueError: the mark is not ``(4, 2)`` finite numbers.

    Example:
        >>> mark = [[1.5, 3.5], [5.5, 3.5], [3.5, 2.5], [3.5, 4.5]]
        >>> recist_ellipse_mask(mark, (7, 7)).T.astype(int)[2:5]
        array([[0, 0, 0, 1, 0, 0, 0],
               [0, 1, 1, 1, 1, 1, 0],
               [0, 0, 0, 1, 0, 0, 0]])
    """
    ends = np.asarray(endpoints_edge, dtype=np.float64)
    if ends.shape != (4, 2) or not np.isfinite(ends).all():
        raise ValueError(f"a mark is (4, 2) finite numbers, got {ends.shape}: {ends.tolist()}")
    center, axes, arms = _quarters(ends)
    mask = np.zeros(tuple(shape), dtype=np.bool_)
    reach = np.abs(axes * arms.max(axis=0)[:, None]).sum(axis=0) + 1  # pixels beyond cannot be inside
    low = np.clip(np.floor(center - reach), 0, shape).astype(int)
    high = np.clip(np.ceil(center + reach), low, shape).astype(int)
    x, y = np.meshgrid(np.arange(low[0], high[0]) + 0.5, np.arange(low[1], high[1]) + 0.5, indexing="ij")
    along = np.stack([x - center[0], y - center[1]], axis=-1) @ np.linalg.inv(axes)  # (columns, rows, 2) along the axes
    half = np.where(along < 0, arms[0], arms[1])
    mask[low[0] : high[0], low[1] : high[1]] = ((along / half) ** 2).sum(axis=-1) <= 1 + 1e-9
    return mask


def _quarters(ends: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the crossing ``(2,)``, the axes' unit vectors as rows ``(2, 2)``, and arms ``(back and forth, axis)``."""
    steps = ends[1::2] - ends[0::2]  # (2 axes, 2)
    lengths = np.linalg.norm(steps, axis=1)
    if lengths.min() > 0:
        units = steps / lengths[:, None]
        if abs(np.linalg.det(units)) > _PARALLEL:
            back = (ends[2] - ends[0]) @ np.linalg.inv(np.stack([units[0], -units[1]]))  # both axes, to the crossing
            forth = lengths - back
            if min(back.min(), forth.min()) > 0:
                return ends[0] + back[0] * units[0], units, np.stack([back, forth])
    longer = int(np.argmax(lengths))
    unit = steps[longer] / lengths[longer] if lengths[longer] else np.array([1.0, 0.0])
    half = np.maximum([lengths[longer] / 2, lengths[1 - longer] / 2], LEAST_HALF_PX)
    return ends[2 * longer : 2 * longer + 2].mean(axis=0), np.stack([unit, [-unit[1], unit[0]]]), np.stack([half, half])
