"""Which stored values are padding around the image, and no measurement."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dicom_file import DicomHeader


def padding_mask(header: DicomHeader, stored: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell the padding pixels of ``stored``, values as :func:`read_pixels` returns them, of any shape.

    PixelPaddingValue alone names one value; with PixelPaddingRangeLimit it names a range, ends included (PS3.3
    C.7.5.1.1.2). Writers confuse signed with unsigned: 63536 in a signed image of 16 bits means -2000, and is read so.
    """
    value, limit = header.integer("PixelPaddingValue"), header.integer("PixelPaddingRangeLimit")
    if value is None:
        return np.zeros(stored.shape, dtype=bool)
    first = _as_stored(value, stored.dtype)
    last = first if limit is None else _as_stored(limit, stored.dtype)
    low, high = min(first, last), max(first, last)
    mask: NDArray[np.bool_] = stored == low if low == high else (stored >= low) & (stored <= high)
    return mask


def _as_stored(value: int, dtype: np.dtype[Any]) -> int:
    """Read ``value`` again with the signedness that the pixels have.

    Example:
        >>> _as_stored(63536, np.dtype("int16")), _as_stored(-2000, np.dtype("uint16"))
        (-2000, 63536)
    """
    bits = 8 * dtype.itemsize
    wrapped = value % (1 << bits)
    return wrapped - (1 << bits) if dtype.kind == "i" and wrapped >= 1 << (bits - 1) else wrapped
