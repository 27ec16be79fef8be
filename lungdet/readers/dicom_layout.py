"""How the stored values of an image are laid out in bits (PS3.5 8.1), and what array they make."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungdet.counted import counted

from .dicom_header import DicomHeader
from .errors import DicomFileError

logger = logging.getLogger(__name__)

READABLE_BITS = (8, 16, 32)
EXPORT_AGAIN = "export the file again"


@dataclass(frozen=True)
class PixelLayout:
    """The layout of one grey image.

    Attributes:
        frames: number of frames.
        rows: pixels down a frame.
        columns: pixels along a frame.
        bits_allocated: bits of one pixel in the file: 8, 16 or 32.
        bits_stored: bits of it that hold the value.
        high_bit: the highest of these, counted from 0.
        signed: whether the value is in two's complement.
    """

    frames: int
    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stored values."""
        return np.dtype(f"{'i' if self.signed else 'u'}{self.bits_allocated // 8}")

    @property
    def raw_dtype(self) -> np.dtype[Any]:
        """Type of the same bits before they are values: unsigned."""
        return np.dtype(f"u{self.bits_allocated // 8}")

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame."""
        return self.rows * self.columns * self.bits_allocated // 8

    @property
    def value_range(self) -> tuple[int, int]:
        """Lowest and highest value that the bits can hold.

        Example:
            >>> PixelLayout(1, 2, 2, 16, 12, 11, signed=True).value_range
            (-2048, 2047)
        """
        if self.signed:
            return -(1 << (self.bits_stored - 1)), (1 << (self.bits_stored - 1)) - 1
        return 0, (1 << self.bits_stored) - 1

    def fits(self, dtype: np.dtype[Any]) -> bool:
        """Whether every possible value is exact in ``dtype``."""
        low, high = self.value_range
        if dtype.kind == "f":
            return high < 1 << np.finfo(dtype).nmant
        return dtype.kind in "iu" and np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max


def layout_of(header: DicomHeader) -> PixelLayout:
    """Take the layout of a grey image from a header.

    Raises:
        DicomFileError: it is no grey image, or :func:`stored_layout` refuses it.
    """
    _refuse_colour(header)
    return stored_layout(header)


def stored_layout(header: DicomHeader) -> PixelLayout:
    """Take the layout of one sample of each pixel from a header, whatever the samples mean.

    Missing BitsStored, HighBit and PixelRepresentation are filled in and logged; all else must be there and agree.

    Raises:
        DicomFileError: a number is missing or impossible, or the image is larger than the limits.
    """
    allocated = _required(header, "BitsAllocated")
    if allocated not in READABLE_BITS:
        raise _bad(header, f"BitsAllocated is {allocated}, and only 8, 16 and 32 can be read")
    stored = _optional(header, "BitsStored", allocated)
    high_bit = _optional(header, "HighBit", stored - 1)
    if not (0 < stored <= high_bit + 1 <= allocated):
        raise _bad(
            header, f"BitsAllocated {allocated}, BitsStored {stored} and HighBit {high_bit} contradict each other"
        )
    representation = _optional(header, "PixelRepresentation", 0)
    if representation not in (0, 1):
        raise _bad(header, f"PixelRepresentation is {representation}, not 0 or 1")
    layout = PixelLayout(
        frames=header.integer("NumberOfFrames") or 1,
        rows=_required(header, "Rows"),
        columns=_required(header, "Columns"),
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high_bit,
        signed=representation == 1,
    )
    _check_size(header, layout)
    return layout


def raw_to_values(raw: NDArray[Any], layout: PixelLayout) -> NDArray[Any]:
    """Turn the bits of pixels into values, in place: high bits cleared, sign extended.

    Args:
        raw: pixels of the layout's ``raw_dtype``, any shape.
        layout: which bits count.

    Returns:
        The same memory as the layout's ``dtype``.

    Example:
        >>> layout = PixelLayout(1, 1, 2, 16, 12, 11, signed=True)
        >>> raw_to_values(np.array([0xF7D0, 0x0830], np.uint16), layout)
        array([ 2000, -2000], dtype=int16)
    """
    above = layout.bits_allocated - 1 - layout.high_bit
    below = layout.bits_allocated - layout.bits_stored
    values: NDArray[Any] = raw.view(layout.dtype)
    if above:
        np.left_shift(values, above, out=values)
    if below:
        np.right_shift(values, below, out=values)  # copies the sign where the type has one
    return values


def _refuse_colour(header: DicomHeader) -> None:
    samples = header.integer("SamplesPerPixel") or 1
    photometric = header.text("PhotometricInterpretation")
    if samples != 1 or photometric in ("PALETTE COLOR", "RGB") or photometric.startswith("YBR"):
        raise DicomFileError(
            header.path,
            f"it is a colour picture ({photometric or 'no PhotometricInterpretation'}, {samples} samples per pixel)",
            "leave it out: dose pages and screen shots hold no measurements",
        )


def _check_size(header: DicomHeader, layout: PixelLayout) -> None:
    if min(layout.rows, layout.columns, layout.frames) < 1:
        raise _bad(
            header, f"its {counted(layout.frames, 'frame')} of {layout.rows} x {layout.columns} pixels hold nothing"
        )
    size, limit = layout.frame_bytes * layout.frames, header.limits.max_pixel_bytes
    if size > limit:
        raise DicomFileError(
            header.path,
            f"its {counted(layout.frames, 'frame')} of {layout.rows} x {layout.columns} pixels take {size} bytes, "
            f"more than the limit of {limit}",
            "raise ReadLimits.max_pixel_bytes if you trust the file",
        )


def _required(header: DicomHeader, keyword: str) -> int:
    value = header.integer(keyword)
    if value is None:
        raise _bad(header, f"{keyword} is missing")
    return value


def _optional(header: DicomHeader, keyword: str, default: int) -> int:
    value = header.integer(keyword)
    if value is None:
        logger.warning("%s: %s is missing, taken as %d", header.path, keyword, default)
        return default
    return value


def _bad(header: DicomHeader, problem: str) -> DicomFileError:
    return DicomFileError(header.path, problem, EXPORT_AGAIN)
