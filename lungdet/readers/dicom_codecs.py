"""Decode one compressed frame with the best codec of a permissive licence.

| stream | codec | licence |
|---|---|---|
| JPEG of 8 bits: baseline, extended, progressive | Pillow, always there | MIT-CMU |
| other JPEG: 12 bits, lossless | python-gdcm | BSD |
| JPEG-LS | pyjpegls, four times as fast as the others | MIT |
| JPEG 2000, also high-throughput | pylibjpeg-openjpeg | MIT |
| RLE | `lungdet.readers.dicom_rle` | our own |

The codec goes by the stream, not by the transfer syntax: some writers name the wrong process of the right family.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import UID

from .dicom_header import DicomHeader
from .dicom_jpeg_ls import decode_jpeg_ls
from .dicom_jpeg_scans import check_lossless, check_scans, with_plain_scan
from .dicom_layout import EXPORT_AGAIN, PixelLayout
from .dicom_reach import COPY_AGAIN
from .dicom_rle import decode_rle
from .dicom_streams import StreamHeader, is_complete, read_stream_header
from .errors import DicomFileError, MissingCodecError

RLE_SYNTAX = "1.2.840.10008.1.2.5"
SYNTAX_KINDS = {
    **{f"1.2.840.10008.1.2.4.{number}": "jpeg" for number in (*range(50, 67), 70)},
    **{f"1.2.840.10008.1.2.4.{number}": "jpegls" for number in (80, 81)},
    **{f"1.2.840.10008.1.2.4.{number}": "jpeg2000" for number in (90, 91, 201, 202, 203)},
}
SEQUENTIAL_PROCESSES = (0xFFC0, 0xFFC1)
PILLOW_PROCESSES = (*SEQUENTIAL_PROCESSES, 0xFFC2)
LOSSLESS_PROCESS = 0xFFC3
GDCM_PROCESSES = (*PILLOW_PROCESSES, LOSSLESS_PROCESS)
GDCM_LOSSY, GDCM_LOSSLESS = "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57"


def decode_frame(data: bytes, header: DicomHeader, layout: PixelLayout) -> tuple[NDArray[Any], int]:
    """Decode one frame.

    Args:
        data: the compressed frame.
        header: header of its file.
        layout: what the DICOM header says about the frame; the stream must say the same.

    Returns:
        The bits of the pixels, ``(rows, columns)`` of an unsigned type, and how many of them the codec filled.

    Raises:
        MissingCodecError: nothing installed can decode it.
        DicomFileError: the frame is damaged, cut off, or does not fit the header.
    """
    syntax = header.transfer_syntax
    if syntax == RLE_SYNTAX:
        return _guarded(header, lambda: decode_rle(data, layout)), layout.bits_allocated
    kind = SYNTAX_KINDS.get(syntax)
    if kind is None:
        raise _no_codec(header, syntax)
    stream = _guarded(header, lambda: _checked_stream(data, kind, layout))
    decode = _decoder(stream, header)
    scans = _guarded(header, lambda: check_scans(data, stream)) if kind == "jpeg" else None
    whole = data if scans is None or stream.process not in SEQUENTIAL_PROCESSES else with_plain_scan(data, scans)
    pixels = _guarded(header, lambda: decode(whole[stream.start :]))
    if pixels.size != layout.rows * layout.columns:
        raise DicomFileError(
            header.path,
            f"decoding it gave {pixels.size} pixels, and {layout.rows} x {layout.columns} were wanted",
            COPY_AGAIN,
        )
    if scans is not None and stream.process == LOSSLESS_PROCESS:
        _guarded(header, lambda: check_lossless(data, stream, scans, pixels))
    return pixels.reshape(layout.rows, layout.columns), stream.precision


def _checked_stream(data: bytes, kind: str, layout: PixelLayout) -> StreamHeader:
    """Hold the stream's own header against the DICOM header, before any memory is taken."""
    stream = read_stream_header(data)
    if stream.kind != kind:
        raise ValueError(f"its compressed stream is {stream.kind}, and its transfer syntax promises {kind}")
    if (stream.rows, stream.columns, stream.components) != (layout.rows, layout.columns, 1):
        raise ValueError(
            f"its compressed stream holds {stream.rows} x {stream.columns} pixels of {stream.components} components, "
            f"and its header says {layout.rows} x {layout.columns} of 1"
        )
    if not 0 < stream.precision <= layout.bits_allocated:
        raise ValueError(
            f"its compressed stream has {stream.precision} bits, and BitsAllocated is {layout.bits_allocated}"
        )
    if not is_complete(data):
        raise ValueError(f"its compressed stream of {len(data)} bytes is cut off before its end marker")
    return stream


Decoder = Callable[[bytes], NDArray[Any]]


def _decoder(stream: StreamHeader, header: DicomHeader) -> Decoder:
    if stream.kind == "jpegls":
        jpeg_ls = _codec("jpeg_ls", header)
        return lambda data: decode_jpeg_ls(jpeg_ls, data, stream)
    if stream.kind == "jpeg2000":
        openjpeg = _codec("openjpeg", header)
        return lambda data: _as_pixels(openjpeg.decode_pixel_data(data, version=2), stream.precision)
    if stream.process in PILLOW_PROCESSES and stream.precision == 8:
        return _decode_pillow
    if stream.process not in GDCM_PROCESSES:
        raise _no_codec(header, header.transfer_syntax)
    gdcm = _codec("gdcm", header)
    return lambda data: _decode_gdcm(gdcm, data, stream)


def _decode_pillow(data: bytes) -> NDArray[Any]:
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=["JPEG"]) as picture:
        return np.asarray(picture, dtype=np.uint8)


def _decode_gdcm(gdcm: Any, data: bytes, stream: StreamHeader) -> NDArray[Any]:
    """Give GDCM one frame as an image of its own; unsigned, for the sign is settled later for all codecs alike."""
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(data)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    lossless = stream.process == LOSSLESS_PROCESS
    # 12 bits allocated make GDCM take its 12 bit decoder at once; with 16 it tries the one for 8 and complains aloud.
    allocated = 8 if stream.precision <= 8 else 16 if lossless else stream.precision
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((stream.columns, stream.rows, 1))
    image.SetDataElement(element)
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.MONOCHROME2))
    syntax = gdcm.TransferSyntax.GetTSType(GDCM_LOSSLESS if lossless else GDCM_LOSSY)
    image.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    image.SetPixelFormat(gdcm.PixelFormat(1, allocated, stream.precision, stream.precision - 1, 0))
    text = image.GetBuffer()
    if text is None:
        raise ValueError("GDCM gives no pixels")
    return _as_pixels(text.encode("utf-8", "surrogateescape"), stream.precision)  # GDCM hands bytes out as text


def _as_pixels(data: bytes | bytearray, precision: int) -> NDArray[Any]:
    """View decoded bytes as unsigned pixels of the smallest type that holds ``precision`` bits."""
    return np.frombuffer(data, dtype="<u1" if precision <= 8 else "<u2" if precision <= 16 else "<u4")


def _guarded(header: DicomHeader, decode: Callable[[], Any]) -> Any:
    """Turn whatever a codec raises about a damaged frame into an error that names the file."""
    try:
        return decode()
    except MemoryError as error:
        raise DicomFileError(header.path, "decoding it takes more memory than there is", EXPORT_AGAIN) from error
    except Exception as error:
        raise DicomFileError(header.path, f"its pixels cannot be decoded: {error}", COPY_AGAIN) from error


def _codec(module: str, header: DicomHeader) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingCodecError(
            header.path,
            f"its pixels are compressed as {_name(header.transfer_syntax)}, and no codec for it is installed",
            "pip install lungdet[dicom]",
        ) from error


def _no_codec(header: DicomHeader, syntax: UID) -> MissingCodecError:
    return MissingCodecError(
        header.path,
        f"its pixels are compressed as {_name(syntax)}, for which no permissively licensed codec is known",
        "export the file again uncompressed",
    )


def _name(syntax: UID) -> str:
    return str(syntax) if syntax.name == syntax else f"{syntax.name} ({syntax!s})"
