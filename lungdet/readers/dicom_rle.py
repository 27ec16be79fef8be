"""Decode RLE frames (PS3.5 annex G) into exactly as many bytes as the image has, whatever the segments say."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dicom_layout import PixelLayout

HEADER_BYTES = 64
LITERAL_MAX, NO_OPERATION = 127, 128
MAX_ZEROS = 7  # after a segment: the standard pads it to an even length, some writers to four or eight


def decode_rle(data: bytes, layout: PixelLayout) -> NDArray[Any]:
    """Decode one frame.

    Args:
        data: the frame: a header of 16 numbers, then a segment for each byte of a pixel, the high byte first.
        layout: size and bits of the frame.

    Returns:
        The bits of the pixels, ``(rows, columns)`` of the layout's ``raw_dtype``.

    Raises:
        ValueError: the frame is damaged or cut off.
    """
    width = layout.bits_allocated // 8
    pixels = layout.rows * layout.columns
    planes = np.empty((pixels, width), dtype=np.uint8)
    for number, plane in enumerate(_planes(data, width, pixels)):
        planes[:, width - 1 - number] = np.frombuffer(plane, dtype=np.uint8)  # stored high byte first, wanted low first
    return planes.view(layout.raw_dtype.newbyteorder("<")).reshape(layout.rows, layout.columns)


def decode_rle_samples(data: bytes, rows: int, columns: int, samples: int) -> NDArray[np.uint8]:
    """Decode one frame of several samples of one byte, as colour pictures have.

    Returns:
        ``(rows, columns, samples)``.

    Raises:
        ValueError: the frame is damaged or cut off.
    """
    planes = [np.frombuffer(plane, np.uint8) for plane in _planes(data, samples, rows * columns)]
    return np.stack(planes, axis=1).reshape(rows, columns, samples)


def _planes(data: bytes, wanted: int, pixels: int) -> Iterator[bytearray]:
    """Unpack the segments of a frame, one byte for each pixel in each."""
    if len(data) < HEADER_BYTES:
        raise ValueError(f"its RLE frame of {len(data)} bytes is shorter than an RLE header")
    count, *offsets = struct.unpack_from("<16L", data)
    if count != wanted:
        raise ValueError(f"its RLE frame has {count} segments, and {wanted} bytes per pixel want as many")
    ends = [*offsets[1:count], len(data)]
    for number, (start, end) in enumerate(zip(offsets, ends, strict=False)):
        if not HEADER_BYTES <= start <= end <= len(data):
            raise ValueError(f"its RLE segment {number + 1} runs from byte {start} to {end} of {len(data)}")
        yield _unpack(data, start, end, pixels)


def _unpack(data: bytes, start: int, end: int, size: int) -> bytearray:
    """Undo PackBits: exactly ``size`` bytes must be out when the segment is used up but for its padding."""
    out = bytearray()
    position = start
    while len(out) < size and position < end:
        code = data[position]
        if code <= LITERAL_MAX:  # code + 1 bytes as they are
            out += data[position + 1 : position + 2 + code]
            position += 2 + code
        elif code > NO_OPERATION:  # one byte 257 - code times
            out += data[position + 1 : position + 2] * (257 - code)
            position += 2
        else:
            position += 1
    if len(out) != size or position > end:
        raise ValueError(f"its RLE segment gives {len(out)} bytes, and {size} are needed")
    rest = end - position
    if rest > 1 and (rest > MAX_ZEROS or any(data[position:end])):
        raise ValueError(f"its RLE segment has {rest} bytes left when all {size} pixels are out: it is damaged")
    return out
