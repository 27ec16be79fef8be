"""Look into the scans of a JPEG stream: how many there are, and whether lossless ones were used up to the last bit.

A JPEG carries no checksum, and its decoders only mutter when the bits run out too early or are left over. A lossless
stream can be held against what came out of it: each pixel cost a known number of bits, and their sum must be the length
of the scan. Damage that shifts the following symbols shows; a flipped bit that keeps every length does not.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dicom_streams import END, NO_PAYLOAD, SCAN, StreamHeader

MAX_SCANS = 50  # a progressive grey image has 6 to 10
MAX_SCANNED_PIXELS = 1 << 29  # every scan goes over all pixels again; about half a second of decoding
HUFFMAN_TABLES, RESTART_INTERVAL = 0xFFC4, 0xFFDD
MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # neither a stuffed byte, nor a restart, nor a fill byte
RESTART = re.compile(rb"\xff+[\xd0-\xd7]")
ALL_COEFFICIENTS = b"\x00\x3f\x00"  # first, last, and no approximation
BAND_PIXELS = 1 << 15
MAX_LEFT_BITS = 7  # some writers pad the scan to whole words
LENGTH_OF = np.array([min(number, 65536 - number).bit_length() for number in range(65536)], dtype=np.uint8)


@dataclass
class Scans:
    """What a walk over the segments of a JPEG stream found.

    Attributes:
        count: number of scans.
        code_bits: bits of the Huffman code of each symbol, by the table's number, before the first scan.
        interval: pixels between restarts; 0 for none.
        header: payload of the first scan's header.
        start: where the first scan's coded data begins.
        end: where it ends.
    """

    count: int = 0
    code_bits: dict[int, dict[int, int]] = field(default_factory=dict)
    interval: int = 0
    header: bytes = b""
    start: int = 0
    end: int = 0


def check_scans(data: bytes, stream: StreamHeader) -> Scans:
    """Refuse a JPEG that makes its decoder go over the image again and again.

    Args:
        data: one frame of JPEG, from its first marker on.
        stream: its header.

    Raises:
        ValueError: there are too many scans, or the stream is damaged.
    """
    scans = _walk(data)
    if scans.count > MAX_SCANS or scans.count * stream.rows * stream.columns > MAX_SCANNED_PIXELS:
        raise ValueError(f"its JPEG stream passes over {stream.rows} x {stream.columns} pixels {scans.count} times")
    return scans


def with_plain_scan(data: bytes, scans: Scans) -> bytes:
    """Return a sequential JPEG whose only scan names all coefficients, as it must (ISO 10918-1 B.2.3).

    Some writers name none. Decoders take all of them either way, but complain on the standard error output, where
    nothing tells of which file.
    """
    if scans.count != 1 or len(scans.header) < len(ALL_COEFFICIENTS) or scans.header.endswith(ALL_COEFFICIENTS):
        return data
    return data[: scans.start - len(ALL_COEFFICIENTS)] + ALL_COEFFICIENTS + data[scans.start :]


def check_lossless(data: bytes, stream: StreamHeader, scans: Scans, pixels: NDArray[Any]) -> None:
    """Hold a decoded lossless image against the length of its scan (ISO 10918-1 annex H, Huffman coding).

    Args:
        data: the frame.
        stream: its header.
        scans: what :func:`check_scans` found.
        pixels: the decoded image, unsigned, any shape.

    Raises:
        ValueError: bits were missing or are left over, so what came out is not what was put in.
    """
    if scans.count != 1 or len(scans.header) != 6:
        raise ValueError(f"its lossless JPEG stream has {scans.count} scans, and one of one component is wanted")
    table, predictor, transform = scans.header[2] >> 4, scans.header[3], scans.header[5] & 15
    sections = RESTART.split(data[scans.start : scans.end])
    rows = stream.rows if not scans.interval else scans.interval // stream.columns
    if rows < 1 or (scans.interval and scans.interval % stream.columns) or len(sections) != -(-stream.rows // rows):
        raise ValueError(f"its lossless JPEG stream has {len(sections) - 1} restarts, which do not fit its rows")
    image = pixels.reshape(stream.rows, stream.columns)
    bits = _bits_of_symbols(scans.code_bits.get(table, {}))
    begin = 1 << (stream.precision - transform - 1)
    for number, section in enumerate(sections):
        part = image[number * rows : (number + 1) * rows]
        _check_section(section, int(_count_lengths(part, transform, predictor, begin) @ bits))


def _count_lengths(image: NDArray[Any], transform: int, predictor: int, begin: int) -> NDArray[np.int64]:
    """Count the differences of each length, some rows at a time: those stay in the cache, for a tenth of the time."""
    counts = np.zeros(17, np.int64)
    step = max(1, BAND_PIXELS // image.shape[1])
    for first in range(0, len(image), step):
        above = min(first, 1)  # the row before, to predict from
        band = image[first - above : first + step].astype(np.int32) >> transform
        differences = (band - _predicted(band, predictor, begin))[above:]
        counts += np.bincount(LENGTH_OF[differences.astype(np.uint16)].reshape(-1), minlength=17)
    return counts


def _check_section(section: bytes, used: int) -> None:
    """Refuse a scan whose pixels took more bits than it has, or left more than padding."""
    coded = section.rstrip(b"\xff").replace(b"\xff\0", b"\xff")  # fill bytes may stand before a marker
    left = 8 * len(coded) - used
    rest = int.from_bytes(coded[-8:], "big") & ((1 << max(left, 0)) - 1)
    if not 0 <= left <= MAX_LEFT_BITS or (left > 0 and rest not in (0, (1 << left) - 1)):
        raise ValueError(f"its lossless JPEG scan has {8 * len(coded)} bits, and its pixels make {used}: it is damaged")


def _predicted(image: NDArray[np.int32], predictor: int, begin: int) -> NDArray[np.int32]:
    """What each sample was predicted to be (H.1.2.1); ``begin`` for the very first."""
    out = np.empty_like(image)
    out[0, 0], out[0, 1:] = begin, image[0, :-1]
    out[1:, 0] = image[:-1, 0]
    left, above, corner = image[1:, :-1], image[:-1, 1:], image[:-1, :-1]
    if predictor == 1:
        out[1:, 1:] = left
    elif predictor == 2:
        out[1:, 1:] = above
    elif predictor == 3:
        out[1:, 1:] = corner
    elif predictor == 4:
        out[1:, 1:] = left + above - corner
    elif predictor == 5:
        out[1:, 1:] = left + ((above - corner) >> 1)
    elif predictor == 6:
        out[1:, 1:] = above + ((left - corner) >> 1)
    elif predictor == 7:
        out[1:, 1:] = (left + above) >> 1
    else:
        raise ValueError(f"its lossless JPEG stream names predictor {predictor}, and there are 1 to 7")
    return out


def _bits_of_symbols(code_bits: dict[int, int]) -> NDArray[np.int64]:
    """Bits that a difference of each length, 0 to 16, takes; 16 stands for one difference only and adds none."""
    return np.array([code_bits.get(length, 0) + length % 16 for length in range(17)], dtype=np.int64)


def _walk(data: bytes) -> Scans:
    scans, position = Scans(), 2
    try:
        while True:
            (marker,) = struct.unpack_from(">H", data, position)
            if marker == END:
                return scans
            if marker == 0xFFFF or marker in NO_PAYLOAD:
                position += 1 if marker == 0xFFFF else 2
                continue
            (length,) = struct.unpack_from(">H", data, position + 2)
            payload = data[position + 4 : position + 2 + length]
            position += 2 + length
            if marker < 0xFFC0 or length < 2:
                raise ValueError(f"its JPEG stream has {marker:04X} where a marker belongs")
            if marker == HUFFMAN_TABLES and not scans.count:
                _read_tables(payload, scans)
            elif marker == RESTART_INTERVAL and not scans.count:
                (scans.interval,) = struct.unpack(">H", payload)
            elif marker == SCAN:
                position = _pass_scan(data, position, payload, scans)
    except (struct.error, IndexError) as error:
        raise ValueError(f"its JPEG stream of {len(data)} bytes ends inside a segment") from error


def _pass_scan(data: bytes, start: int, header: bytes, scans: Scans) -> int:
    """Count a scan, and return where it ends."""
    found = MARKER.search(data, start)
    end = found.start() if found else len(data)
    scans.count += 1
    if scans.count == 1:
        scans.header, scans.start, scans.end = header, start, end
    return end


def _read_tables(payload: bytes, scans: Scans) -> None:
    """Read the code lengths of Huffman tables (B.2.4.2)."""
    position = 0
    while position < len(payload):
        counts = payload[position + 1 : position + 17]
        lengths = [bits for bits, count in enumerate(counts, 1) for _ in range(count)]
        symbols = payload[position + 17 : position + 17 + len(lengths)]
        scans.code_bits[payload[position] & 15] = dict(zip(symbols, lengths, strict=False))
        position += 17 + len(lengths)
