"""Decode JPEG-LS by CharLS, on as many threads as there are.

pyjpegls holds Python's lock while CharLS decodes, so that its slices come one after the other. Where its extension
shows the C function of CharLS (the wheels for Linux do), that is called without the lock; elsewhere pyjpegls is called
as usual, and gives the same pixels.
"""

from __future__ import annotations

import ctypes
import importlib
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dicom_streams import StreamHeader

ERROR_BYTES = 256  # CharLS writes its message into a buffer of this size


def decode_jpeg_ls(pyjpegls: Any, data: bytes, stream: StreamHeader) -> NDArray[Any]:
    """Decode one frame of one component.

    Args:
        pyjpegls: the module ``jpeg_ls``.
        data: the stream; its size must have been checked, for memory is taken as it says.
        stream: what it says about itself.

    Returns:
        Its pixels in one row, uint8 or uint16.

    Raises:
        RuntimeError: CharLS refuses the stream.
    """
    dtype = np.dtype("<u1" if stream.precision <= 8 else "<u2")
    decode = _function_of_charls()
    if decode is None:
        return np.frombuffer(pyjpegls.decode_pixel_data(data)[0], dtype)
    pixels = np.empty(stream.rows * stream.columns, dtype)
    message = ctypes.create_string_buffer(ERROR_BYTES)
    if decode(pixels.ctypes.data, pixels.nbytes, data, len(data), None, message):
        raise RuntimeError(f"CharLS: {message.value.decode('ascii', 'replace')}")
    return pixels


@lru_cache(maxsize=1)
def _function_of_charls() -> Any:
    """Find ``JpegLsDecode(target, size, source, size, parameters, message)``; None where it is hidden."""
    try:
        function = ctypes.CDLL(importlib.import_module("_CharLS").__file__).JpegLsDecode
    except (ImportError, OSError, AttributeError):
        return None
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    function.argtypes = [pointer, size, ctypes.c_char_p, size, pointer, ctypes.c_char_p]
    function.restype = ctypes.c_int
    return function
