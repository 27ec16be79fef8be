"""Embedded lesions as a file of arrays: ``.npz`` without pickle, whole or not at all, checked when it is read."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungdet.reports.atomic import write_files

from .embedded import EmbeddedLesions

FORMAT = "lungdet.embedded_lesions"
VERSION = 1
MAX_BYTES = 1 << 33  # a million vectors of 1024 numbers are half of it
_HEAD = "about"
_SUMS = ("weights_sha256", "settings_sha256")  # a file of before there was the second does not tell it
# What zipfile and numpy raise; a member that calls itself encrypted or packed in an unknown way is a RuntimeError.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, TypeError, ValueError, MemoryError, RuntimeError)


class EmbeddedFileError(ValueError):
    """A file does not hold embedded lesions; the message names it and says what is wrong."""


def save_embedded(lesions: EmbeddedLesions, path: str | Path) -> Path:
    """Write lesions with their vectors; a file that is there is replaced as a whole.

    Args:
        lesions: what to write.
        path: of the file; it should end in ``.npz``.

    Returns:
        The path.
    """
    about = {"format": FORMAT, "version": VERSION, **{name: getattr(lesions, name) for name in _SUMS}}
    head = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **{_HEAD: head}, **lesions.columns())
    write_files(Path(path).parent, {Path(path).name: stream.getvalue()})
    return Path(path)


def load_embedded(path: str | Path) -> EmbeddedLesions:
    """Read what :func:`save_embedded` wrote.

    Raises:
        EmbeddedFileError: the file is missing, damaged, of another kind or of a later version.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_size(path, archive)
        with np.load(path, allow_pickle=False) as arrays:
            about = _about(path, arrays)
            columns = {name: arrays[name] for name in arrays.files if name != _HEAD}
        weights, settings = (str(about.get(name, "")) for name in _SUMS)
        return EmbeddedLesions(**columns, weights_sha256=weights, settings_sha256=settings)
    except EmbeddedFileError:
        raise
    except OSError as error:
        what = error.strerror or error
        raise EmbeddedFileError(f"{path}: cannot be read ({what}); 'lungdet lesions embed' makes it") from error
    except _DAMAGED as error:
        remedy = "make it again with 'lungdet lesions embed'"
        raise EmbeddedFileError(f"{path}: no embedded lesions, or damaged ({error}); {remedy}") from error


def _check_size(path: str | Path, archive: zipfile.ZipFile) -> None:
    """Refuse what unpacks to more than it is: nothing that is written here is packed."""
    total = sum(member.file_size for member in archive.infolist())
    if total > min(2 * Path(path).stat().st_size + 4096, MAX_BYTES):
        raise EmbeddedFileError(f"{path}: unpacks to {total} bytes, more than such a file may; make it again")


def _about(path: str | Path, arrays: Any) -> dict[str, Any]:
    """Read the head, which says what the file is."""
    head: NDArray[np.uint8] | None = arrays[_HEAD] if _HEAD in arrays.files else None
    about = json.loads(head.tobytes()) if head is not None else {}
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise EmbeddedFileError(f"{path}: holds arrays, but no embedded lesions; 'lungdet lesions embed' makes them")
    if about.get("version") != VERSION:
        what = f"version {about.get('version')} of the format, this program reads {VERSION}"
        raise EmbeddedFileError(f"{path}: {what}; make it again, or install another lungdet")
    return about
