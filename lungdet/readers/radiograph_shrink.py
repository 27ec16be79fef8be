"""Shrink a picture by exact area averaging, some rows at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
BLOCK_PIXELS = 1 << 16
RowsOf = Callable[[int, int], Picture]


def shrunk_shape(rows: int, columns: int, max_side: int | None) -> tuple[int, int]:
    """Return the size of a picture whose longer side may be ``max_side``; the aspect is kept, nothing grows.

    Example:
        >>> shrunk_shape(2048, 1024, 256), shrunk_shape(100, 50, 256), shrunk_shape(3000, 2, 256)
        ((256, 128), (100, 50), (256, 1))
    """
    longer = max(rows, columns)
    if max_side is None or longer <= max_side:
        return rows, columns
    return max(1, round(rows * max_side / longer)), max(1, round(columns * max_side / longer))


def square_shape(rows: int, columns: int, aspect: float) -> tuple[int, int]:
    """Return the size of a picture once its pixels are squares as large as their longer side; nothing grows.

    Example:
        >>> square_shape(60, 80, 0.5), square_shape(60, 80, 2.0), square_shape(60, 80, 1.0)
        ((30, 80), (60, 40), (60, 80))
    """
    return max(1, round(rows * min(1.0, aspect))), max(1, round(columns / max(1.0, aspect)))


def shrink(
    rows_of: RowsOf, shape: tuple[int, int], max_side: int | None, steps: list[str], aspect: float = 1.0
) -> Picture:
    """Make a picture of square pixels whose longer side has at most ``max_side`` of them, and say so.

    Args:
        rows_of: gives the rows from the first (included) to the last (excluded) number, float32.
        shape: rows and columns of the picture.
        max_side: the limit; None for the picture as it is.
        steps: takes a word on what was done.
        aspect: how high a pixel is for its width.
    """
    square = square_shape(*shape, aspect)
    new_shape = shrunk_shape(*square, max_side)
    if square != shape:
        sides = f"{aspect:.4g} : 1" if aspect > 1 else f"1 : {1 / aspect:.4g}"
        steps.append(f"pixels of {sides} made square: {_words(shape)} to {_words(square)} by area averaging")
    if new_shape != square:
        steps.append(f"shrunk from {_words(square)} to {_words(new_shape)} by area averaging")
    if new_shape == shape:
        return _all_rows(rows_of, shape)
    picture = shrink_rows(rows_of, shape, new_shape)
    return np.clip(picture, 0, 1, out=picture)  # a mean of ones may be off by a rounding


def _words(shape: tuple[int, int]) -> str:
    return f"{shape[0]} x {shape[1]}"


def _all_rows(rows_of: RowsOf, shape: tuple[int, int]) -> Picture:
    """Put a picture together from blocks of rows that stay in the cache, so that steps between need little memory."""
    picture = np.empty(shape, np.float32)
    count = max(1, BLOCK_PIXELS // shape[1])
    for first in range(0, shape[0], count):
        last = min(first + count, shape[0])
        picture[first:last] = rows_of(first, last)
    return picture


def shrink_rows(rows_of: RowsOf, shape: tuple[int, int], new_shape: tuple[int, int]) -> Picture:
    """Average a picture over the areas of larger pixels; those that an edge cuts count by the part that is inside.

    Args:
        rows_of: gives the rows from the first (included) to the last (excluded) number as float32.
        shape: rows and columns of the picture.
        new_shape: rows and columns wanted, not more than these.

    Returns:
        ``new_shape`` float32.

    Example:
        >>> picture = np.array([[0, 1, 1], [0, 1, 1]], np.float32)
        >>> shrink_rows(lambda a, b: picture[a:b], (2, 3), (1, 2))  # the middle column is cut in halves
        array([[0.33333334, 1.        ]], dtype=float32)
    """
    (rows, columns), (new_rows, new_columns) = shape, new_shape
    bands = np.empty((new_rows, columns), np.float32)
    for number in range(new_rows):
        # In whole numbers, so that an edge that meets a pixel's edge is not off by a rounding.
        first, cut_first = divmod(number * rows, new_rows)
        last, cut_last = divmod((number + 1) * rows, new_rows)
        last += cut_last > 0
        weights = np.full(last - first, new_rows, np.float32)
        weights[0] -= cut_first
        weights[-1] -= new_rows - cut_last if cut_last else 0
        np.matmul(weights / np.float32(rows), rows_of(first, last), out=bands[number])
    return _average_columns(bands, new_columns)


def _average_columns(bands: Picture, new_columns: int) -> Picture:
    rows, columns = bands.shape
    if columns == new_columns:
        return bands
    if columns % new_columns == 0:
        step = columns // new_columns
        total = bands[:, 0::step].copy()
        for offset in range(1, step):
            total += bands[:, offset::step]
        return (total / np.float32(step)).astype(np.float32, copy=False)
    # The integral up to each edge of the new pixels: exact, and no weights to keep.
    integral = np.zeros((rows, columns + 1))
    np.cumsum(bands, axis=1, out=integral[:, 1:], dtype=np.float64)
    whole, cut = np.divmod(np.arange(new_columns + 1) * columns, new_columns)
    at_edges = integral[:, whole] + (cut / new_columns) * bands[:, np.minimum(whole, columns - 1)]
    averages: Picture = (np.diff(at_edges, axis=1) * (new_columns / columns)).astype(np.float32)
    return averages
