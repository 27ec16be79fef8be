"""A sheet of small pictures whose labels are probably wrong, each with what it is called and what it looks like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from .pictures import font, to_png

TILE_PX, GAP_PX, LINE_PX, TITLE_PX = 176, 12, 18, 34
TEXT_SIZE, TITLE_SIZE = 13, 18
COLUMNS = 6
BACKGROUND, TEXT, DIM = 16, 255, 150


@dataclass(frozen=True, eq=False)
class LabelCase:
    """A picture to look at.

    Attributes:
        picture: ``(rows, columns)`` uint8; None where it is not at hand.
        lines: what to write below it; what does not fit is cut, and the last line is dim.
    """

    picture: NDArray[np.uint8] | None
    lines: tuple[str, ...]


def small_picture(pixels: NDArray[np.float32], side_px: int = TILE_PX) -> NDArray[np.uint8]:
    """Shrink a picture in [0, 1], ``(rows, columns)``, to fit a tile; its aspect is kept and it is never enlarged.

    Raises:
        ValueError: it is no picture.
    """
    if pixels.ndim != 2 or 0 in pixels.shape:
        raise ValueError(f"a picture must be (rows, columns), got {pixels.shape}")
    grey = (np.nan_to_num(pixels).clip(0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
    scale = min(1.0, side_px / max(grey.shape))
    size = max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale))
    return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BOX), dtype=np.uint8)


def draw_label_errors(cases: Sequence[LabelCase], title: str, columns: int = COLUMNS) -> bytes:
    """Draw the cases in rows, in their order.

    Returns:
        PNG bytes; a sheet without cases has the title alone.
    """
    lines = max((len(case.lines) for case in cases), default=0)
    width, height = TILE_PX + GAP_PX, TILE_PX + lines * LINE_PX + GAP_PX
    across, down = max(1, min(columns, len(cases))), -(-len(cases) // columns)
    title_width = int(font(TITLE_SIZE).getlength(title)) + 2 * GAP_PX
    sheet = Image.new("L", (max(across * width + GAP_PX, title_width), TITLE_PX + down * height + GAP_PX), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP_PX, GAP_PX / 2), title, fill=TEXT, font=font(TITLE_SIZE))
    for place, case in enumerate(cases):
        left, top = GAP_PX + place % columns * width, TITLE_PX + GAP_PX + place // columns * height
        _draw_case(sheet, draw, case, left, top)
    return to_png(sheet)


def _draw_case(sheet: Image.Image, draw: ImageDraw.ImageDraw, case: LabelCase, left: int, top: int) -> None:
    if case.picture is None:
        draw.rectangle((left, top, left + TILE_PX - 1, top + TILE_PX - 1), outline=DIM)
        draw.text((left + TILE_PX / 2, top + TILE_PX / 2), "no picture", fill=DIM, font=font(TEXT_SIZE), anchor="mm")
    else:
        picture = Image.fromarray(case.picture)
        scale = TILE_PX / max(picture.size)
        size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
        picture = picture.resize(size, Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.BOX)
        sheet.paste(picture, (left + (TILE_PX - size[0]) // 2, top + (TILE_PX - size[1]) // 2))
    for row, line in enumerate(case.lines):
        fill = DIM if row and row == len(case.lines) - 1 else TEXT
        draw.text((left, top + TILE_PX + 3 + row * LINE_PX), fit_text(line), fill=fill, font=font(TEXT_SIZE))


def fit_text(text: str, width_px: int = TILE_PX) -> str:
    """Cut the middle out of a text that is too long for a tile: both ends of a file's name tell it apart."""
    letters = font(TEXT_SIZE)
    clean = "".join(letter if letter.isprintable() else "?" for letter in text)
    if letters.getlength(clean) <= width_px:
        return clean
    kept = len(clean)
    while kept > 2 and letters.getlength(f"{clean[: kept // 2]}…{clean[-(kept - kept // 2) :]}") > width_px:
        kept -= 1
    return f"{clean[: kept // 2]}…{clean[-(kept - kept // 2) :]}"
