"""Which folder holds the slices of a table: ``--images`` a level too high or too low is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

NAME = "Images_png"


def slice_folder(images: str | Path, png_paths: Iterable[str]) -> Path:
    """Look whether a folder holds a slice of a table, if only one: a data set may be unpacked in part.

    Args:
        images: what the user calls ``Images_png``.
        png_paths: of the key slices, relative to it, such as ``000001_01_01/109.png``.

    Returns:
        The folder.

    Raises:
        ValueError: there is no such folder, or it holds none of the slices; the message names the folder above or below
            that does, if there is one.
    """
    folder, paths = Path(images), sorted(set(png_paths))
    if not folder.is_dir():
        what = "is a file, not the folder of images" if folder.is_file() else "no such folder of images"
        raise ValueError(f"{folder}: {what}; unpack the zips of {NAME}, and name the folder that they make")
    if not paths or _holds_one(folder, paths):
        return folder
    right = next((other for other in _around(folder) if _holds_one(other, paths)), None)
    remedy = (
        f"they are in {right}; name that folder"
        if right is not None
        else f"name the folder {NAME} itself, in which {paths[0]} is"
    )
    raise ValueError(f"{folder}: holds none of the {len(paths)} key slices of the table; {remedy}")


def _holds_one(folder: Path, paths: list[str]) -> bool:
    return any((folder / path).is_file() for path in paths)


def _around(folder: Path) -> Iterator[Path]:
    """Folders that a user may have meant, the likeliest first."""
    whole = folder.resolve()
    yield from (folder / NAME, folder / NAME / NAME, folder / "DeepLesion" / NAME)
    for above in whole.parents[:2]:
        yield from (above, above / NAME)
