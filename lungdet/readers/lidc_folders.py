"""Go through a folder tree, links to folders included, and each folder once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path


def walk_folders(
    base: str | Path, on_error: Callable[[OSError], None] | None = None
) -> Iterator[tuple[Path, list[str]]]:
    """Yield every folder below ``base``, itself first, with the sorted names of its files.

    Folders come by name, links after real ones. A folder that several links lead to comes once, by its first name, so a
    link to a folder above ends there.

    Args:
        base: folder to begin with.
        on_error: called for a folder that cannot be listed; it is left out.

    Yields:
        Folder and names of files.
    """
    seen: set[tuple[int, int]] = set()
    for folder, folders, files in os.walk(base, onerror=on_error, followlinks=True):
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        path = Path(folder)
        folders.sort(key=lambda name, path=path: ((path / name).is_symlink(), name))  # type: ignore[misc]
        yield path, sorted(files)
