"""Read a picture file (PNG, JPEG, BMP, GIF, TIFF) as a radiograph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungdet.records import Radiograph, RadiographInfo

from .errors import RadiographError
from .radiograph_greyscale import PERCENTILES, stretch_of
from .radiograph_shrink import shrink_rows, shrunk_shape

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF")
BEGINNINGS = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
    b"GIF8": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}
MAX_PICTURE_BYTES = 192 << 20
COPY_AGAIN = "copy or export the file again"


def picture_format(beginning: bytes) -> str:
    r"""Tell the format of a picture file by its first bytes; "" for all others.

    Example:
        >>> picture_format(b"\xff\xd8\xff\xe0"), picture_format(b"DICM")
        ('JPEG', '')
    """
    return next((name for start, name in BEGINNINGS.items() if beginning.startswith(start)), "")


def read_picture(path: Path, kind: str, frame: int, max_bytes: int, max_side: int | None) -> Radiograph:
    """Read one frame of a picture file.

    Args:
        path: the file.
        kind: its format, as :func:`picture_format` tells.
        frame: which one, counted from 0.
        max_bytes: budget for the decoded picture.
        max_side: shrink it so that its longer side has no more pixels; None leaves it as it is.

    Raises:
        RadiographError: the file is damaged or asks for too much.
    """
    from PIL import Image, ImageOps

    steps: list[str] = []
    try:
        with Image.open(path, formats=[kind]) as picture:
            frames = int(getattr(picture, "n_frames", 1))
            if not 0 <= frame < frames:
                raise RadiographError(path, f"there is no frame {frame}, it has {frames}", "frames count from 0")
            if frames > 1:
                picture.seek(frame)
                steps.append(f"frame {frame + 1} of {frames}")
            mode = picture.mode
            size = picture.width * picture.height * 4
            if size > min(max_bytes, MAX_PICTURE_BYTES):
                raise RadiographError(path, f"{picture.height} x {picture.width} pixels take {size} bytes", COPY_AGAIN)
            upright = ImageOps.exif_transpose(picture)
            if upright.size != picture.size or picture.getexif().get(0x0112, 1) != 1:
                steps.append("turned upright: EXIF orientation")
            grey = _grey(upright, steps)
    except RadiographError:
        raise
    except Exception as error:  # Pillow lets through whatever its decoders happen to raise
        raise RadiographError(path, f"its pixels cannot be decoded: {error}", COPY_AGAIN) from error
    rows, columns = grey.shape
    new_shape = shrunk_shape(rows, columns, max_side)
    if new_shape != grey.shape:
        full = grey
        grey = shrink_rows(lambda first, last: full[first:last], full.shape, new_shape)
        steps.append(f"shrunk to {new_shape[0]} x {new_shape[1]} by area averaging")
    info = RadiographInfo(
        str(path),
        photometric=mode,
        rows=rows,
        columns=columns,
        frame=frame,
        frames=frames,
        steps=tuple(steps),
        transfer_syntax=kind,
    )
    return Radiograph(grey, info)


def _grey(picture: Any, steps: list[str]) -> NDArray[np.float32]:
    if picture.mode.startswith(("I", "F")):
        values = np.asarray(picture)
        stretch = stretch_of(values)
        steps.append(f"percentiles {PERCENTILES[0]} and {PERCENTILES[1]}")
        return stretch(values)
    if picture.mode != "L":
        steps.append(f"colour ({picture.mode}) turned to grey")
        picture = picture.convert("L")
    return np.asarray(picture, np.float32) / np.float32(255)
