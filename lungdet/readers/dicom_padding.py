"""Which stored values are padding around the image, and no measurement."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dicom_header import DicomHeader

logger = logging.getLogger(__name__)


def padding_mask(header: DicomHeader, stored: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell the padding pixels of an image.

    PixelPaddingValue alone names one value; with PixelPaddingRangeLimit it names a range, ends included (PS3.3
    C.7.5.1.1.2). Writers confuse signed with unsigned: 63536 in a signed image of 16 bits means -2000, and is read so.

    Args:
        header: header of the file.
        stored: values as `read_pixels` returns them, in the file's own type, of any shape.

    Returns:
        True where a pixel is padding, of the same shape.
    """
    padding = padding_range(header, stored.dtype)
    if padding is None:
        return np.zeros(stored.shape, dtype=bool)
    return in_range(stored, padding)


def in_range(stored: NDArray[Any], padding: tuple[int, int]) -> NDArray[np.bool_]:
    """Tell the pixels from the lowest to the highest value of ``padding``, ends included."""
    low, high = padding
    mask: NDArray[np.bool_] = stored == low if low == high else (stored >= low) & (stored <= high)
    return mask


def padding_range(header: DicomHeader, dtype: np.dtype[Any]) -> tuple[int, int] | None:
    """Return the lowest and the highest stored value that is padding; None if the tags name none that can occur.

    Args:
        header: header of the file.
        dtype: the file's own type of the pixels.
    """
    value, limit = header.integer("PixelPaddingValue"), header.integer("PixelPaddingRangeLimit")
    if value is None:
        return None
    bits = 8 * dtype.itemsize
    stored_bits = min(header.integer("BitsStored") or bits, bits)
    signed = dtype.kind == "i"
    first = as_stored(value, bits, stored_bits, signed)
    last = first if limit is None else as_stored(limit, bits, stored_bits, signed)
    if first is None or last is None:
        logger.warning("%s: padding of %s does not fit its %d bits and is left", header.path, value, stored_bits)
        return None
    return min(first, last), max(first, last)


def as_stored(value: int, bits: int, stored_bits: int, signed: bool) -> int | None:
    """Read a value with the sign that the pixels have, whatever sign it was written with.

    Args:
        value: as its own VR gives it.
        bits: bits of the pixels' type.
        stored_bits: how many of them hold the value.
        signed: whether the pixels are signed.

    Returns:
        The value as it occurs among the pixels; None if it cannot occur there.

    Example:
        >>> as_stored(63536, 16, 16, signed=True), as_stored(-2000, 16, 16, signed=False)
        (-2000, 63536)
        >>> as_stored(0x830, 16, 12, signed=True), as_stored(63536, 16, 12, signed=False)
        (-2000, None)
    """
    if not signed:
        wrapped = value % (1 << bits)
        return wrapped if wrapped < 1 << stored_bits else None
    half = 1 << (stored_bits - 1)
    for width in (bits, stored_bits):
        wrapped = (value + (1 << (width - 1))) % (1 << width) - (1 << (width - 1))
        if -half <= wrapped < half and (width == bits or 0 <= value < 2 * half):
            return wrapped
    return None
