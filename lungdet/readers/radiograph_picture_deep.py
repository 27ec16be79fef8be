"""Read PNG pictures of 16 bits in several channels as deep as they are: Pillow keeps the high byte of each sample."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .radiograph_picture_grey import colour_words

BITS_PER_SAMPLE = 258  # tag of a TIFF
LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601
# Raw mode of a PNG's samples -> the one that takes the low bytes instead, as if they were little-endian.
LOW_BYTES = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L"}
GREY_ALPHA, FOUR_BYTES = "LA;16B", "RGBA"  # two samples of 16 bits are four bytes a pixel
TOP = 65535


def deep_picture(picture: Any, file: BinaryIO, steps: list[str]) -> Any:
    """Turn a picture of 16 bits a sample to grey without losing any.

    Args:
        picture: as Pillow has opened it, not yet loaded.
        file: the file that it was opened from.
        steps: takes a word on all that was done.

    Returns:
        A grey picture of mode "F", values 0 to 65535, with the EXIF block of ``picture``; ``picture`` itself if it has
        no more than 8 bits, is grey already, or is no PNG of one frame: then a word says that only
            8 bits were read.
    """
    raw_mode = str(picture.tile[0].args) if picture.format == "PNG" and len(picture.tile) == 1 else ""
    one = getattr(picture, "n_frames", 1) == 1
    if one and "transparency" not in picture.info and raw_mode in LOW_BYTES:
        grey = _luminance(picture, file, raw_mode, steps)
    elif one and raw_mode == GREY_ALPHA:
        grey = _grey_and_alpha(picture)
        steps += ["grey kept in LA of 16 bits", "transparent parts made black"]
    else:
        if raw_mode in (*LOW_BYTES, GREY_ALPHA) or _has_deep_colour(picture):
            steps.append("8 of 16 bits read")
        return picture
    return _dressed(grey, picture)


def _has_deep_colour(picture: Any) -> bool:
    bits = getattr(picture, "tag_v2", {}).get(BITS_PER_SAMPLE, ())
    return isinstance(bits, tuple) and len(bits) > 1 and max(bits) > 8


def _luminance(picture: Any, file: BinaryIO, raw_mode: str, steps: list[str]) -> NDArray[np.float32]:
    """Decode the file twice, for the high and for the low bytes."""
    low = _again(file, picture.mode, LOW_BYTES[raw_mode])
    grey = np.zeros((picture.height, picture.width), np.float32)
    for number, weight in enumerate(LUMINANCE):
        for half, factor in ((picture, 256 * weight), (low, weight)):
            grey += np.asarray(half.getchannel(number)) * np.float32(factor)
    steps.append(colour_words(picture, f"{picture.mode} of 16 bits"))
    if picture.mode == "RGBA":
        alpha = np.asarray(picture.getchannel(3)) * np.float32(256) + np.asarray(low.getchannel(3))
        grey *= alpha / np.float32(TOP)
        steps.append("transparent parts made black")
    return grey


def _grey_and_alpha(picture: Any) -> NDArray[np.float32]:
    samples = np.asarray(_as(picture, FOUR_BYTES, FOUR_BYTES))
    grey: NDArray[np.float32] = samples[..., 0] * np.float32(256) + samples[..., 1]
    grey *= (samples[..., 2] * np.float32(256) + samples[..., 3]) / np.float32(TOP)
    return grey


def _again(file: BinaryIO, mode: str, raw_mode: str) -> Any:
    from PIL import Image

    place = file.tell()
    file.seek(0)
    picture = _as(Image.open(file, formats=["PNG"]), mode, raw_mode)
    picture.load()
    file.seek(place)
    return picture


def _as(picture: Any, mode: str, raw_mode: str) -> Any:
    """Have a picture that is not yet loaded take its bytes for those of another mode."""
    picture._mode = mode
    picture.tile = [picture.tile[0]._replace(args=raw_mode)]
    return picture


def _dressed(grey: NDArray[np.float32], picture: Any) -> Any:
    from PIL import Image

    shown = Image.fromarray(grey)
    shown.info.update({key: value for key, value in picture.info.items() if key == "exif"})
    return shown
