"""Find the compressed frames of an image in its file (PS3.5 A.4), without reading them."""

from __future__ import annotations

import logging
import struct
from typing import BinaryIO, NamedTuple

from lungdet.counted import counted

from .dicom_encoding import ITEM, SEQUENCE_END
from .dicom_header import DicomHeader
from .dicom_reach import COPY_AGAIN
from .errors import DicomFileError

logger = logging.getLogger(__name__)

FRAME_STARTS = (b"\xff\xd8", b"\xff\x4f", b"\x00\x00\x00\x0cjP  ")  # JPEG and JPEG-LS, JPEG 2000, JP2
SPARE_OFFSETS = 1024  # more than one for each frame: some writers have one for each fragment
MOST_TIMES, SPARE_BYTES = 2, 4 << 20  # noise grows a little when it is compressed; and headers, thumbnails, padding


class Fragment(NamedTuple):
    """One item of compressed pixels: where its bytes are, and how they begin."""

    offset: int
    length: int
    begin: bytes


def find_frames(file: BinaryIO, header: DicomHeader, frames: int) -> list[list[Fragment]]:
    """Find the fragments of each frame.

    Args:
        file: the open file.
        header: its header.
        frames: how many frames there must be.

    Returns:
        For each frame its fragments, in order.

    Raises:
        DicomFileError: the fragments are damaged, cut off, or fewer than the frames.
    """
    offsets, fragments = _read_items(file, header, frames)
    groups = _group(offsets, fragments, frames)
    if len(groups) < frames:
        raise DicomFileError(
            header.path, f"NumberOfFrames is {frames}, but only {len(groups)} compressed frames are there", COPY_AGAIN
        )
    if len(groups) > frames:
        logger.warning("%s: %d compressed frames, the first %d are read", header.path, len(groups), frames)
    return groups[:frames]


def read_fragments(file: BinaryIO, header: DicomHeader, fragments: list[Fragment], pixel_bytes: int) -> bytes:
    """Read the compressed bytes of one frame.

    Args:
        file: the open file.
        header: its header.
        fragments: the frame's, as :func:`find_frames` gives them.
        pixel_bytes: what the frame takes when it is decoded.

    Raises:
        DicomFileError: there are far more bytes than the frame takes uncompressed; none of them is read.
    """
    size, most = sum(fragment.length for fragment in fragments), MOST_TIMES * pixel_bytes + SPARE_BYTES
    if size > most:
        raise _bad(header, f"a frame of {pixel_bytes} bytes has {size} compressed bytes, more than the limit of {most}")
    parts = []
    for fragment in fragments:
        file.seek(fragment.offset)
        parts.append(file.read(fragment.length))
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _read_items(file: BinaryIO, header: DicomHeader, frames: int) -> tuple[list[int], list[Fragment]]:
    """Read the offset table and find every fragment after it."""
    element = header.pixel_element
    if element is None:  # pragma: no cover - the caller has looked
        raise ValueError("no pixels")
    size = file.seek(0, 2)
    position = element.offset
    end = size if element.length is None else position + element.length
    offsets: list[int] | None = None
    fragments: list[Fragment] = []
    while position + 8 <= min(end, size):
        file.seek(position)
        begin = file.read(16)
        group, number, length = struct.unpack_from("<HHL", begin)
        tag, value = group << 16 | number, position + 8
        if tag == SEQUENCE_END:
            break
        if tag != ITEM:
            raise _bad(header, f"({group:04X},{number:04X}) stands among its compressed frames at byte {position}")
        if value + length > size:
            raise _bad(header, f"its compressed frames are cut off at byte {size}, before byte {value + length}")
        if offsets is None:
            most = 4 * (min(frames, header.limits.max_elements) + SPARE_OFFSETS)
            if length > most:
                raise _bad(header, f"its offset table of {length} bytes is too long for {counted(frames, 'frame')}")
            offsets = _offset_table(file, value, length)
        elif len(fragments) >= header.limits.max_elements:
            raise _bad(header, f"it holds more than {header.limits.max_elements} compressed fragments")
        else:
            fragments.append(Fragment(value, length, begin[8 : 8 + length]))
        position = value + length
    else:
        if element.length is None:
            logger.warning("%s: its compressed frames have no end marker", header.path)
    if not fragments:
        raise _bad(header, "it holds no compressed frames")
    first = fragments[0].offset - 8
    return [first + offset for offset in offsets or []], fragments


def _offset_table(file: BinaryIO, value: int, length: int) -> list[int]:
    file.seek(value)
    data = file.read(length - length % 4)
    return list(struct.unpack(f"<{len(data) // 4}L", data))


def _group(offsets: list[int], fragments: list[Fragment], frames: int) -> list[list[Fragment]]:
    """Put the fragments together to frames.

    One frame takes all. As many fragments as frames are one each. Else the offset table tells where frames begin, and
    without a good one a fragment that begins as an image does.
    """
    if frames == 1 and not any(fragment.begin.startswith(FRAME_STARTS) for fragment in fragments[1:]):
        return [fragments]
    if len(fragments) == frames:
        return [[fragment] for fragment in fragments]
    places = {fragment.offset - 8 for fragment in fragments}
    if len(offsets) == frames and places.issuperset(offsets):
        begins = set(offsets)
    else:
        begins = {part.offset - 8 for part in fragments if part.begin.startswith(FRAME_STARTS)}
    groups: list[list[Fragment]] = []
    for fragment in fragments:
        if fragment.offset - 8 in begins or not groups:
            groups.append([])
        groups[-1].append(fragment)
    return groups


def _bad(header: DicomHeader, problem: str) -> DicomFileError:
    return DicomFileError(header.path, problem, COPY_AGAIN)
