"""Small pictures of radiographs, for pages."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .pictures import to_png

THUMBNAIL_PX = 180


def thumbnail(pixels: NDArray[np.float32], side_px: int = THUMBNAIL_PX) -> bytes:
    """Shrink a radiograph to a small grey PNG; its aspect is kept.

    Args:
        pixels: ``(rows, columns)`` in [0, 1]; what is outside is clipped.
        side_px: the longest side of the result.

    Returns:
        PNG bytes: the same picture gives the same bytes.

    Raises:
        ValueError: ``pixels`` is no picture, or ``side_px`` is less than 1.
    """
    if pixels.ndim != 2 or 0 in pixels.shape or side_px < 1:
        raise ValueError(f"a thumbnail needs (rows, columns) and a side, got {pixels.shape} and {side_px}")
    grey = np.nan_to_num(pixels).clip(0.0, 1.0) * 255.0 + 0.5
    picture = Image.fromarray(grey.astype(np.uint8))
    scale = side_px / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    kind = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    return to_png(picture.resize(size, kind))
