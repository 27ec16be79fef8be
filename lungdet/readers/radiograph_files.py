"""Find the files that may be radiographs."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path

from .errors import RadiographError

LEFT_OUT = ("DICOMDIR",)
PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff")
DICOM_ENDINGS = ("", ".dcm", ".dicom", ".ima", ".img")


def list_radiographs(sources: str | PathLike[str] | Iterable[str | PathLike[str]]) -> Iterator[Path]:
    """List files, the content of folders with all their sub-folders, and what matches patterns.

    Args:
        sources: files, folders and patterns (``scans/**/*.dcm``), in the order wanted; or one of them.

    Yields:
        Each file once, those of a folder in the order of their names. A file that is named is given whatever its name;
        from folders and patterns come names without ending, with a number for an ending (a UID), or with one of DICOM
        or a picture. Hidden files, DICOMDIR and links to folders are left out.

    Raises:
        RadiographError: a source is not there, or its pattern matches nothing.
    """
    seen: set[str] = set()
    for source in [sources] if isinstance(sources, (str, PathLike)) else sources:
        for path in _expand(os.fspath(source)):
            real = os.path.abspath(path)
            if real not in seen:
                seen.add(real)
                yield path


def _expand(source: str) -> Iterator[Path]:
    if os.path.isdir(source):
        yield from _walk(source)
    elif os.path.lexists(source):
        yield Path(source)
    else:
        matches = sorted(glob.glob(source, recursive=True))
        if not matches:
            raise RadiographError(source, "there is no such file or folder", "look at its name")
        for match in matches:
            if os.path.isdir(match):
                yield from _walk(match)
            elif _may_be_radiograph(match):
                yield Path(match)


def _walk(folder: str) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for path in (os.path.join(parent, name) for name in sorted(files)):
            if _may_be_radiograph(path):
                yield Path(path)


def _may_be_radiograph(path: str) -> bool:
    """Whether a file found in a folder is worth a look, by its name; pipes and the like are not."""
    name = os.path.basename(path)
    if name.startswith(".") or name.upper() in LEFT_OUT:
        return False
    ending = os.path.splitext(name)[1].lower()
    known = ending in DICOM_ENDINGS or ending in PICTURE_ENDINGS or ending[1:].isdecimal()
    return known and os.path.isfile(path)
