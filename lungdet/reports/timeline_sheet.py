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
TICK_PX = 8
BACKGROUND, TEXT, DIM, FAINT = 16, 255, 150, 60


@dataclass(frozen=True, eq=False)
class KeySlice:
    """The slice that a lesion was marked on.

    Attributes:
        hu: ``(rows, columns)``.
        center_px: middle of the marks, ``(column, row)`` in the edge frame.
        spacing_mm: of pixels, ``(x, y)``.
        window_hu: low and high end to show.
        box_px: around the lesion, ``(x0, y0, x1, y1)`` in the edge frame; its corners are drawn. None draws none.
    """

    hu: NDArray[np.int16]
    center_px: tuple[float, float]
    spacing_mm: tuple[float, float]
    window_hu: tuple[float, float]
    box_px: tuple[float, float, float, float] | None = None

    def corners(self, side_mm: float, side_px: int = TILE_PX) -> tuple[float, float, float, float] | None:
        """Place the box on the tile, ``(x0, y0, x1, y1)`` in its pixels; what lies outside is moved to its edge."""
        if self.box_px is None:
            return None
        ends = [
            ((value - self.center_px[axis]) * self.spacing_mm[axis] / side_mm + 0.5) * side_px
            for axis, value in zip((0, 1, 0, 1), self.box_px, strict=True)
        ]
        x0, y0, x1, y1 = (min(max(end, 0.0), side_px - 1.0) for end in ends)
        return x0, y0, x1, y1

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
        slices: by key; a mark without one gets an empty frame, and so does a study that does not mark the lesion.

    Returns:
        PNG bytes.
    """
    shown = sheet_sequences(history)
    studies = history.studies[:MOST_COLUMNS]
    width, height = TILE_PX + GAP_PX, TILE_PX + LINE_PX + GAP_PX
    repeated = any(mark.repeats for sequence in shown for mark in sequence.marks)
    bottom = HEAD_PX + max(1, len(shown)) * height
    size = NAME_PX + len(studies) * width + GAP_PX, bottom + (LINE_PX + GAP_PX) * repeated
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
        marks = {mark.lesion.study: mark for mark in sequence.marks}
        for place, study in enumerate(studies):
            corner = (NAME_PX + place * width, top)
            if study in marks:
                _draw_mark(sheet, draw, marks[study], slices.get(marks[study].lesion.key), corner, side_mm)
            else:
                _draw_empty(draw, corner, "not marked")
    if repeated:
        _write(draw, (NAME_PX, bottom), "(+1): marked again in the same study", DIM)
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
        _draw_empty(draw, corner, "no picture")
    else:
        sheet.paste(picture.tile(side_mm), corner)
        box = picture.corners(side_mm)
        if box is not None:
            _draw_corners(draw, (left + box[0], top + box[1], left + box[2], top + box[3]))
    short = "" if mark.short_mm is None else f" x {mark.short_mm:.0f}"
    more = f" (+{len(mark.repeats)})" if mark.repeats else ""
    _write(draw, (left, top + TILE_PX + 1), f"{mark.long_mm:.0f}{short} mm{more}")


def _draw_empty(draw: ImageDraw.ImageDraw, corner: tuple[int, int], text: str) -> None:
    left, top = corner
    draw.rectangle((left, top, left + TILE_PX - 1, top + TILE_PX - 1), outline=FAINT)
    _write(draw, (left + GAP_PX, top + TILE_PX // 2 - GAP_PX), text, DIM)


def _draw_corners(draw: ImageDraw.ImageDraw, box: tuple[float, float, float, float]) -> None:
    """Draw the corners of a box, white with a dark rim: seen on lung and on bone."""
    x0, y0, x1, y1 = box
    tick = min(TICK_PX, (x1 - x0) / 3, (y1 - y0) / 3)
    for fill, wide in ((0, 3), (TEXT, 1)):
        for x, inward in ((x0, tick), (x1, -tick)):
            for y, down in ((y0, tick), (y1, -tick)):
                draw.line(((x + inward, y), (x, y), (x, y + down)), fill=fill, width=wide)


def _write(draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, fill: int = TEXT) -> None:
    draw.text(place, text, fill=fill, font=font(TEXT_SIZE))
