"""One picture of the whole chest from the front, with every finding marked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .pictures import GREY_LEVELS, draw_box, draw_letters, scaled_canvas, with_palette
from .planes import CORONAL, Box, PatientView

OVERVIEW_PX = 640
AIR_HU, DENSE_HU = -1000.0, 1000.0


def overview(view: PatientView, boxes: list[Box]) -> Image.Image:
    """Draw a projection from the front, much like a radiograph, with all boxes and their ranks.

    A maximum projection would show nothing but bone and muscle in any window for lung; the mean shows the lungs.

    Args:
        view: the volume.
        boxes: in the edge frame of ``view``, by rank from 1.

    Returns:
        A picture with palette, longest side ``OVERVIEW_PX``.
    """
    grey = _projection(view)
    rows, columns = grey.shape
    width_mm, height_mm = view.size_mm[0], view.size_mm[2]
    px_per_mm = OVERVIEW_PX / max(width_mm, height_mm)
    size_px = max(1, round(width_mm * px_per_mm)), max(1, round(height_mm * px_per_mm))
    canvas = scaled_canvas(grey, (0.0, 0.0, columns, rows), size_px)
    for rank, box in reversed(list(enumerate(boxes, start=1))):  # the first comes last, on top
        draw_box(canvas, view.rectangle(CORONAL, box), line_px=2, label=str(rank))
    draw_letters(canvas.image, CORONAL.letters)
    return with_palette(canvas.image)


def _projection(view: PatientView) -> NDArray[np.uint8]:
    """Mean of the clipped HU from front to back, ``(rows, columns)`` as hung, stretched to the grey levels."""
    step = max(1, view.array.shape[1] // 128)  # 128 rows are plenty for a mean
    mean = np.zeros((view.array.shape[0], view.array.shape[2]), dtype=np.float32)
    for row in range(0, view.array.shape[1], step):
        mean += np.nan_to_num(view.array[:, row, :], nan=AIR_HU).clip(AIR_HU, DENSE_HU)
    low, high = np.percentile(mean, [1.0, 99.5])
    scaled = ((mean - low) / max(float(high - low), 1e-6)).clip(0.0, 1.0)
    grey = np.asarray(scaled**0.8 * (GREY_LEVELS - 1) + 0.5, dtype=np.uint8)
    return grey.T[::-1]
