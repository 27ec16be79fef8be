"""Count the frames of a picture file without decoding them, and no further than a limit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

MAX_FRAMES = 1000
GIF_HEADER = 13
GIF_IMAGE, GIF_EXTENSION = 0x2C, 0x21
MAX_GIF_BYTES = 64 << 20


def count_frames(picture: Any, path: Path) -> int:
    """Count the frames of an open picture.

    Args:
        picture: as Pillow has opened it, at its first frame; it is left there.
        path: its file.

    Returns:
        How many frames there are; ``MAX_FRAMES + 1`` for all that are more.
    """
    if picture.format == "GIF":
        return _count_gif(path)
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


def _count_gif(path: Path) -> int:
    """Walk over the blocks of a GIF (GIF89a, 17-26): Pillow's own count has no end that can be set."""
    with open(path, "rb") as file:
        data = file.read(MAX_GIF_BYTES)
    position, count = GIF_HEADER + _table_bytes(data[10]), 0
    while position < len(data) and count <= MAX_FRAMES:
        if data[position] == GIF_EXTENSION:
            position += 2
        elif data[position] == GIF_IMAGE and position + 10 < len(data):
            count += 1
            position += 11 + _table_bytes(data[position + 9])
        else:
            break
        while position < len(data) and data[position]:
            position += 1 + data[position]
        position += 1
    return max(count, 1)


def _table_bytes(flags: int) -> int:
    """Bytes of a colour table, as the flags before it tell."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
