"""Names of a room that are imported only when something asks for them: torch and MONAI take seconds."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def late_names(room: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the ``__getattr__`` and ``__dir__`` of a room (PEP 562).

    Args:
        room: its ``__name__``.
        homes: file of each late name, without its ending.

    Returns:
        Both functions; the second lists late names, too, for documentation and completion.

    Example:
        >>> ask, names = late_names("lungdet.records", {"Finding": "finding"})
        >>> ask("Finding").__name__, "Finding" in names()
        ('Finding', True)
    """

    def ask(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f".{homes[name]}", room), name)

    def names() -> list[str]:
        return sorted({*vars(sys.modules[room]), *homes})

    return ask, names
