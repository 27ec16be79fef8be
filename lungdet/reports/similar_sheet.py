"""A sheet of pictures: a lesion, and beside it those that look like it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from .label_error_sheet import fit_text
from .pictures import font, to_png

TILE_PX, GAP_PX, LINE_PX, TITLE_PX = 200, 14, 17, 40
TEXT_SIZE, TITLE_SIZE, FRAME_PX = 13, 18, 4
COLUMNS = 5
FIELD_MM = 120.0  # at least; a larger lesion gets a wider view, and its tile says so
BACKGROUND, TEXT, DIM = (16, 16, 16), (255, 255, 255), (150, 150, 150)
MARK, SHADOW = (255, 255, 255), (0, 0, 0)  # no colour of a frame; the shadow tells the box from bone
# Told apart by people who see no red or green, too: https://www.nature.com/articles/nmeth.1618
SAME, OTHER = (86, 180, 233), (213, 94, 0)


@dataclass(frozen=True, eq=False)
class LesionTile:
    """A lesion to show.

    Attributes:
        picture: ``(TILE_PX, TILE_PX, 3)`` uint8 of :func:`lesion_picture`; None where there is no image.
        lines: what to write below it; what does not fit is cut.
        agrees: with the type that was asked for; tells the colour of the frame. None draws no frame.
    """

    picture: NDArray[np.uint8] | None
    lines: tuple[str, ...]
    agrees: bool | None = None


def lesion_picture(
    hu: NDArray[Any], box_edge: Sequence[float], spacing_mm: Sequence[float], window_hu: Sequence[float]
) -> NDArray[np.uint8]:
    """Cut the neighbourhood of a lesion out of its slice, in a window, with its box drawn in white.

    Args:
        hu: ``(rows, columns)``.
        box_edge: ``(x0, y0, x1, y1)`` in the edge frame, pixels.
        spacing_mm: pixel size x, y.
        window_hu: low end and high end.

    Returns:
        ``(TILE_PX, TILE_PX, 3)``, at least 120 mm wide; black outside of the slice.

    Raises:
        ValueError: numbers are missing, not finite, or of the wrong sign.
    """
    x0, y0, x1, y1 = (float(value) for value in box_edge)
    step_x, step_y = (float(value) for value in spacing_mm[:2])
    low, high = (float(value) for value in window_hu)
    if not all(map(math.isfinite, (x0, y0, x1, y1, step_x, step_y, low, high))) or min(step_x, step_y) <= 0:
        raise ValueError(f"box {list(box_edge)}, spacing {list(spacing_mm)} and window must be known to draw a lesion")
    if x1 <= x0 or y1 <= y0 or high <= low:
        raise ValueError(f"box {list(box_edge)} and window {list(window_hu)} must rise")
    field_mm = max(FIELD_MM, 2.0 * (x1 - x0) * step_x, 2.0 * (y1 - y0) * step_y)
    zoom_x, zoom_y = TILE_PX * step_x / field_mm, TILE_PX * step_y / field_mm  # tile pixels for each of the slice
    left, top = (x0 + x1 - TILE_PX / zoom_x) / 2, (y0 + y1 - TILE_PX / zoom_y) / 2
    grey = ((np.nan_to_num(hu.astype(np.float32)) - low) / (high - low)).clip(0, 1) * 255 + 0.5
    picture = Image.fromarray(grey.astype(np.uint8)).transform(
        (TILE_PX, TILE_PX),
        Image.Transform.AFFINE,
        (1 / zoom_x, 0, left, 0, 1 / zoom_y, top),
        Image.Resampling.BILINEAR,
    )
    colored = picture.convert("RGB")
    corners = ((x0 - left) * zoom_x, (y0 - top) * zoom_y, (x1 - left) * zoom_x, (y1 - top) * zoom_y)
    left_px, top_px, right_px, bottom_px = (round(value) for value in corners)
    draw = ImageDraw.Draw(colored)
    draw.rectangle((left_px - 1, top_px - 1, right_px + 1, bottom_px + 1), outline=SHADOW)
    draw.rectangle((left_px, top_px, right_px, bottom_px), outline=MARK)
    return np.asarray(colored, dtype=np.uint8)


def draw_similar(query: LesionTile, answers: Sequence[LesionTile], title: str) -> bytes:
    """Draw the lesion that was asked for at the left, and the answers in rows beside it.

    The frame of an answer is blue if its type is that of the query, and orange if it is another.

    Returns:
        PNG bytes; without answers the sheet says so.
    """
    lines = max(len(tile.lines) for tile in (query, *answers))
    width, height = TILE_PX + GAP_PX, TILE_PX + lines * LINE_PX + GAP_PX
    across, down = min(COLUMNS, max(1, len(answers))), max(1, -(-len(answers) // COLUMNS))
    size = 2 * GAP_PX + (across + 1) * width, TITLE_PX + down * height + GAP_PX
    least = int(font(TITLE_SIZE).getlength(title)) + 2 * GAP_PX
    sheet = Image.new("RGB", (max(size[0], least), size[1]), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP_PX, GAP_PX / 2), title, fill=TEXT, font=font(TITLE_SIZE))
    _draw_tile(sheet, draw, query, GAP_PX, TITLE_PX)
    line = GAP_PX / 2 + width + GAP_PX / 2
    draw.line((line, TITLE_PX, line, size[1] - GAP_PX), fill=DIM)
    if not answers:
        draw.text((GAP_PX + width + GAP_PX, TITLE_PX), "no answers", fill=DIM, font=font(TEXT_SIZE))
    for place, tile in enumerate(answers):
        left, top = 2 * GAP_PX + (1 + place % COLUMNS) * width, TITLE_PX + place // COLUMNS * height
        _draw_tile(sheet, draw, tile, left, top)
    return to_png(sheet)


def _draw_tile(sheet: Image.Image, draw: ImageDraw.ImageDraw, tile: LesionTile, left: int, top: int) -> None:
    edge = (left, top, left + TILE_PX - 1, top + TILE_PX - 1)
    if tile.picture is None:
        draw.rectangle(edge, outline=DIM)
        draw.text((left + TILE_PX / 2, top + TILE_PX / 2), "no picture", fill=DIM, font=font(TEXT_SIZE), anchor="mm")
    else:
        sheet.paste(Image.fromarray(tile.picture), (left, top))
    if tile.agrees is not None:
        draw.rectangle(edge, outline=SAME if tile.agrees else OTHER, width=FRAME_PX)
    for row, line in enumerate(tile.lines):
        fill = TEXT if row == 0 else DIM
        draw.text((left, top + TILE_PX + 2 + row * LINE_PX), fit_text(line, TILE_PX), fill=fill, font=font(TEXT_SIZE))
