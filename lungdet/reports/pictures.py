"""Pictures of findings: sections in lung window with the box drawn in, to scale, as PNG."""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from .planes import Box, PatientView, Plane, Rectangle

LUNG_WINDOW_HU = (-600.0, 1600.0)  # centre, width
WHOLE_PX = 480  # longest side of a picture of a whole section
WHOLE_STEP = 4  # grey levels that become one there, 26 HU: it shows the way, and its file is half as large
CLOSEUP_PX = 300
LETTERED_PX = 60  # least side that has room for letters and a bar
CLOSEUP_MM = 50.0  # at least; large findings get a wider view

Line = tuple[tuple[float, float], tuple[float, float]]

# Pictures are 8-bit with a palette: grey levels below, marks above. Small files, and a mark is found by its index.
GREY_LEVELS = 248
MARK_INDEX = 250
MARK_RGB = (255, 176, 0)
_PALETTE = [round(level * 255 / (GREY_LEVELS - 1)) for level in range(GREY_LEVELS) for _ in range(3)]
_PALETTE += [0] * 3 * (MARK_INDEX - GREY_LEVELS) + list(MARK_RGB)
_PALETTE += [0] * (768 - len(_PALETTE))


@dataclass(frozen=True)
class Canvas:
    """A picture being drawn, and how section pixels map to its own.

    Attributes:
        image: mode ``L``: grey levels below ``GREY_LEVELS``, marks at ``MARK_INDEX``.
        origin: ``(column, row)`` of its top left corner in the edge frame of the section.
        zoom: picture pixels per section pixel, ``(along columns, along rows)``.
    """

    image: Image.Image
    origin: tuple[float, float]
    zoom: tuple[float, float]

    def place(self, rectangle: Rectangle) -> tuple[int, int, int, int]:
        """Map a rectangle of the section to whole pixels of the picture, half-open and at least one pixel wide."""
        left, right = (round((value - self.origin[0]) * self.zoom[0]) for value in rectangle[::2])
        top, bottom = (round((value - self.origin[1]) * self.zoom[1]) for value in rectangle[1::2])
        return left, top, max(right, left + 1), max(bottom, top + 1)


def window_to_grey(hu: NDArray[Any], center_hu: float, width_hu: float) -> NDArray[np.uint8]:
    """Map a window linearly to the grey levels of the palette; values outside it are clipped.

    Example:
        >>> window_to_grey(np.array([-3024, -1400, -600, 200, 3000]), -600.0, 1600.0)
        array([  0,   0, 124, 247, 247], dtype=uint8)
    """
    scaled = (hu.astype(np.float32) - (center_hu - width_hu / 2)) * ((GREY_LEVELS - 1) / width_hu)
    return np.asarray(np.nan_to_num(scaled + 0.5).clip(0, GREY_LEVELS - 1), dtype=np.uint8)


def whole_section(view: PatientView, plane: Plane, box: Box, index: int | None = None) -> Image.Image:
    """Draw a whole section with ``box`` in it.

    The three planes of a study share one scale, ``WHOLE_PX`` for its longest side.

    Args:
        view: the volume.
        plane: how to cut it.
        box: in the edge frame of ``view``.
        index: of the section; None takes the one through the centre of ``box``.

    Returns:
        A picture with palette; a mark's pixels have the index ``MARK_INDEX``.
    """
    section = view.section(plane, view.center_index(plane, box) if index is None else index)
    rows, columns = section.shape
    px_per_mm = WHOLE_PX / max(view.size_mm)
    canvas = _canvas(view, plane, section, (0.0, 0.0, columns, rows), px_per_mm)
    steps = [min(round(level / WHOLE_STEP) * WHOLE_STEP, GREY_LEVELS - 1) for level in range(256)]
    canvas = replace(canvas, image=canvas.image.point(steps))
    draw_box(canvas, view.rectangle(plane, box), line_px=2)
    draw_letters(canvas.image, plane.letters)
    return with_palette(canvas.image)


def closeup_section(
    view: PatientView, plane: Plane, box: Box, index: int | None = None, lines: Sequence[Line] = ()
) -> Image.Image:
    """Draw the neighbourhood of ``box`` enlarged, with a bar of 10 mm; see :func:`whole_section`.

    Args:
        view: the volume.
        plane: how to cut it.
        box: in the edge frame of ``view``.
        index: of the section; None takes the one through the centre of ``box``.
        lines: to draw in place of the box, each two ends ``(column, row)`` in the edge frame of the section's pixels.
    """
    section = view.section(plane, view.center_index(plane, box) if index is None else index)
    rectangle = view.rectangle(plane, box)
    longest_mm = max((box[axis + 3] - box[axis]) * view.spacing_mm[axis] for axis in range(3))
    side_mm = max(CLOSEUP_MM, 2.5 * longest_mm)
    rows, columns = section.shape
    left, right = _span(rectangle[0], rectangle[2], side_mm / view.spacing_mm[plane.column_axis], columns)
    top, bottom = _span(rectangle[1], rectangle[3], side_mm / view.spacing_mm[plane.row_axis], rows)
    canvas = _canvas(view, plane, section, (left, top, right, bottom), CLOSEUP_PX / side_mm)
    if lines:
        _draw_lines(canvas, lines)
    else:
        draw_box(canvas, rectangle, line_px=2)
    _draw_bar(canvas.image, 10.0 * CLOSEUP_PX / side_mm, "10 mm")
    draw_letters(canvas.image, plane.letters)
    return with_palette(canvas.image)


def draw_box(canvas: Canvas, rectangle: Rectangle, line_px: int) -> None:
    """Draw a rectangle of the section; the line lies outside of it, so that it hides nothing of the finding."""
    left, top, right, bottom = canvas.place(rectangle)
    draw = ImageDraw.Draw(canvas.image)
    edge = (left - line_px, top - line_px, right + line_px - 1, bottom + line_px - 1)
    draw.rectangle(edge, outline=MARK_INDEX, width=line_px)


def _draw_lines(canvas: Canvas, lines: Sequence[Line]) -> None:
    draw = ImageDraw.Draw(canvas.image)
    for line in lines:
        places = [tuple((end[axis] - canvas.origin[axis]) * canvas.zoom[axis] for axis in range(2)) for end in line]
        draw.line(places, fill=MARK_INDEX, width=2)


def draw_letters(image: Image.Image, letters: str) -> None:
    """Write what lies at the left, right, top and bottom; not in a strip, where they would cover it."""
    draw, width, height = ImageDraw.Draw(image), image.width, image.height
    if not _has_room(image):
        return
    places = ((4, height / 2, "lm"), (width - 4, height / 2, "rm"), (width / 2, 3, "mt"), (width / 2, height - 4, "mb"))
    for letter, (x, y, anchor) in zip(letters, places, strict=True):
        grey = GREY_LEVELS - 1
        draw.text((x, y), letter, fill=grey, font=font(20), anchor=anchor, stroke_width=2, stroke_fill=0)


def letter_places(image: Image.Image) -> list[Rectangle]:
    """Return what :func:`draw_letters` covers, in pixels of the picture."""
    width, height, size = image.width, image.height, 24
    across, down = (width - size) / 2, (height - size) / 2
    corners = ((0, down), (width - size, down), (across, 0), (across, height - size))
    return [(left, top, left + size, top + size) for left, top in corners]


def with_palette(image: Image.Image) -> Image.Image:
    """Turn a drawn picture, mode ``L``, into one with the palette of greys and marks."""
    out = Image.frombytes("P", image.size, image.tobytes())
    out.putpalette(_PALETTE)
    return out


def to_png(image: Image.Image) -> bytes:
    """Encode as PNG, without any metadata: the same picture gives the same bytes."""
    stream = io.BytesIO()
    image.save(stream, format="PNG", compress_level=4)
    return stream.getvalue()


@functools.cache
def font(size_px: int) -> Any:
    """Load Pillow's own scalable font; the basic layout engine is there on every machine."""
    return ImageFont.load_default(size_px)


def scaled_canvas(grey: NDArray[np.uint8], crop: Rectangle, size_px: tuple[int, int]) -> Canvas:
    """Start a picture from a part of a grey section, resampled to ``(width, height)`` pixels."""
    picture = Image.fromarray(np.ascontiguousarray(grey))
    left, top, right, bottom = crop
    resized = picture.resize(size_px, Image.Resampling.BICUBIC, box=crop)
    resized = resized.point([min(level, GREY_LEVELS - 1) for level in range(256)])  # bicubic overshoots
    return Canvas(resized, (left, top), (size_px[0] / (right - left), size_px[1] / (bottom - top)))


def _canvas(view: PatientView, plane: Plane, section: NDArray[Any], crop: Rectangle, px_per_mm: float) -> Canvas:
    width = (crop[2] - crop[0]) * view.spacing_mm[plane.column_axis] * px_per_mm
    height = (crop[3] - crop[1]) * view.spacing_mm[plane.row_axis] * px_per_mm
    size_px = max(1, round(width)), max(1, round(height))
    return scaled_canvas(window_to_grey(section, *LUNG_WINDOW_HU), crop, size_px)


def _span(low: float, high: float, length: float, limit: int) -> tuple[float, float]:
    """Place an interval of ``length`` around the middle of ``low..high``, shifted to lie in ``0..limit``."""
    if length >= limit:
        return 0.0, float(limit)
    start = min(max((low + high - length) / 2, 0.0), limit - length)
    return start, start + length


def _has_room(image: Image.Image) -> bool:
    return min(image.size) >= LETTERED_PX


def _draw_bar(image: Image.Image, length_px: float, label: str) -> None:
    if not _has_room(image):
        return
    draw, grey = ImageDraw.Draw(image), GREY_LEVELS - 1
    x, y = 10, image.height - 12
    draw.rectangle((x - 1, y - 1, x + round(length_px) + 1, y + 3), fill=0)
    draw.rectangle((x, y, x + round(length_px), y + 2), fill=grey)
    draw.text((x, y - 5), label, fill=grey, font=font(12), anchor="lb", stroke_width=2, stroke_fill=0)
