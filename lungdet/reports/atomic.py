"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

TEMPORARY_ENDING = ".lungdet-tmp"


def write_files(folder: str | Path, files: Mapping[str, bytes]) -> None:
    """Write several files of one folder so that none is ever seen half written.

    Every file is first written in full under a temporary name in its own folder and flushed to disk; only then are
    all of them renamed, in the order given. A reader thus sees the old file or the new one, and a full disk leaves
    the old set untouched. Stopped among the renames it leaves some files old and some new: a set that must never be
    mixed needs :func:`~lungdet.reports.folder_swap.write_folder`.

    Args:
        folder: made if absent.
        files: content by name; a name may hold ``/`` for one level of sub-folders.

    Raises:
        ValueError: a name leads out of ``folder``.
        OSError: the disk refused; nothing was replaced unless a rename itself failed.
    """
    root = Path(folder)
    targets = {_inside(root, name): content for name, content in files.items()}
    staged: list[tuple[Path, Path]] = []
    try:
        for target, content in targets.items():
            staged.append((_temporary_name(target), target))
            _write_through(staged[-1][0], content)
        for temporary, target in staged:
            os.replace(temporary, target)
    except BaseException:
        for temporary, _ in staged:
            with suppress(OSError):
                temporary.unlink()
        raise
    for parent in {target.parent for target in targets}:
        flush_folder(parent)


def _inside(root: Path, name: str) -> Path:
    parts = Path(name).parts
    if not parts or Path(name).is_absolute() or ".." in parts:
        raise ValueError(f"{name!r} is not the name of a file inside {root}")
    return root / name


def _temporary_name(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}{TEMPORARY_ENDING}")


def _write_through(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def flush_folder(folder: Path) -> None:
    """Make the renames last; some systems cannot open a folder, and then there is nothing to do."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
