"""The radiographs that a user names, one by one, and what is wrong with a name."""

from __future__ import annotations

import os
from collections.abc import Iterable

from lungdet.readers import RadiographError, list_radiographs

from .explain import explain
from .studies import unique_sources

Source = str | os.PathLike[str]


def find_radiographs(sources: Source | Iterable[Source]) -> tuple[list[str], dict[str, str]]:
    """Look for radiographs in files, folders and globs.

    Args:
        sources: what the user named.

    Returns:
        The files, each once, in the order in which they were named and sorted within a folder; and the sources in which
        there is nothing to read and the folders that cannot be listed, each with its reason.
    """
    named = [sources] if isinstance(sources, (str, os.PathLike)) else [os.fspath(source) for source in sources]
    found: list[str] = []
    problems: dict[str, str] = {}

    def refuse(error: RadiographError) -> None:
        problems[os.fspath(error.path)] = explain(error)

    for source in unique_sources(named):
        try:
            files = [os.fspath(path) for path in list_radiographs([source], on_error=refuse)]
        except (ValueError, OSError) as error:  # one bad source does not stop the rest
            problems[source] = explain(error)
            continue
        if not files:
            problems.setdefault(source, f"{source}: no radiograph in it")
        found += files
    return unique_sources(found), problems
