"""Say in one line what went wrong."""

from __future__ import annotations


def explain(error: BaseException) -> str:
    """Say what went wrong: the error itself, not what MONAI's ``Compose`` wraps around it.

    Example:
        >>> explain(ValueError("scan: 2 gaps")), explain(MemoryError())
        ('scan: 2 gaps', 'MemoryError: ')
    """
    while isinstance(error, RuntimeError) and error.__cause__ is not None and "applying transform" in str(error):
        error = error.__cause__
    expected = isinstance(error, (ValueError, OSError)) and str(error)
    return str(error) if expected else f"{type(error).__name__}: {error}"
