"""Say in one line what went wrong."""

from __future__ import annotations

import os


def explain(error: BaseException) -> str:
    """Say what went wrong: the error itself, not what MONAI's ``Compose`` wraps around it.

    Example:
        >>> explain(ValueError("scan: 2 gaps")), explain(MemoryError())
        ('scan: 2 gaps', 'MemoryError: ')
        >>> explain(FileNotFoundError(2, "No such file or directory", "labels.csv"))
        'labels.csv: No such file or directory; check the path'
    """
    while isinstance(error, RuntimeError) and error.__cause__ is not None and "applying transform" in str(error):
        error = error.__cause__
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{os.fsdecode(error.filename)}: {error.strerror}; check the path"
    expected = isinstance(error, (ValueError, OSError)) and str(error)
    return str(error) if expected else f"{type(error).__name__}: {error}"
