"""A folder that is there whole or not at all, and that an unfinished successor never spoils."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from .atomic import flush_folder, write_files

NEW_ENDING, OLD_ENDING = ".lungdet-new", ".lungdet-old"

Ignore = Callable[[str, list[str]], Iterable[str]]


def write_folder(folder: str | Path, files: Mapping[str, bytes], ignore: Ignore) -> None:
    """Replace a folder by one with these files, as a whole.

    The new folder is written in full under a hidden name beside the old one; two renames then put it in its place. At
    no moment does ``folder`` hold a part of a set, or parts of two. Stopped between the renames it is absent, and the
    old one, under its hidden name, comes back with :func:`recover`.

    Args:
        folder: made if absent.
        files: content by name, as for :func:`write_files`.
        ignore: what of the old folder goes, as for :func:`shutil.copytree`; the rest is copied.

    Raises:
        ValueError: a name leads out of ``folder``.
        OSError: the disk refused; the old folder is as it was.
    """
    target = Path(folder).resolve()  # the folder behind a link is the one to replace
    recover(target)
    new = _beside(target, NEW_ENDING)
    try:
        if target.is_dir():
            shutil.copytree(target, new, symlinks=True, ignore=ignore)
        write_files(new, files)
        _swap(new, target)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    flush_folder(target.parent)


def recover(folder: str | Path) -> None:
    """Undo or finish what an interrupted :func:`write_folder` began on ``folder``."""
    target = Path(folder)
    old = _beside(target, OLD_ENDING)
    if old.exists() and not target.exists():
        os.rename(old, target)
    for leftover in (old, _beside(target, NEW_ENDING)):
        shutil.rmtree(leftover, ignore_errors=True)


def folder_of_old(path: Path) -> Path | None:
    """Return the folder of which ``path`` is the old version, set aside; None if it is none."""
    name = path.name
    if not (name.startswith(".") and name.endswith(OLD_ENDING)):
        return None
    return path.with_name(name[1 : -len(OLD_ENDING)])


def _swap(new: Path, target: Path) -> None:
    old = _beside(target, OLD_ENDING)
    try:
        if target.exists():
            os.rename(target, old)
        os.rename(new, target)
    except BaseException:
        if old.exists() and not target.exists():
            os.rename(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _beside(target: Path, ending: str) -> Path:
    return target.with_name(f".{target.name}{ending}")
