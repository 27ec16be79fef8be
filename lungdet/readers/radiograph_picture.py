"""Read a picture file (PNG, JPEG, BMP, GIF, TIFF) as a radiograph, by Pillow and with budgets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lungdet.counted import counted
from lungdet.records import Radiograph, RadiographInfo

from .dicom_jpeg_scans import check_scans
from .dicom_limits import MIB
from .dicom_streams import read_stream_header
from .errors import RadiographError
from .radiograph_frames import MAX_FRAMES, count_frames, count_gif_frames
from .radiograph_picture_deep import deep_picture
from .radiograph_picture_grey import grey_rows
from .radiograph_sample import MAX_FRAME_PIXELS
from .radiograph_shrink import shrink

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
MODE_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2, "LA": 4, "PA": 4}  # others: 4
MAX_PICTURE_BYTES = 128 * MIB  # of one decoded picture; turning it to grey takes up to four times as much
MAX_FILE_BYTES = 1024 * MIB
MOST_TIMES, SPARE_BYTES = 2, 16 * MIB  # noise grows a little when it is compressed; and profiles, thumbnails, a film
WHOLE_FORMATS = ("JPEG", "PNG")  # whose parts are read whole, whatever they hold
MAX_WHOLE_BYTES = MOST_TIMES * MAX_PICTURE_BYTES + SPARE_BYTES
EXIF_ORIENTATION, TILE_WIDTH, TILE_LENGTH = 0x0112, 322, 323
COPY_AGAIN, TOO_LARGE = "copy or export the file again", "save the picture smaller, or raise max_bytes if you trust it"


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
        max_bytes: budget for the decoded picture with all its frames.
        max_side: shrink it so that its longer side has no more pixels; None leaves it as it is.

    Raises:
        RadiographError: the file is damaged or asks for too much.
    """
    try:
        return _read(path, kind, frame, max_bytes, max_side)
    except RadiographError:
        raise
    except MemoryError as error:
        raise RadiographError(path, "decoding it takes more memory than there is", TOO_LARGE) from error
    except Exception as error:  # Pillow lets through whatever its decoders happen to raise
        raise RadiographError(path, f"its pixels cannot be decoded: {str(error)[:200]}", COPY_AGAIN) from error


def _read(path: Path, kind: str, frame: int, max_bytes: int, max_side: int | None) -> Radiograph:
    from PIL import Image

    size, most = path.stat().st_size, MAX_WHOLE_BYTES if kind in WHOLE_FORMATS else MAX_FILE_BYTES
    if size > most:
        raise RadiographError(path, f"its {size} bytes exceed the limit of {most}", TOO_LARGE)
    steps: list[str] = []
    gif_frames = count_gif_frames(path) if kind == "GIF" else 0
    # Not by its name: Pillow would map the file into memory, and mix up the sides of a TIFF that is to be turned.
    with open(path, "rb") as file, Image.open(file, formats=[kind]) as picture:
        frames = gif_frames or count_frames(picture)
        if frames > MAX_FRAMES:
            raise RadiographError(path, f"it has more than {MAX_FRAMES} frames", "save the frame that is wanted alone")
        if frame >= frames:
            raise RadiographError(path, f"there is no frame {frame}, it has {frames}", "frames count from 0")
        _check_budget(picture, path, frames, max_bytes)
        if kind == "JPEG":
            most = MOST_TIMES * picture.width * picture.height * 4 * frames + SPARE_BYTES
            if size > most:
                raise RadiographError(
                    path, f"its {size} bytes exceed {most}, far more than its pixels take", COPY_AGAIN
                )
            data = path.read_bytes()
            check_scans(data, read_stream_header(data))
        if frames > 1:
            steps.append(f"frame {frame + 1} of {frames}")
            picture.seek(frame)
            _check_budget(picture, path, frames, max_bytes)  # a frame of a TIFF has a size of its own
        mode = str(picture.mode)
        rows_of, shape = grey_rows(_upright(deep_picture(picture, file, steps), steps), steps)
        pixels = shrink(rows_of, shape, max_side, steps)
    info = RadiographInfo(
        source=str(path),
        photometric=mode,
        rows=shape[0],
        columns=shape[1],
        frame=frame,
        frames=frames,
        steps=tuple(steps),
        transfer_syntax=kind,
    )
    return Radiograph(pixels, info)


def _check_budget(picture: Any, path: Path, frames: int, max_bytes: int) -> None:
    """Refuse a picture for what it says of its size, before anything is decoded."""
    size = picture.width * picture.height * MODE_BYTES.get(picture.mode, 4)
    problem = ""
    if size == 0:
        problem = f"its {picture.height} x {picture.width} pixels hold nothing"
    elif picture.width * picture.height > MAX_FRAME_PIXELS or size > MAX_PICTURE_BYTES or size * frames > max_bytes:
        problem = (
            f"its {counted(frames, 'frame')} of {picture.height} x {picture.width} pixels take {size * frames} bytes, "
            f"and {MAX_FRAME_PIXELS} pixels and {MAX_PICTURE_BYTES} bytes for a frame, {max_bytes} for all, "
            "are the limits"
        )
    tags = getattr(picture, "tag_v2", {})
    tile = [int(tags.get(tag, 1)) for tag in (TILE_WIDTH, TILE_LENGTH)]
    if 8 * tile[0] * tile[1] > MAX_PICTURE_BYTES:  # a decoder takes memory for a whole tile
        problem = f"its tiles of {tile[1]} x {tile[0]} pixels are too large"
    if problem:
        raise RadiographError(path, problem, TOO_LARGE)


def _upright(picture: Any, steps: list[str]) -> Any:
    """Turn a picture as its EXIF orientation says; without a readable one it stays."""
    from PIL import ImageOps

    try:
        orientation = picture.getexif().get(EXIF_ORIENTATION, 1)
    except Exception:  # a broken EXIF block is no reason to refuse the picture
        return picture
    if orientation not in range(2, 9):
        return picture
    steps.append(f"turned upright: EXIF orientation {orientation}")
    if picture.format == "TIFF":  # Pillow turns it when it is loaded, and would turn it again
        picture.load()
        return picture
    return ImageOps.exif_transpose(picture)
