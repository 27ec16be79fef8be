"""A sheet of the lesions of one patient: a row a lesion, a column a study, each cut from its key slice to one scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lungdet.records.lesion_sequence import LesionSequence, PatientHistory, SequenceMark

from .pictures import font, to_png

TILE_PX, GAP_PX, LINE_PX, HEAD_PX, NAME_PX = 128, 8, 16, 24, 104
TEXT_SIZE = 13
TILE_MM = 64.0  # side of what a tile shows; rows of large lesions show more
MOST_ROWS, MOST_COLUMNS = 12, 12
BACKGROUND, TEXT, DIM = 16, 255, 150


@dataclass(frozen=True, eq=False)
class KeySlice:
    """The slice that a lesion was marked on.

    Attributes:
        hu: ``(rows, columns)``.
        center_px: middle of the marks, ``(column, row)`` in the edge frame.
        spacing_mm: of pixels, ``(x, y)``.
        window_hu: low and high end to show.
    """

    hu: NDArray[np.int16]
    center_px: tuple[float, float]
    spacing_mm: tuple[float, float]
    window_hu: tuple[float, float]

    def tile(self, side_mm: float, side_px: int = TILE_PX) -> Image.Image:
        """Cut a square around the lesion, grey, what lies outside the slice black."""
        half = [side_mm / 2 / step for step in self.spacing_mm]
        low, high = self.window_hu
        grey = ((self.hu.astype(np.float32) - low) / (high - low)).clip(0.0, 1.0) * 255.0
        x, y = self.center_px
        box = (x - half[0], y - half[1], x + half[0], y + half[1])
        picture = Image.fromarray(grey.astype(np.uint8))
        step = (2 * half[0] / side_px, 0, box[0], 0, 2 * half[1] / side_px, box[1])
        return picture.transform((side_px, side_px), Image.Transform.AFFINE, step, Image.Resampling.BILINEAR)


def draw_sheet(history: PatientHistory, slices: Mapping[str, KeySlice]) -> bytes:
    """Draw the lesions that were marked in two studies or more.

    Args:
        history: of the patient.
        slices: by key; a mark without one gets an empty frame.

    Returns:
        PNG bytes.
    """
    shown = sheet_sequences(history)
    studies = history.studies[:MOST_COLUMNS]
    width, height = TILE_PX + GAP_PX, TILE_PX + LINE_PX + GAP_PX
    size = NAME_PX + len(studies) * width + GAP_PX, HEAD_PX + max(1, len(shown)) * height
    sheet = Image.new("L", size, BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for place, study in enumerate(studies):
        _write(draw, (NAME_PX + place * width, GAP_PX / 2), f"study {study}")
    for row, sequence in enumerate(shown):
        top = HEAD_PX + row * height
        _write(draw, (GAP_PX, top), sequence.name.rsplit("-", 1)[-1])
        _write(draw, (GAP_PX, top + LINE_PX), sequence.lesion_type)
        side_mm = max(TILE_MM, 1.6 * max(mark.lesion.long_mm for mark in sequence.marks))
        _write(draw, (GAP_PX, top + 2 * LINE_PX), f"{side_mm:.0f} mm wide", DIM)
        for mark in sequence.marks:
            if mark.lesion.study in studies:
                left = NAME_PX + studies.index(mark.lesion.study) * width
                _draw_mark(sheet, draw, mark, slices.get(mark.lesion.key), (left, top), side_mm)
    return to_png(sheet)


def sheet_sequences(history: PatientHistory) -> tuple[LesionSequence, ...]:
    """Choose the lesions that a sheet has room for: the largest, in the order of their names."""
    size = {one.name: max(mark.lesion.long_mm for mark in one.marks) for one in history.followed}
    largest = sorted(history.followed, key=lambda one: (-size[one.name], one.name))[:MOST_ROWS]
    return tuple(sorted(largest, key=lambda one: one.name))


def _draw_mark(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    mark: SequenceMark,
    picture: KeySlice | None,
    corner: tuple[int, int],
    side_mm: float,
) -> None:
    left, top = corner
    if picture is None:
        draw.rectangle((left, top, left + TILE_PX - 1, top + TILE_PX - 1), outline=DIM)
        _write(draw, (left + GAP_PX, top + TILE_PX // 2), "no picture", DIM)
    else:
        sheet.paste(picture.tile(side_mm), corner)
    short = "" if mark.short_mm is None else f" x {mark.short_mm:.0f}"
    more = f" (+{len(mark.repeats)})" if mark.repeats else ""
    _write(draw, (left, top + TILE_PX + 1), f"{mark.long_mm:.0f}{short} mm{more}")


def _write(draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, fill: int = TEXT) -> None:
    draw.text(place, text, fill=fill, font=font(TEXT_SIZE))
