"""Turn a picture of any mode that Pillow knows to grey in [0, 1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .radiograph_greyscale import stretch_of, words_of
from .radiograph_sample import sample_of
from .radiograph_shrink import RowsOf

TIFF_PHOTOMETRIC, WHITE_IS_ZERO = 262, 0
LEAST_COLOUR = 8  # levels of 255 between red, green and blue: compression alone makes less
WHOLE_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
ALPHA_MODES = ("LA", "La", "PA", "RGBA", "RGBa")


def grey_rows(picture: Any, steps: list[str]) -> tuple[RowsOf, tuple[int, int]]:
    """Turn a picture to grey.

    Eight bits are taken as they are, 0 to 255; of deeper ones nobody says which values are black and white, so they are
    stretched between percentiles. What is transparent becomes black.

    Args:
        picture: a loaded or loadable picture of Pillow.
        steps: takes a word on all that was done.

    Returns:
        A function that gives the rows from a first to a last number as float32, and the picture's rows and columns.
    """
    low_is_white = getattr(picture, "tag_v2", {}).get(TIFF_PHOTOMETRIC) == WHITE_IS_ZERO
    if picture.mode in WHOLE_MODES:
        values = np.asarray(picture)
        return _stretched(values, low_is_white, steps), (values.shape[0], values.shape[1])
    if low_is_white and picture.mode in ("1", "L"):
        steps.append("inverted: TIFF whose low values are white")  # Pillow has done so
    levels = _levels(picture, steps)
    scale = np.arange(256, dtype=np.float32) / np.float32(255)
    return (lambda first, last: scale[levels[first:last]]), (levels.shape[0], levels.shape[1])


def _stretched(values: NDArray[Any], inverted: bool, steps: list[str]) -> RowsOf:
    """Stretch more than eight bits; what is no number becomes black."""
    sample = sample_of(values, None)
    stretch = stretch_of(sample[np.isfinite(sample)])
    steps.append(words_of(stretch))
    if inverted:
        steps.append("inverted: TIFF whose low values are white")

    def rows_of(first: int, last: int) -> NDArray[np.float32]:
        part = values[first:last]
        finite = np.isfinite(part)
        shown = stretch(np.where(finite, part, 0))
        return np.where(finite, 1 - shown if inverted else shown, 0).astype(np.float32)

    return rows_of


def _levels(picture: Any, steps: list[str]) -> NDArray[np.uint8]:
    """Return grey levels, ``(rows, columns)``."""
    mode = picture.mode
    if mode in ALPHA_MODES or "transparency" in picture.info:
        picture = _on_black(picture)
        steps.append("transparent parts made black")
    if mode == "1":
        steps.append("two levels only")
    if picture.mode not in ("1", "L"):
        steps.append(colour_words(picture, mode))
    if picture.mode == "LAB":
        return np.asarray(picture.getchannel("L"))
    return np.asarray(picture if picture.mode == "L" else picture.convert("L"))


def _on_black(picture: Any) -> Any:
    from PIL import Image

    picture = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, (0, 0, 0, 255)), picture).convert("RGB")


def colour_words(picture: Any, mode: str) -> str:
    """Say whether a picture really is in colour: many radiographs are kept as grey in red, green and blue."""
    if picture.mode == "LAB":
        return f"colour ({mode}) turned to grey"
    step = max(1, int((picture.width * picture.height / (1 << 14)) ** 0.5))
    small = picture if picture.mode in ("RGB", "P") else picture.convert("RGB")
    small = small.resize((max(1, picture.width // step), max(1, picture.height // step)), 0).convert("RGB")
    samples = np.asarray(small, np.int16)
    spread = samples.max(axis=2) - samples.min(axis=2)
    if (spread > LEAST_COLOUR).mean() > 0.001:
        return f"colour ({mode}) turned to grey"
    return f"grey kept in {mode}"
