"""Find the files that may be radiographs."""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from os import PathLike
from pathlib import Path

from .errors import RadiographError

logger = logging.getLogger(__name__)

LEFT_OUT = ("DICOMDIR",)
PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff")
DICOM_ENDINGS = ("", ".dcm", ".dicom", ".ima", ".img")
# Of programs, tables, texts and volumes: not even opened. Files of all other endings are looked into.
OTHER_ENDINGS = (
    *(".txt", ".md", ".rst", ".log", ".csv", ".tsv", ".json", ".jsonl", ".yaml", ".yml", ".toml", ".xml", ".html"),
    *(".htm", ".css", ".js", ".ini", ".cfg", ".conf", ".pdf", ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx"),
    *(".odt", ".ods", ".py", ".pyc", ".ipynb", ".sh", ".bat", ".exe", ".dll", ".so", ".jar", ".zip", ".gz", ".bz2"),
    *(".xz", ".7z", ".tar", ".tgz", ".rar", ".iso", ".db", ".sqlite", ".parquet", ".npy", ".npz", ".pt", ".pth"),
    *(".ckpt", ".onnx", ".safetensors", ".pkl", ".h5", ".hdf5", ".mat", ".nii", ".mha", ".mhd", ".nrrd", ".svg"),
    *(".webp", ".mp4", ".avi", ".mov", ".mp3", ".wav", ".md5", ".sha256"),
)
ANY_DEPTH = "**"
PREAMBLE, PREFIX = 128, b"DICM"

OnError = Callable[[RadiographError], None]


def list_radiographs(
    sources: str | PathLike[str] | Iterable[str | PathLike[str]], *, on_error: OnError | None = None
) -> Iterator[Path]:
    """List files, the content of folders with all their sub-folders, and what matches patterns.

    Args:
        sources: files, folders and patterns (``scans/**/*.dcm``), in the order wanted; or one of them.
        on_error: called with an error for each folder that cannot be listed; the rest is listed all the same. Without
            it, the error is logged as a warning.

    Yields:
        Each file once, those of a folder in the order of their names. A file that is named is given whatever its name;
        from folders and patterns come names without ending, with a number for an ending (a UID), with one of DICOM or a
        picture, or with any that is not known as another program's if the file begins as DICOM does. Hidden files,
        DICOMDIR and links to folders are left out.

    Raises:
        RadiographError: a source is not there, or its pattern matches nothing.
    """
    seen: set[str] = set()
    for source in [sources] if isinstance(sources, (str, PathLike)) else sources:
        for path in _expand(os.fspath(source), on_error or _log):
            real = os.path.abspath(path)
            if real not in seen:
                seen.add(real)
                yield path


def _log(error: RadiographError) -> None:
    logger.warning("%s", error)


def _expand(source: str, on_error: OnError) -> Iterator[Path]:
    if os.path.isdir(source):
        yield from _walk(source, on_error)
    elif os.path.lexists(source):
        yield Path(source)
    else:
        any_depth = ANY_DEPTH in source.split(os.sep)
        matches = sorted(set(_match(source, on_error)))
        if not matches:
            raise RadiographError(source, "there is no such file or folder", "look at its name")
        for match in matches:
            if os.path.isdir(match):
                if not (any_depth and os.path.islink(match)):
                    yield from _walk(match, _unheard if any_depth else on_error)
            elif _may_be_radiograph(match):
                yield Path(match)


def _match(pattern: str, on_error: OnError) -> Iterator[str]:
    """Match a pattern; ``**`` follows no link to a folder, for one that leads up would have it go round and round."""
    parts = pattern.split(os.sep)
    if ANY_DEPTH not in parts:
        yield from glob.iglob(pattern)
        return
    place = parts.index(ANY_DEPTH)
    base = os.sep.join(parts[:place]) or (os.sep if place else os.curdir)
    rest = parts[place + 1 :]
    while rest[:1] == [ANY_DEPTH]:
        rest = rest[1:]
    for start in glob.iglob(base):
        for folder, _ in _folders(start, on_error):
            inside = glob.escape("" if folder == os.curdir else folder.removeprefix(os.curdir + os.sep))
            yield from _match(os.path.join(inside, *(rest or ["*"])), _unheard)


def _unheard(error: RadiographError) -> None:
    """Say nothing: the folder is known from the walk around it."""


def _folders(folder: str, on_error: OnError) -> Iterator[tuple[str, list[str]]]:
    """Walk over a folder and all below it but for hidden ones and links, with the names of their files."""

    def refuse(error: OSError) -> None:
        problem = f"it cannot be listed ({error.strerror or error})"
        on_error(RadiographError(error.filename or folder, problem, "ask for the right to read it, or leave it out"))

    for parent, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield parent, sorted(files)


def _walk(folder: str, on_error: OnError) -> Iterator[Path]:
    for parent, files in _folders(folder, on_error):
        for path in (os.path.join(parent, name) for name in files):
            if _may_be_radiograph(path):
                yield Path(path)


def _may_be_radiograph(path: str) -> bool:
    """Whether a file found in a folder is worth a look, by its name or beginning; pipes and the like are not."""
    name = os.path.basename(path)
    if name.startswith(".") or name.upper() in LEFT_OUT:
        return False
    ending = os.path.splitext(name)[1].lower()
    known = ending in DICOM_ENDINGS or ending in PICTURE_ENDINGS or ending[1:].isdecimal()
    return (known or ending not in OTHER_ENDINGS) and os.path.isfile(path) and (known or _begins_as_dicom(path))


def _begins_as_dicom(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(PREAMBLE + len(PREFIX))[PREAMBLE:] == PREFIX
    except OSError:  # nothing says that it would be a radiograph
        return False
