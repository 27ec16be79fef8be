"""Read the pixels of a stack into one block of Hounsfield units.

Every slice has its own slope, intercept and padding. A block is int16 where all slopes and intercepts are whole numbers
and every value fits; native pixels are then read straight into it and rescaled in place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .dicom_padding import in_range, padding_range
from .dicom_pixels import read_pixels
from .errors import DicomFileError, SeriesError
from .read_options import ReadOptions
from .slice_facts import SliceFacts

Block: TypeAlias = NDArray[Any]

OUT_OF_FIELD_HU = -1500.0  # air with noise stays above; scanners write -2000, -2048, -3024 outside the field of view
BODY_HU = -900.0  # lung and denser: padding named so is rather a measurement
THREADS = 2  # more gain nothing: reading waits for memory, and most codecs hold the interpreter lock
INT16 = np.iinfo(np.int16)


class _NotInt16Error(Exception):
    """A value does not fit int16 exactly."""


class Tally(NamedTuple):
    """What was met in one slice, or in all.

    Attributes:
        padded: voxels that were padding and were filled.
        in_body: those of them whose value, by the tags, is within the range of the body.
        lowest_hu: lowest HU of what is not padding; infinite if all is.
        highest_hu: highest, likewise.
    """

    padded: int
    in_body: int
    lowest_hu: float
    highest_hu: float


def read_stack(slices: Sequence[SliceFacts], options: ReadOptions, source: str) -> tuple[Block, Tally]:
    """Read slices of one grid as HU.

    Args:
        slices: what to read, in the order of the result.
        options: ``padding_hu``, ``max_bytes`` and ``dtype`` count.
        source: where the slices come from, for messages.

    Returns:
        C-ordered ``(N, rows, columns)`` block in HU, int16 or float32, and what was met.

    Raises:
        SeriesError: the block is too large, or a file cannot be read.
    """
    if options.dtype == "auto" and all(_may_be_int16(fact, options.padding_hu) for fact in slices):
        try:
            return _read_as(np.dtype(np.int16), _read_int16, slices, options, source)
        except _NotInt16Error:
            pass  # rare: 16 bit values with an intercept that takes them out of range
    return _read_as(np.dtype(np.float32), _read_float32, slices, options, source)


def check_size(count: int, grid: tuple[int, ...], dtype: np.dtype[Any], max_bytes: int, source: str) -> None:
    """Refuse a volume that needs more than ``max_bytes``.

    Raises:
        SeriesError: it does.
    """
    wanted = count * grid[0] * grid[1] * dtype.itemsize
    if wanted > max_bytes:
        size = f"{count} x {grid[0]} x {grid[1]} voxels need {wanted} bytes"
        raise SeriesError(f"{source}: {size}, more than max_bytes={max_bytes}; raise max_bytes if you trust the files")


def same_pixels(one: SliceFacts, two: SliceFacts) -> bool:
    """Whether two slices hold the same HU."""
    if (one.slope, one.intercept) != (two.slope, two.intercept):
        return False
    return np.array_equal(read_pixels(one.header, frame=one.frame), read_pixels(two.header, frame=two.frame))


def _may_be_int16(fact: SliceFacts, padding_hu: float | None) -> bool:
    numbers = (fact.slope, fact.intercept, padding_hu or 0.0)
    return all(number == round(number) and INT16.min <= number <= INT16.max for number in numbers)


def _read_as(
    dtype: np.dtype[Any],
    read: Callable[[SliceFacts, Block, float | None], Tally],
    slices: Sequence[SliceFacts],
    options: ReadOptions,
    source: str,
) -> tuple[Block, Tally]:
    check_size(len(slices), slices[0].grid, dtype, options.max_bytes, source)
    block = np.empty((len(slices), *slices[0].grid), dtype=dtype)

    def read_one(place: int) -> Tally:
        try:
            return read(slices[place], block[place], options.padding_hu)
        except OSError as error:
            problem = f"it can no longer be read ({error.strerror or error})"
            raise DicomFileError(slices[place].path, problem, "leave the files in place while they are read") from error

    with ThreadPoolExecutor(THREADS) as pool:
        # map raises the error of the first bad slice, whichever thread comes upon one first
        tallies = list(pool.map(read_one, range(len(slices))))
    padded, in_body, lowest, highest = zip(*tallies, strict=True)
    return block, Tally(sum(padded), sum(in_body), min(lowest), max(highest))


def _read_int16(fact: SliceFacts, out: Block, padding_hu: float | None) -> Tally:
    """Read one slice into ``out``, ``(rows, columns)`` int16."""
    slope, intercept = int(fact.slope), int(fact.intercept)
    stored = _read_stored(fact, out)
    outside, in_body = _outside(fact, stored, padding_hu)
    if outside is not None:
        stored[outside] = stored.flat[int(outside.argmin())]  # any value of the picture: padding need not fit int16
    low, high = sorted((int(stored.min()) * slope + intercept, int(stored.max()) * slope + intercept))
    empty = outside is not None and bool(outside.all())
    if empty:
        low = high = 0
    if low < INT16.min or high > INT16.max:
        raise _NotInt16Error
    # Arithmetic modulo 2**16 is exact here, as the result is known to fit.
    wrapped = stored.view(np.uint16) if stored.dtype.itemsize == 2 else stored.astype(np.int64).astype(np.uint16)
    hu = out.view(np.uint16)
    np.multiply(wrapped, np.uint16(slope % 65536), out=hu) if slope != 1 else _copy_unless_same(wrapped, hu)
    if intercept:
        np.add(hu, np.uint16(intercept % 65536), out=hu)
    return Tally(_fill(out, outside, padding_hu), in_body, *((math.inf, -math.inf) if empty else (low, high)))


def _read_float32(fact: SliceFacts, out: Block, padding_hu: float | None) -> Tally:
    """Read one slice into ``out``, ``(rows, columns)`` float32."""
    if _may_be_int16(fact, padding_hu):
        whole = np.empty(out.shape, dtype=np.int16)
        try:
            tally = _read_int16(fact, whole, padding_hu)  # three times as fast as arithmetic in float64
        except _NotInt16Error:
            pass
        else:
            out[...] = whole
            return tally
    stored = read_pixels(fact.header, frame=fact.frame)[0]
    outside, in_body = _outside(fact, stored, padding_hu)
    out[...] = stored * np.float64(fact.slope) + fact.intercept
    shown = out if outside is None else out[~outside]
    ends = (float(shown.min()), float(shown.max())) if shown.size else (math.inf, -math.inf)
    return Tally(_fill(out, outside, padding_hu), in_body, *ends)


def _read_stored(fact: SliceFacts, out: Block) -> Block:
    """Read stored values, into the memory of ``out`` if they have 16 bits."""
    header = fact.header
    if header.integer("BitsAllocated") != 16:
        whole: Block = read_pixels(header, frame=fact.frame)[0]
        return whole
    stored: Block = out.view(np.int16 if header.integer("PixelRepresentation") else np.uint16)
    read_pixels(header, out=stored[None], frame=fact.frame)
    return stored


def _outside(fact: SliceFacts, stored: Block, padding_hu: float | None) -> tuple[NDArray[np.bool_] | None, int]:
    """Tell the voxels that are padding by their tags or by HU of -1500 or less, None if there are none.

    Also count those that the tags call padding although their value is that of the body.
    """
    masks, in_body = [], 0
    if padding_hu is None:
        return None, 0
    padding = padding_range(fact.header, stored.dtype)
    if padding is not None:
        masks.append(in_range(stored, padding))
        if max(value * fact.slope + fact.intercept for value in padding) > BODY_HU:
            in_body = int(np.count_nonzero(masks[0]))
    limit = (OUT_OF_FIELD_HU - fact.intercept) / fact.slope
    if fact.slope > 0 and stored.min() <= limit:
        masks.append(stored <= math.floor(limit))
    elif fact.slope < 0 and stored.max() >= limit:
        masks.append(stored >= math.ceil(limit))
    if not masks:
        return None, 0
    mask: NDArray[np.bool_] = np.logical_or.reduce(masks) if len(masks) > 1 else masks[0]
    return (mask, in_body) if mask.any() else (None, 0)


def _copy_unless_same(values: Block, out: Block) -> None:
    if not np.shares_memory(values, out):
        out[...] = values


def _fill(out: Block, outside: NDArray[np.bool_] | None, padding_hu: float | None) -> int:
    if outside is None or padding_hu is None:
        return 0
    out[outside] = padding_hu
    return int(np.count_nonzero(outside))
