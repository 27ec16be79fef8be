"""The folder for all results: ready before the work begins, and free of what broken runs left."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from .atomic import TEMPORARY_ENDING
from .folder_swap import NEW_ENDING, folder_of_old, recover

# Another process may be at work in the same folder; nothing takes this long to write.
SAFE_AGE_S = 3600.0


def prepare_output(folder: str | Path) -> Path:
    """Make a folder for results, try whether it can be written to, and clean it with :func:`sweep`.

    Returns:
        The folder.

    Raises:
        OSError: nothing can be written there; the message says why.
    """
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path, prefix=".", suffix=TEMPORARY_ENDING):
            pass
        sweep(path)
    except OSError as error:
        reason = "it is no folder" if path.exists() and not path.is_dir() else error.strerror or str(error)
        raise OSError(f"{path}: results cannot be written there: {reason}; name another folder") from error
    return path


def sweep(folder: Path) -> None:
    """Bring back results that a killed run had set aside, and delete what runs left unfinished an hour ago or more."""
    for path in list(folder.iterdir()):
        target = folder_of_old(path)
        if target is not None:
            recover(target)
        elif path.name.startswith(".") and path.name.endswith((NEW_ENDING, TEMPORARY_ENDING)):
            with suppress(FileNotFoundError):  # its owner was quicker
                if time.time() - path.stat().st_mtime >= SAFE_AGE_S:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
