"""How many pixels a picture may have, and which of them a statistic takes: it need not see all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_FRAME_PIXELS = 40_000_000  # a mammogram has 28 million, a whole leg 30
SAMPLE_PIXELS = 1 << 16  # enough for percentiles; all pixels of a large picture would take longer than its reading


def sample_of(values: NDArray[Any], mask: NDArray[np.bool_] | None) -> NDArray[Any]:
    """Take every n-th pixel down and along, so that some 65,000 are left.

    Args:
        values: ``(rows, columns)``.
        mask: True where a pixel may be taken; None for everywhere.

    Returns:
        The values in one row; all of them where there are few.

    Example:
        >>> sample_of(np.arange(4).reshape(2, 2), np.array([[True, False], [False, True]]))
        array([0, 3])
    """
    step = max(1, int((values.size / SAMPLE_PIXELS) ** 0.5))
    some = slice(step // 2, None, step)
    sample = values[some, some]
    return sample.reshape(-1) if mask is None else sample[mask[some, some]]
