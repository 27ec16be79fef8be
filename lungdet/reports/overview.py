"""One picture of the whole chest from the front, with every finding marked."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from .label_places import leader, place_labels
from .pictures import GREY_LEVELS, MARK_INDEX, draw_box, draw_letters, font, letter_places, scaled_canvas, with_palette
from .planes import CORONAL, Box, PatientView, Rectangle

OVERVIEW_PX = 640
LEAST_PX = 80  # of the shorter side; a strip shows nothing, and has no room for its letters
LABEL_PX, LINE_PX = 20, 2
LEADER_FROM_PX = 6.0  # a label that is nearer needs no line
AIR_HU, DENSE_HU = -1000.0, 1000.0


def has_overview(size_mm: tuple[float, float, float]) -> bool:
    """Tell whether a projection from the front is more than a strip.

    Args:
        size_mm: of the scan towards the patient's left, back and head.

    Example:
        >>> has_overview((360.0, 360.0, 300.0)), has_overview((360.0, 360.0, 9.0))
        (True, False)
    """
    return min(size_mm[0], size_mm[2]) * OVERVIEW_PX >= LEAST_PX * max(size_mm[0], size_mm[2])


def overview(view: PatientView, boxes: list[Box]) -> Image.Image:
    """Draw a projection from the front, much like a radiograph, with all boxes and their ranks; none hides another.

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
    for box in boxes:
        draw_box(canvas, view.rectangle(CORONAL, box), line_px=LINE_PX)
    draw_letters(canvas.image, CORONAL.letters)
    _draw_ranks(canvas.image, [canvas.place(view.rectangle(CORONAL, box)) for box in boxes])
    return with_palette(canvas.image)


def _draw_ranks(image: Image.Image, places: Sequence[Rectangle]) -> None:
    """Write ranks from 1 beside boxes, in pixels of the picture, and a line to each that lies farther off."""
    draw = ImageDraw.Draw(image)
    draw.fontmode = "1"  # no soft edges: palette indexes do not blend
    edges = [(a - LINE_PX, b - LINE_PX, c + LINE_PX, d + LINE_PX) for a, b, c, d in places]
    ends = [draw.textbbox((0, 0), str(rank), font=font(LABEL_PX), stroke_width=2) for rank in range(1, len(edges) + 1)]
    sizes = [(right - left, bottom - top) for left, top, right, bottom in ends]
    labels = place_labels(edges, sizes, letter_places(image), *image.size)
    lines = [leader(edge, label) for edge, label in zip(edges, labels, strict=True)]
    far = [line for line in lines if math.dist(line[:2], line[2:]) > LEADER_FROM_PX]
    for fill, width in ((0, 3), (MARK_INDEX, 1)):
        for line in far:
            draw.line(line, fill=fill, width=width)
    for rank, (label, end) in enumerate(zip(labels, ends, strict=True), start=1):
        corner = label[0] - end[0], label[1] - end[1]
        draw.text(corner, str(rank), fill=MARK_INDEX, font=font(LABEL_PX), stroke_width=2, stroke_fill=0)


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
