"""A sheet of small cubes: three planes through the mark and one more in a soft window, truth against answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lungdet.records import CTVolume, SeriesInfo

from .label_error_sheet import BACKGROUND, DIM, TEXT, TEXT_SIZE, TITLE_SIZE, fit_text
from .pictures import LUNG_WINDOW_HU, font, to_png
from .planes import AXIAL, PLANES, PatientView, Plane

TILE_PX, GAP_PX, LINE_PX, HEAD_PX, TICK_PX = 132, 4, 17, 58, 7
SOFT_WINDOW_HU = (100.0, 800.0)  # centre, width: cores and calcium are told apart, ground glass is dark
VIEWS: tuple[tuple[Plane, tuple[float, float]], ...] = (
    *((plane, LUNG_WINDOW_HU) for plane in PLANES), (AXIAL, SOFT_WINDOW_HU),
)  # fmt: skip
LEGEND = "axial (patient's right at the left), coronal, sagittal; axial in a soft window; the mark is in the middle"


@dataclass(frozen=True, eq=False)
class CubeCase:
    """A cube that is worth a look.

    Attributes:
        hu: ``(X, Y, Z)``; the mark is in its middle.
        affine_lps: ``(4, 4)`` from voxel centres to LPS mm.
        caption: lines of text; what does not fit is cut, and the last line is dim.
    """

    hu: NDArray[np.int16]
    affine_lps: NDArray[np.float64]
    caption: tuple[str, ...]


def draw_cubes(columns: Mapping[str, Sequence[CubeCase]], title: str = "") -> bytes:
    """Draw cases below each other, a column for each heading.

    Args:
        columns: cases by heading; a column without cases says "none".
        title: above all of them; how the planes are hung follows it.

    Returns:
        PNG bytes; the same cases give the same bytes.

    Raises:
        ValueError: a cube is not ``(X, Y, Z)``.
    """
    lines = max((len(case.caption) for cases in columns.values() for case in cases), default=1)
    width = len(VIEWS) * (TILE_PX + GAP_PX) + 4 * GAP_PX
    height = TILE_PX + lines * LINE_PX + 3 * GAP_PX
    rows = max(1, *(len(cases) for cases in columns.values())) if columns else 1
    sheet = Image.new("L", (max(1, len(columns)) * width + 4 * GAP_PX, HEAD_PX + rows * height + GAP_PX), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    top = f"{title}: {LEGEND}" if title else LEGEND
    draw.text((4 * GAP_PX, GAP_PX), top, fill=DIM, font=font(TEXT_SIZE))
    for place, (heading, cases) in enumerate(columns.items()):
        left = 4 * GAP_PX + place * width
        text = heading if cases else f"{heading}: none"
        draw.text((left, HEAD_PX - TITLE_SIZE - 2 * GAP_PX), text, fill=TEXT, font=font(TITLE_SIZE))
        for row, case in enumerate(cases):
            _draw_case(sheet, draw, case, (left, HEAD_PX + GAP_PX + row * height))
    return to_png(sheet)


def _draw_case(sheet: Image.Image, draw: ImageDraw.ImageDraw, case: CubeCase, place: tuple[int, int]) -> None:
    if case.hu.ndim != 3:
        raise ValueError(f"a cube must be (X, Y, Z), got {case.hu.shape}")
    left, top = place
    view = PatientView.of(CTVolume(case.hu, case.affine_lps, SeriesInfo("cube")))
    for number, (plane, window) in enumerate(VIEWS):
        sheet.paste(_tile(view, plane, window), (left + number * (TILE_PX + GAP_PX), top))
    width = len(VIEWS) * (TILE_PX + GAP_PX) - GAP_PX
    for row, line in enumerate(case.caption):
        fill = DIM if row and row == len(case.caption) - 1 else TEXT
        where = left, top + TILE_PX + 2 + row * LINE_PX
        draw.text(where, fit_text(line, width), fill=fill, font=font(TEXT_SIZE))


def _tile(view: PatientView, plane: Plane, window: tuple[float, float]) -> Image.Image:
    """A section through the middle, with short lines at its rim that point to the mark."""
    center, width = window
    section = view.section(plane, view.array.shape[plane.normal_axis] // 2)
    grey = (np.nan_to_num(section.astype(np.float32), nan=-1024.0) - (center - width / 2)) / width
    picture = Image.fromarray(np.ascontiguousarray((grey.clip(0, 1) * 255 + 0.5).astype(np.uint8)))
    tile = picture.resize((TILE_PX, TILE_PX), Image.Resampling.BICUBIC)
    draw, middle, last = ImageDraw.Draw(tile), TILE_PX // 2, TILE_PX - 1
    for start, stop in ((0, TICK_PX), (last - TICK_PX, last)):
        for ends in (((start, middle), (stop, middle)), ((middle, start), (middle, stop))):
            draw.line(ends, fill=TEXT)
    return tile
