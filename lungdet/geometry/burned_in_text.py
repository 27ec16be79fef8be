"""Letters drawn into a picture, as consoles burn names of views and clocks into radiographs."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

GLYPH_ROWS, GLYPH_COLUMNS = 7, 5
# Seven rows of five bits for each letter, the highest bit at the left.
_GLYPHS = {
    " ": (0, 0, 0, 0, 0, 0, 0),
    "-": (0, 0, 0, 31, 0, 0, 0),
    ".": (0, 0, 0, 0, 0, 12, 12),
    "/": (1, 1, 2, 4, 8, 16, 16),
    ":": (0, 12, 12, 0, 12, 12, 0),
    "0": (14, 17, 19, 21, 25, 17, 14),
    "1": (4, 12, 4, 4, 4, 4, 14),
    "2": (14, 17, 1, 2, 4, 8, 31),
    "3": (31, 2, 4, 2, 1, 17, 14),
    "4": (2, 6, 10, 18, 31, 2, 2),
    "5": (31, 16, 30, 1, 1, 17, 14),
    "6": (6, 8, 16, 30, 17, 17, 14),
    "7": (31, 1, 2, 4, 8, 8, 8),
    "8": (14, 17, 17, 14, 17, 17, 14),
    "9": (14, 17, 17, 15, 1, 2, 12),
    "A": (14, 17, 17, 31, 17, 17, 17),
    "B": (30, 17, 17, 30, 17, 17, 30),
    "C": (14, 17, 16, 16, 16, 17, 14),
    "D": (28, 18, 17, 17, 17, 18, 28),
    "E": (31, 16, 16, 30, 16, 16, 31),
    "F": (31, 16, 16, 30, 16, 16, 16),
    "H": (17, 17, 17, 31, 17, 17, 17),
    "I": (14, 4, 4, 4, 4, 4, 14),
    "K": (17, 18, 20, 24, 20, 18, 17),
    "L": (16, 16, 16, 16, 16, 16, 31),
    "M": (17, 27, 21, 21, 17, 17, 17),
    "N": (17, 25, 21, 19, 17, 17, 17),
    "O": (14, 17, 17, 17, 17, 17, 14),
    "P": (30, 17, 17, 30, 16, 16, 16),
    "R": (30, 17, 17, 30, 20, 18, 17),
    "S": (15, 16, 16, 14, 1, 1, 30),
    "T": (31, 4, 4, 4, 4, 4, 4),
    "U": (17, 17, 17, 17, 17, 17, 14),
    "V": (17, 17, 17, 17, 17, 10, 4),
    "X": (17, 17, 10, 4, 10, 17, 17),
}
LETTERS = "".join(_GLYPHS)
SIDE_MARKS = "LR"


def text_mask(text: str, scale: int = 1) -> Tensor:
    """Draw a line of text, ``(7 * scale, 6 * scale * letters - scale)`` bool; a gap of one column between letters.

    Args:
        text: of the letters in :data:`LETTERS`.
        scale: pixels for each dot, at least 1.

    Raises:
        ValueError: there is no glyph for a letter, or the scale is below 1.

    Example:
        >>> text_mask("T").int()[:2].tolist()
        [[1, 1, 1, 1, 1], [0, 0, 1, 0, 0]]
    """
    unknown = sorted(set(text) - set(LETTERS))
    if unknown or scale < 1:
        raise ValueError(f"wanted letters of {LETTERS!r} and a scale of at least 1, got {text!r} and {scale}")
    if not text:
        return torch.zeros(GLYPH_ROWS * scale, 0, dtype=torch.bool)
    dots = torch.cat([_glyph(letter) for letter in text], dim=1)[:, :-1]
    return dots if scale == 1 else dots.repeat_interleave(scale, 0).repeat_interleave(scale, 1)


def burn_in_text(picture: Tensor, text: str, where: tuple[float, float], height: float, value: float = 1.0) -> Tensor:
    """Write a line of text into a copy of a picture; what does not fit is cut off.

    Args:
        picture: ``(C, rows, columns)``.
        text: see :func:`text_mask`.
        where: top left corner, as shares of the rows and of the columns, in ``[0, 1]``.
        height: of the letters, as a share of the rows; at least 7 pixels.
        value: of the letters.
    """
    rows, columns = picture.shape[-2:]
    top, left = int(where[0] * rows), int(where[1] * columns)
    mask = text_mask(text, max(1, round(height * rows / GLYPH_ROWS)))[: rows - top, : columns - left]
    out = picture.clone()
    out[:, top : top + mask.shape[0], left : left + mask.shape[1]].masked_fill_(mask.to(out.device), value)
    return out


@cache
def _glyph(letter: str) -> Tensor:
    """A letter and the gap after it, ``(7, 6)`` bool."""
    bits = torch.tensor(_GLYPHS[letter])[:, None] << 1
    return (bits >> torch.arange(GLYPH_COLUMNS, -1, -1)[None] & 1).bool()
