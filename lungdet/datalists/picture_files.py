"""From what a label file calls a picture to the file that holds it."""

from __future__ import annotations

import os
from pathlib import Path

from lungdet.readers import list_radiographs
from lungdet.readers.picture_identity import identify_picture
from lungdet.readers.picture_table import PictureRow


class PictureFinder:
    """Finds pictures in a folder by path, by the file's name without its ending, or by SOP Instance UID.

    The folder is only walked when a path does not lead to a file, and headers are only read when a name does not.

    Args:
        base: the folder.
    """

    def __init__(self, base: str | Path) -> None:
        self.base = Path(base)
        self._by_stem: dict[str, list[str]] | None = None
        self._by_uid: dict[str, list[str]] | None = None

    def find(self, name: str) -> str:
        """Return the picture's path relative to the folder, with ``/``.

        Raises:
            ValueError: there is none, there are several, or the name leads out of the folder.
        """
        relative = os.path.relpath(name, self.base) if os.path.isabs(name) else os.path.normpath(name)
        if relative.split(os.sep)[0] == os.pardir or os.path.isabs(relative):
            raise ValueError(f"{name!r} leads out of {self.base}; name the folder that holds all pictures")
        if (self.base / relative).is_file():
            return Path(relative).as_posix()
        found = self._stems().get(name) or self._uids().get(name) or []
        if len(found) != 1:
            what = "no file of that path, name or SOP Instance UID" if not found else f"{len(found)} files of that name"
            raise ValueError(f"{name!r}: {what} in {self.base}; correct the label file, or name another folder")
        return found[0]

    def _stems(self) -> dict[str, list[str]]:
        if self._by_stem is None:
            self._by_stem = {}
            for image in list_pictures(self.base):
                for key in {Path(image).stem, Path(image).name}:
                    self._by_stem.setdefault(key, []).append(image)
        return self._by_stem

    def _uids(self) -> dict[str, list[str]]:
        if self._by_uid is None:
            self._by_uid = {}
            for image in list_pictures(self.base):
                try:
                    uid = identify_picture(self.base / image, with_content=False).sop_uid
                except (ValueError, OSError):
                    continue  # a file that no label names is nobody's concern
                if uid:
                    self._by_uid.setdefault(uid, []).append(image)
        return self._by_uid


def list_pictures(folder: str | Path) -> list[str]:
    """List what may be a picture below a folder, as sorted paths relative to it."""
    return [Path(path).relative_to(folder).as_posix() for path in list_radiographs([folder])]


def tree_rows(folder: str | Path) -> list[PictureRow]:
    """Label the pictures of a tree by the name of the first folder: ``chest/0001.png`` is a ``chest``.

    Raises:
        ValueError: there are no folders in it.
    """
    names = sorted(path.name for path in Path(folder).iterdir() if path.is_dir() and not path.name.startswith("."))
    if not names:
        raise ValueError(f"{folder}: no folders in it; wanted one for each class, or a CSV with image,label")
    return [PictureRow(f"{name}/{image}", name) for name in names for image in list_pictures(Path(folder) / name)]
