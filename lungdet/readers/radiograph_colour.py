"""Read a DICOM picture in colour as grey: photographs, screen shots and pseudo-colour do turn up among radiographs."""

from __future__ import annotations

import importlib
import io
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dicom_codecs import PILLOW_PROCESSES, RLE_SYNTAX
from .dicom_fragments import find_frames, read_fragments
from .dicom_header import DicomHeader
from .dicom_jpeg_scans import check_scans
from .dicom_layout import EXPORT_AGAIN, PixelLayout, stored_layout
from .dicom_pixels import read_pixels
from .dicom_reach import COPY_AGAIN
from .dicom_rle import decode_rle_samples
from .dicom_streams import StreamHeader, is_complete, read_stream_header
from .errors import DicomFileError, MissingCodecError
from .radiograph_lut import table_of

RED, GREEN, BLUE = 0.299, 0.587, 0.114  # luminance after ITU-R BT.601, as Pillow has it
PALETTE_DESCRIPTORS = (0x00281101, 0x00281102, 0x00281103)
PALETTE_DATA = (0x00281201, 0x00281202, 0x00281203)
PALETTE, SUBSAMPLED = "PALETTE COLOR", "YBR_FULL_422"
SAMPLES = 3
STORED_LUMINANCE = ("YBR_FULL", SUBSAMPLED)  # other YBR names are of transforms that a codec undoes
J2K_STYLE, J2K_TILE = b"\xff\x52", b"\xff\x90"  # coding style; first tile (ISO 15444-1 A.6.1, A.4.2)

Grey = NDArray[np.float32]


def is_colour(header: DicomHeader) -> bool:
    """Whether a picture is in colour, by its samples or by its photometric interpretation."""
    photometric = header.text("PhotometricInterpretation")
    return (header.integer("SamplesPerPixel") or 1) != 1 or photometric == PALETTE


def read_colour(header: DicomHeader, frame: int) -> Grey:
    """Return the luminance of one frame, ``(rows, columns)`` in [0, 1].

    Args:
        header: header of the file, with its palette if it has one.
        frame: which frame, counted from 0.

    Raises:
        DicomFileError: the picture is damaged, or more than the limits allow.
        MissingCodecError: nothing installed can read it.
    """
    layout = stored_layout(header)
    if header.text("PhotometricInterpretation") == PALETTE:
        return _read_palette(header, layout, frame)
    samples = header.integer("SamplesPerPixel")
    if samples != SAMPLES:
        raise DicomFileError(header.path, f"it has {samples} samples per pixel, and 1 or 3 can be read", EXPORT_AGAIN)
    if layout.frame_bytes * SAMPLES > header.limits.max_frame_bytes:
        raise DicomFileError(
            header.path,
            f"a frame of {layout.rows} x {layout.columns} pixels in colour exceeds the limit of "
            f"{header.limits.max_frame_bytes} bytes",
            EXPORT_AGAIN,
        )
    if header.is_native:
        return _read_native(header, layout, frame)
    return _luminance(_decode(header, layout, frame))


def _read_palette(header: DicomHeader, layout: PixelLayout, frame: int) -> Grey:
    """Turn the palette to grey, then look every pixel up in it (PS3.3 C.7.6.3.1.5)."""
    header.once("layout", lambda: layout)
    tables = [
        table_of(header, "palette", header.dataset, descriptor, data, layout.signed)
        for descriptor, data in zip(PALETTE_DESCRIPTORS, PALETTE_DATA, strict=True)
    ]
    if len({(table.first, len(table.entries)) for table in tables}) != 1:
        raise DicomFileError(header.path, "the three tables of its palette differ in size", EXPORT_AGAIN)
    first = tables[0].first
    inputs = np.arange(first, first + len(tables[0].entries))
    top = np.float32(max(table.top for table in tables))
    red, green, blue = (table(inputs) / top for table in tables)
    grey = (RED * red + GREEN * green + BLUE * blue).astype(np.float32)
    stored = read_pixels(header, frame=frame)[0]
    shown: Grey = grey[np.clip(stored.astype(np.int64) - first, 0, len(grey) - 1)]
    return shown


def _read_native(header: DicomHeader, layout: PixelLayout, frame: int) -> Grey:
    """Read uncompressed samples, whose order is that of a wider or a higher grey picture."""
    planar, photometric = header.integer("PlanarConfiguration") or 0, header.text("PhotometricInterpretation")
    rows, columns = layout.rows, layout.columns
    if photometric == SUBSAMPLED:  # two pixels share their colour: Y Y Cb Cr (PS3.3 C.7.6.3.1.2)
        if columns % 2:
            raise DicomFileError(header.path, f"its {columns} columns cannot share their colour in pairs", EXPORT_AGAIN)
        wide = replace(layout, columns=2 * columns)
        quads = _read_as(header, wide, frame).reshape(rows, columns // 2, 4)
        return _scaled(quads[..., :2].reshape(rows, columns), layout)
    if planar:
        planes = _read_as(header, replace(layout, rows=SAMPLES * rows), frame).reshape(SAMPLES, rows, columns)
        samples = np.moveaxis(planes, 0, -1)
    else:
        samples = _read_as(header, replace(layout, columns=SAMPLES * columns), frame).reshape(rows, columns, SAMPLES)
    return _scaled(samples[..., 0], layout) if photometric.startswith("YBR") else _luminance(samples, layout)


def _read_as(header: DicomHeader, layout: PixelLayout, frame: int) -> NDArray[Any]:
    header.once("layout", lambda: layout)  # so that the reader of grey pixels takes this one
    stored: NDArray[Any] = read_pixels(header, frame=frame)[0]
    return stored


def _scaled(stored: NDArray[Any], layout: PixelLayout) -> Grey:
    low, high = layout.value_range
    grey: Grey = (stored.astype(np.float32) - np.float32(low)) / np.float32(high - low)
    return grey


def _luminance(samples: NDArray[Any], layout: PixelLayout | None = None) -> Grey:
    """Return the luminance of ``(rows, columns, 3)`` red, green and blue; ``(rows, columns)`` is one already."""
    if samples.ndim == 2:
        grey = samples.astype(np.float32)
    else:
        grey = samples[..., 0] * np.float32(RED)
        grey += samples[..., 1] * np.float32(GREEN)
        grey += samples[..., 2] * np.float32(BLUE)
    top = layout.value_range[1] if layout is not None else np.iinfo(samples.dtype).max
    shown: Grey = np.clip(grey / np.float32(top), 0, 1).astype(np.float32)
    return shown


def _decode(header: DicomHeader, layout: PixelLayout, frame: int) -> NDArray[Any]:
    """Decode one compressed frame to red, green and blue, or to luminance alone."""
    with open(header.path, "rb") as file:
        fragments = find_frames(file, header, layout.frames)[frame]
        data = read_fragments(file, header, fragments, SAMPLES * layout.frame_bytes)
    try:
        return _decode_data(data, header, layout)
    except DicomFileError:
        raise
    except Exception as error:  # codecs raise what they like
        raise DicomFileError(header.path, f"its pixels cannot be decoded: {error}", COPY_AGAIN) from error


def _decode_data(data: bytes, header: DicomHeader, layout: PixelLayout) -> NDArray[Any]:
    photometric = header.text("PhotometricInterpretation")
    if header.transfer_syntax == RLE_SYNTAX:
        if layout.bits_allocated != 8:
            raise ValueError(f"colour of {layout.bits_allocated} bits in RLE cannot be read")
        samples = decode_rle_samples(data, layout.rows, layout.columns, SAMPLES)
        return samples[..., 0] if photometric.startswith("YBR") else samples
    stream = read_stream_header(data)
    _check_stream(data, stream, layout)
    shape = (layout.rows, layout.columns, SAMPLES)
    if stream.kind == "jpeg2000":
        openjpeg = _codec("openjpeg", header)
        decoded = openjpeg.decode_pixel_data(data[stream.start :], version=2)
        samples = np.frombuffer(decoded, np.uint8).reshape(shape)
        is_luminance = photometric in STORED_LUMINANCE and not _has_colour_transform(data[stream.start :])
    elif stream.kind == "jpegls":
        decoded, facts = _codec("jpeg_ls", header).decode_pixel_data(data)
        by_colour = facts["interleave_mode"] == 0
        samples = np.frombuffer(decoded, np.uint8).reshape((SAMPLES, *shape[:2]) if by_colour else shape)
        samples = np.moveaxis(samples, 0, -1) if by_colour else samples
        is_luminance = photometric in STORED_LUMINANCE
    elif stream.process in PILLOW_PROCESSES:
        check_scans(data, stream)
        return _decode_pillow(data, photometric)
    else:
        raise MissingCodecError(header.path, "lossless JPEG in colour cannot be read", "export the file again as RLE")
    return samples[..., 0] if is_luminance else samples


def _has_colour_transform(codestream: bytes) -> bool:
    """Whether a JPEG 2000 codestream holds colours in a transform of its own, which decoders undo."""
    main = codestream[: codestream.find(J2K_TILE)]
    place = main.find(J2K_STYLE)
    return 0 <= place < len(main) - 8 and main[place + 8] == 1


def _check_stream(data: bytes, stream: StreamHeader, layout: PixelLayout) -> None:
    """Hold the stream's own header against the DICOM header, before any memory is taken."""
    found = (stream.rows, stream.columns, stream.components, stream.precision)
    if found != (layout.rows, layout.columns, SAMPLES, 8):
        raise ValueError(
            f"its compressed stream holds {found[0]} x {found[1]} pixels of {found[2]} components of {found[3]} bits, "
            f"and {layout.rows} x {layout.columns} of 3 of 8 bits are wanted"
        )
    if not is_complete(data):
        raise ValueError(f"its compressed stream of {len(data)} bytes is cut off before its end marker")


def _decode_pillow(data: bytes, photometric: str) -> NDArray[Any]:
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=["JPEG"]) as picture:
        if photometric.startswith("YBR"):
            picture.draft("L", None)  # the decoder then gives the luminance and spares the colours
        elif "adobe_transform" not in picture.info:
            picture.draft("YCbCr", None)  # no transform, for there is none to undo: PhotometricInterpretation is RGB
        return np.asarray(picture)


def _codec(module: str, header: DicomHeader) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingCodecError(
            header.path, "its colours are compressed, and no codec for it is installed", "pip install lungdet[dicom]"
        ) from error
