"""Read the stored values of one DICOM file: native pixels straight from the file, compressed ones frame by frame."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from lungdet.counted import counted

from .dicom_codecs import decode_frame
from .dicom_deflated import inflate_pixels
from .dicom_elements import PIXELS, PixelElement
from .dicom_fragments import Fragment, find_frames, read_fragments
from .dicom_header import DicomHeader
from .dicom_layout import EXPORT_AGAIN, PixelLayout, layout_of, raw_to_values
from .dicom_padding import padding_mask
from .dicom_reach import COPY_AGAIN
from .errors import DicomFileError

logger = logging.getLogger(__name__)

LARGE_BYTES = 64 << 20  # below this no compressed image is worth a suspicion


def read_pixels(header: DicomHeader, out: NDArray[Any] | None = None, frame: int | None = None) -> NDArray[Any]:
    """Read the stored values of a grey image: unused bits cleared, sign extended, no rescale.

    Args:
        header: header of the file.
        out: where to put them, of the shape of the result and a type that holds every value exactly; native pixels are
            read right into it if it is contiguous and its pixels have as many bytes as the file's.
        frame: read this frame only, counted from 0.

    Returns:
        ``(frames, rows, columns)``, one frame if ``frame`` is given: ``out``, or an array whose type is that of the
        file (int8 to uint32).

    Raises:
        DicomFileError: the pixels are in colour, missing, damaged, cut off, or more than the limits allow.
        MissingCodecError: they are compressed, and nothing installed can read them.
        IndexError: there is no such frame.
        ValueError: ``out`` has another shape, or a type that cannot hold the values.
    """
    element = _pixel_element(header)
    layout: PixelLayout = header.once("layout", lambda: layout_of(header))
    if frame is not None and not 0 <= frame < layout.frames:
        raise IndexError(f"{header.path}: there is no frame {frame}, it has {layout.frames}")
    first, count = (0, layout.frames) if frame is None else (frame, 1)
    shape = (count, layout.rows, layout.columns)
    if out is not None and (out.shape != shape or not layout.fits(out.dtype)):
        raise ValueError(f"out is {out.dtype} {out.shape}; wanted is {shape} of a type that holds {layout.value_range}")
    target = out if out is not None and not header.is_deflated and _same_bits(out, layout) else None
    if not header.is_native:
        values = _read_compressed(header, layout, target, first, shape)
    elif header.is_deflated:
        values = _read_deflated(header, element, layout, first, shape)
    else:
        values = _read_native(header, element, layout, target, first, shape)
    if out is None:
        return values
    if target is None:
        out[...] = values
    return out


def _pixel_element(header: DicomHeader) -> PixelElement:
    element = header.pixel_element
    if element is None:
        raise DicomFileError(header.path, "it has no pixels", "leave it out, or export it again with its pixels")
    if element.tag != PIXELS:
        raise DicomFileError(header.path, "its pixels are floating point numbers, which no CT writes", EXPORT_AGAIN)
    return element


def _same_bits(out: NDArray[Any], layout: PixelLayout) -> bool:
    """Whether the file's bits can be read into ``out`` and turned into values there."""
    same_kind = out.dtype.kind in "iu" and out.dtype.itemsize == layout.dtype.itemsize and out.dtype.isnative
    return same_kind and out.flags.c_contiguous and out.flags.writeable


def _empty(target: NDArray[Any] | None, layout: PixelLayout, shape: tuple[int, int, int]) -> NDArray[Any]:
    return np.empty(shape, layout.raw_dtype) if target is None else target.view(layout.raw_dtype)


def _read_native(
    header: DicomHeader,
    element: PixelElement,
    layout: PixelLayout,
    target: NDArray[Any] | None,
    first: int,
    shape: tuple[int, int, int],
) -> NDArray[Any]:
    with open(header.path, "rb", buffering=0) as file:
        _check_length(header, element, layout, file.seek(0, 2) - element.offset)
        raw = _empty(target, layout, shape)
        if layout.bits_allocated == 8 and element.vr == b"OW" and not header.encoding.little:
            raw.reshape(-1)[:] = _read_words(file, header.path, element, first * layout.frame_bytes, raw.size)
        else:
            file.seek(element.offset + first * layout.frame_bytes)
            _read_into(file, raw.reshape(-1).view(np.uint8).data, header.path)
    if header.encoding.little != (sys.byteorder == "little"):
        raw.byteswap(inplace=True)
    return raw_to_values(raw, layout)


def _check_length(header: DicomHeader, element: PixelElement, layout: PixelLayout, available: int) -> None:
    """Refuse pixels that are too few; only say so when there are too many."""
    wanted = layout.frame_bytes * layout.frames
    if element.length is None:
        raise DicomFileError(header.path, "its uncompressed pixels have no length", EXPORT_AGAIN)
    if min(element.length, available) < wanted:
        raise DicomFileError(
            header.path,
            f"its pixels are cut off: {counted(layout.frames, 'frame')} of {layout.rows} x {layout.columns} need "
            f"{wanted} bytes, {min(element.length, available)} are there",
            COPY_AGAIN,
        )
    if element.length > wanted + wanted % 2:
        logger.warning("%s: %d bytes after its pixels are left out", header.path, element.length - wanted)


def _read_into(file: BinaryIO, buffer: memoryview, path: Path) -> None:
    done = 0
    while done < len(buffer):
        count = file.readinto(buffer[done:])  # type: ignore[attr-defined]  # a raw file has it
        if not count:
            raise DicomFileError(path, "it became shorter while it was read", COPY_AGAIN)
        done += count


def _read_words(file: BinaryIO, path: Path, element: PixelElement, start: int, size: int) -> NDArray[np.uint8]:
    """Read 8-bit pixels in big-endian words (OW): the bytes of each pair have changed places (PS3.5 8.1.1).

    Args:
        file: the open file.
        path: its path.
        element: where all pixels are.
        start: the first byte wanted, counted from the first pixel; it may be the second of its pair.
        size: how many are wanted.
    """
    begin, end = start - start % 2, start + size + (start + size) % 2
    present = min(end, element.length or 0, file.seek(0, 2) - element.offset)
    pairs = np.empty(present - begin, np.uint8)
    file.seek(element.offset + begin)
    _read_into(file, pairs.data, path)
    whole = len(pairs) - len(pairs) % 2  # a last byte without its pair is where it belongs
    pairs[:whole] = pairs[:whole].reshape(-1, 2)[:, ::-1].reshape(-1)
    return pairs[start - begin : start - begin + size]


def _read_deflated(
    header: DicomHeader, element: PixelElement, layout: PixelLayout, first: int, shape: tuple[int, int, int]
) -> NDArray[Any]:
    end = element.offset + layout.frame_bytes * layout.frames

    def inflate() -> bytearray:
        return inflate_pixels(header, element, end)

    # A second frame must not inflate all before it again; a single one is not worth the memory.
    data = header.once("inflated", inflate) if layout.frames > 1 else inflate()
    _check_length(header, element, layout, len(data) - element.offset)
    flat = np.frombuffer(data, np.uint8, count=end - element.offset, offset=element.offset)
    raw = flat.view(layout.raw_dtype).reshape(layout.frames, layout.rows, layout.columns)[first : first + shape[0]]
    return raw_to_values(raw.copy() if layout.frames > 1 else raw, layout)


def _read_compressed(
    header: DicomHeader, layout: PixelLayout, target: NDArray[Any] | None, first: int, shape: tuple[int, int, int]
) -> NDArray[Any]:
    with open(header.path, "rb") as file:
        frames = header.once("frames", lambda: find_frames(file, header, layout.frames))[first : first + shape[0]]
        _check_claim(header, layout, frames)
        raw = _empty(target, layout, shape)
        for number, fragments in enumerate(frames):
            pixels, bits = decode_frame(read_fragments(file, header, fragments, layout.frame_bytes), header, layout)
            raw[number] = pixels
            _settle_bits(layout, raw[number], bits)
    return raw.view(layout.dtype)


def _check_claim(header: DicomHeader, layout: PixelLayout, frames: list[list[Fragment]]) -> None:
    """Refuse a file that claims far more pixels than its compressed bytes can be worth."""
    limits = header.limits
    claimed, present = layout.frame_bytes * len(frames), sum(part.length for frame in frames for part in frame)
    problem = ""
    if layout.frame_bytes > limits.max_frame_bytes:
        problem = f"a frame of {layout.rows} x {layout.columns} exceeds the limit of {limits.max_frame_bytes} bytes"
    elif claimed > LARGE_BYTES and claimed > limits.max_compression * present:
        problem = f"it claims {claimed} bytes of pixels from {present} compressed bytes"
    if problem:
        raise DicomFileError(header.path, problem, "raise the limits in ReadLimits if you trust the file")


def _settle_bits(layout: PixelLayout, raw: NDArray[Any], bits: int) -> None:
    """Turn what a codec gave into values, in place; a sign is where the codec's bits end, if BitsStored is more."""
    if bits <= layout.high_bit:
        layout = replace(layout, bits_stored=min(bits, layout.bits_stored), high_bit=bits - 1)
    raw_to_values(raw, layout)


__all__ = ["padding_mask", "read_pixels"]
