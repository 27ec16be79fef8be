"""A sheet of pictures: single cases of an evaluation, each in three planes with its box and a line of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw

from lungdet.records import CTVolume

from .pictures import CLOSEUP_MM, CLOSEUP_PX, GREY_LEVELS, closeup_section, font, to_png, with_palette
from .planes import PLANES, Box, PatientView

GAP_PX, LINE_PX, TITLE_PX = 8, 22, 34
TEXT_SIZE, TITLE_SIZE = 15, 20


@dataclass(frozen=True, eq=False)
class Case:
    """A place in a scan that is worth a look.

    Attributes:
        volume: HU; a piece of the scan around the box is enough, see :func:`cut_around`.
        box: in the edge frame of ``volume``.
        caption: lines of text.
    """

    volume: CTVolume
    box: Box
    caption: tuple[str, ...]


def cut_around(volume: CTVolume, box: Box) -> tuple[CTVolume, Box]:
    """Copy the piece of a volume that a close-up of a box shows.

    Args:
        volume: the scan.
        box: in its edge frame; it may reach out of the scan.

    Returns:
        The piece, and the box in its edge frame.

    Example:
        >>> from lungdet.records import SeriesInfo
        >>> scan = CTVolume(np.zeros((100, 100, 100), np.int16), np.diag([2.0, 2, 2, 1]), SeriesInfo("scan"))
        >>> piece, box = cut_around(scan, (40.0, 40, 2, 44, 44, 6))
        >>> piece.array.shape, box
        ((28, 28, 28), (12.0, 12.0, 2.0, 16.0, 16.0, 6.0))
    """
    spacing = np.linalg.norm(volume.affine_lps[:3, :3], axis=0)
    low, high = np.array(box[:3]), np.array(box[3:])
    side_mm = max(CLOSEUP_MM, 2.5 * float(((high - low) * spacing).max()))
    middle, half = (low + high) / 2, side_mm / 2 / spacing + 1  # a voxel to spare, for the resampling at the rim
    shape = np.array(volume.array.shape)
    size = np.minimum(np.ceil(2 * half).astype(int) + 1, shape)
    start = np.clip(np.floor(middle - half).astype(int), 0, shape - size)  # at the rim the view is shifted inwards
    stop = start + size
    piece = volume.array[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))].copy()
    affine = volume.affine_lps.copy()
    affine[:3, 3] += affine[:3, :3] @ start
    x0, y0, z0, x1, y1, z1 = (np.array(box) - np.tile(start, 2)).tolist()
    info = replace(volume.info, slice_uids=volume.info.slice_uids[start[2] : stop[2]])
    return CTVolume(piece, affine, info), (x0, y0, z0, x1, y1, z1)


def draw_cases(columns: Mapping[str, Sequence[Case]]) -> bytes:
    """Draw cases below each other, a column for each heading.

    Args:
        columns: cases by heading; a column without cases says "none".

    Returns:
        PNG bytes; in the lung window, planes hung as in :mod:`lungdet.reports.planes`.
    """
    lines = max((len(case.caption) for cases in columns.values() for case in cases), default=1)
    width = len(PLANES) * CLOSEUP_PX + (len(PLANES) - 1) * GAP_PX
    height = CLOSEUP_PX + lines * LINE_PX + 2 * GAP_PX
    rows = max(1, *(len(cases) for cases in columns.values()))
    size = len(columns) * (width + 3 * GAP_PX) + GAP_PX, TITLE_PX + rows * height + GAP_PX
    sheet = Image.new("L", size, 0)
    draw = ImageDraw.Draw(sheet)
    for place, (heading, cases) in enumerate(columns.items()):
        left = 2 * GAP_PX + place * (width + 3 * GAP_PX)
        _write(draw, (left, GAP_PX), heading if cases else f"{heading}: none", TITLE_SIZE)
        for row, case in enumerate(cases):
            _draw_case(sheet, draw, case, left, TITLE_PX + GAP_PX + row * height)
    return to_png(with_palette(sheet))


def _draw_case(sheet: Image.Image, draw: ImageDraw.ImageDraw, case: Case, left: int, top: int) -> None:
    for row, line in enumerate(case.caption):
        _write(draw, (left, top + row * LINE_PX), line, TEXT_SIZE)
    top += len(case.caption) * LINE_PX
    view = PatientView.of(case.volume)
    for place, plane in enumerate(PLANES):
        picture = closeup_section(view, plane, view.box(case.box))
        sheet.paste(Image.frombytes("L", picture.size, picture.tobytes()), (left + place * (CLOSEUP_PX + GAP_PX), top))


def _write(draw: ImageDraw.ImageDraw, place: tuple[int, int], text: str, size_px: int) -> None:
    draw.fontmode = "1"  # no soft edges: palette indexes do not blend
    draw.text(place, text, fill=GREY_LEVELS - 1, font=font(size_px))
