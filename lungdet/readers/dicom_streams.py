"""Read what a compressed image says about itself, before any decoder takes memory for it.

A JPEG 2000 stream of 1.4 KiB can ask for 5 GB. So its own dimensions are read first, and must be those that the DICOM
header gives.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

JPEG_START, JPEG_LS_FRAME = 0xFFD8, 0xFFF7
END_OF_IMAGE = b"\xff\xd9"
J2K_START = b"\xff\x4f\xff\x51"  # start of codestream, then always the size segment (ISO 15444-1 A.4)
JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  "
NO_PAYLOAD = frozenset({0xFF01, *range(0xFFD0, 0xFFD8)})  # temporary and restart markers stand alone
NOT_FRAMES = frozenset({0xFFC4, 0xFFC8, 0xFFCC})  # Huffman tables, reserved, arithmetic conditioning
SCAN, END = 0xFFDA, 0xFFD9


@dataclass(frozen=True)
class StreamHeader:
    """What a compressed stream says about itself.

    Attributes:
        kind: ``"jpeg"``, ``"jpegls"`` or ``"jpeg2000"``.
        process: the frame marker of a JPEG stream, 0xFFC0 (baseline) to 0xFFCF; 0 for JPEG 2000.
        rows: pixels down.
        columns: pixels along.
        components: samples per pixel.
        precision: bits per sample.
        start: where the codestream begins in the bytes.
    """

    kind: str
    process: int
    rows: int
    columns: int
    components: int
    precision: int
    start: int = 0


def read_stream_header(data: bytes) -> StreamHeader:
    """Read the frame header of a JPEG or JPEG-LS stream, or the size segment of a JPEG 2000 stream.

    Args:
        data: one compressed frame.

    Raises:
        ValueError: it is none of these, or it is damaged.
    """
    try:
        if data[:4] == J2K_START:
            return _jpeg2000(data, 0)
        if data[:8] == JP2_SIGNATURE:  # a JP2 file, which DICOM does not allow and some write (PS3.5 A.4.4)
            start = data.find(J2K_START)
            if start < 0:
                raise ValueError("its JP2 box holds no JPEG 2000 codestream")
            return _jpeg2000(data, start)
        if data[:2] == JPEG_START.to_bytes(2, "big"):
            return _jpeg(data)
    except struct.error as error:
        raise ValueError(f"its compressed stream of {len(data)} bytes ends inside its header") from error
    raise ValueError(f"its compressed stream begins with {data[:4].hex() or 'nothing'}, no image that is known")


def is_complete(data: bytes) -> bool:
    r"""Whether a JPEG, JPEG-LS or JPEG 2000 stream has its end marker; decoders fill in what is cut off.

    Example:
        >>> is_complete(b"...\xff\xd9\x00"), is_complete(b"...")
        (True, False)
    """
    return data.rstrip(b"\0\xff").endswith(END_OF_IMAGE)  # some writers pad with FF


def _jpeg2000(data: bytes, start: int) -> StreamHeader:
    x1, y1, x0, y0 = struct.unpack_from(">4L", data, start + 8)
    (components,) = struct.unpack_from(">H", data, start + 40)
    depth, step_x, step_y = struct.unpack_from(">3B", data, start + 42)
    if step_x != 1 or step_y != 1:
        raise ValueError(f"its JPEG 2000 stream is subsampled by {step_x} x {step_y}")
    return StreamHeader("jpeg2000", 0, y1 - y0, x1 - x0, components, (depth & 0x7F) + 1, start)


def _jpeg(data: bytes) -> StreamHeader:
    """Step over the segments to the frame header (ISO 10918-1 B.2.2)."""
    position = 2
    while True:
        (marker,) = struct.unpack_from(">H", data, position)
        if marker == 0xFFFF:  # fill bytes before a marker
            position += 1
            continue
        if marker in NO_PAYLOAD:
            position += 2
            continue
        if marker < 0xFFC0 or marker in (SCAN, END):
            raise ValueError(f"its JPEG stream has {marker:04X} at byte {position} where its frame header belongs")
        (length,) = struct.unpack_from(">H", data, position + 2)
        if marker == JPEG_LS_FRAME or (marker <= 0xFFCF and marker not in NOT_FRAMES):
            precision, rows, columns, components = struct.unpack_from(">BHHB", data, position + 4)
            kind = "jpegls" if marker == JPEG_LS_FRAME else "jpeg"
            return StreamHeader(kind, marker, rows, columns, components, precision)
        position += 2 + length
