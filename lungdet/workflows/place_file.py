"""Put a file into a folder: whole or not at all, over nothing that is there, and without touching the original."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Literal

from lungdet.reports.atomic import TEMPORARY_ENDING, flush_folder

How = Literal["copied", "linked", "there"]
ENDINGS = (".dcm", ".dicom", ".ima", ".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff")
DIGITS = 12
_CHUNK = 1 << 20
_NO_LINKS = {errno.EXDEV, errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS}


def place_file(source: str | Path, target: str | Path, sha256: str, link: bool = False, mark: str = "") -> How:
    """Copy or hard-link a file to a name that is free.

    A copy is written in full under a hidden name beside the target, flushed, compared with ``sha256``, and only then
    given its name, by a step that fails if the name was taken meanwhile. Killed at any moment, it leaves nothing
    that is half there, but for the hidden file, which :func:`sweep_unfinished` removes.

    Args:
        source: the file; it is only read. A link is followed.
        target: the new name; its folder is made if absent.
        sha256: of the content that is meant; a file that has changed since is refused.
        link: make a hard link where the disk can: no second copy, and a later change of the one changes the other.
        mark: whose the hidden file is, for :func:`sweep_unfinished`.

    Returns:
        ``"copied"``, ``"linked"``, or ``"there"`` where the target was there with the same content.

    Raises:
        FileExistsError: something else is there; it stays as it is.
        ValueError: the source has changed.
        OSError: the disk refused.
    """
    source, target = Path(source), Path(target)
    if os.path.lexists(target):
        return _there(target, sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        how: How = "linked" if link and _link(source, target, sha256) else _copy(source, target, sha256, mark)
    except FileExistsError:  # somebody was quicker
        return _there(target, sha256)
    flush_folder(target.parent)
    return how


def placed_name(source: str | Path, sha256: str) -> str:
    """Name the copy of a file: its own name made safe, and the first digits of its content's hash.

    Two files of one name do not meet, the same content finds its own copy again, and nothing of a hostile name gets
    through: what is no letter, digit, dot, dash or underscore becomes ``_``.

    Example:
        >>> placed_name("in/knee left.DCM", "ab" * 32), placed_name("../1.2.840.5", "cd" * 32)
        ('knee_left-abababababab.dcm', '1.2.840.5-cdcdcdcdcdcd')
    """
    name = Path(source).name
    ending = Path(name).suffix.lower()
    stem = name[: -len(ending)] if ending in ENDINGS else name
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", stem)[:60].strip("._-") or "image"
    return f"{safe}-{sha256[:DIGITS]}{ending if ending in ENDINGS else ''}"


def file_sha256(path: str | Path) -> str:
    """Hash a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        _pump(stream, None, digest)
    return digest.hexdigest()


def sweep_unfinished(folder: str | Path, mark: str) -> int:
    """Delete what killed runs left of copies under their hidden names.

    Args:
        folder: where the copies are.
        mark: only of runs that gave :func:`place_file` this mark, none of which may be at work; letters and digits.

    Returns:
        How many there were.
    """
    leftovers = list(Path(folder).glob(f".*.{mark}-*{TEMPORARY_ENDING}"))
    for path in leftovers:
        path.unlink()
    return len(leftovers)


def _there(target: Path, sha256: str) -> How:
    if target.is_file() and file_sha256(target) == sha256:
        return "there"
    raise FileExistsError(
        errno.EEXIST, "something else has this name, and is kept; name another destination", str(target)
    )


def _link(source: Path, target: Path, sha256: str) -> bool:
    """Make a hard link; tell whether the disk can."""
    original = source.resolve(strict=True)  # a link to a link is no copy
    _compare(source, file_sha256(original), sha256)
    try:
        os.link(original, target)
    except OSError as error:
        if error.errno in _NO_LINKS:
            return False
        raise
    return True


def _copy(source: Path, target: Path, sha256: str, mark: str) -> How:
    temporary = target.with_name(f".{target.name}.{mark}-{secrets.token_hex(4)}{TEMPORARY_ENDING}")
    try:
        digest = hashlib.sha256()
        with open(source, "rb") as old, open(temporary, "xb") as new:
            _pump(old, new, digest)
            new.flush()
            os.fsync(new.fileno())
        _compare(source, digest.hexdigest(), sha256)
        shutil.copystat(source, temporary)
        _publish(temporary, target)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
    return "copied"


def _publish(temporary: Path, target: Path) -> None:
    """Give a finished file its name, unless that is taken."""
    try:
        os.link(temporary, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(target):  # a disk without links has no step that looks and renames at once
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from error
        os.rename(temporary, target)


def _compare(source: Path, found: str, wanted: str) -> None:
    if found != wanted:
        raise ValueError(f"{source}: has changed since it was looked at; route it again")


def _pump(old: BinaryIO, new: BinaryIO | None, digest: hashlib._Hash) -> None:
    while chunk := old.read(_CHUNK):
        digest.update(chunk)
        if new is not None:
            new.write(chunk)
