"""Count the frames of a picture file without decoding them, and no further than a limit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

MAX_FRAMES = 1000
GIF_HEADER = 13
GIF_IMAGE, GIF_EXTENSION = 0x2C, 0x21
MAX_GIF_BYTES = 64 << 20
MAX_TEXT_BLOCKS = 10_000  # Pillow joins them one by one, each time copying what it has


def count_frames(picture: Any) -> int:
    """Count the frames of an open picture of another format than GIF.

    Args:
        picture: as Pillow has opened it, at its first frame; it is left there.

    Returns:
        How many frames there are; ``MAX_FRAMES + 1`` for all that are more.
    """
    if picture.format != "TIFF":
        return int(getattr(picture, "n_frames", 1))
    count = 1
    while count <= MAX_FRAMES:
        try:
            picture.seek(count)
        except EOFError:
            break
        count += 1
    picture.seek(0)
    return count


def count_gif_frames(path: Path) -> int:
    """Walk over the blocks of a GIF (GIF89a, 17-26), before Pillow does: it knows no limits there.

    Returns:
        How many frames there are; ``MAX_FRAMES + 1`` for all that are more.

    Raises:
        ValueError: it is larger or stranger than a picture can be.
    """
    data = path.read_bytes() if path.stat().st_size <= MAX_GIF_BYTES else b""
    if len(data) <= GIF_HEADER:
        raise ValueError(f"a GIF of {path.stat().st_size} bytes is no picture")
    position, count, texts = GIF_HEADER + _table_bytes(data[10]), 0, 0
    while position < len(data) and count <= MAX_FRAMES:
        is_text = data[position] == GIF_EXTENSION
        if is_text:
            position += 2
        elif data[position] == GIF_IMAGE and position + 10 < len(data):
            count += 1
            position += 11 + _table_bytes(data[position + 9])
        else:
            break
        while position < len(data) and data[position]:
            position += 1 + data[position]
            texts += is_text
            if texts > MAX_TEXT_BLOCKS:
                raise ValueError(f"it has more than {MAX_TEXT_BLOCKS} blocks beside its pixels")
        position += 1
    return max(count, 1)


def _table_bytes(flags: int) -> int:
    """Bytes of a colour table, as the flags before it tell."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
