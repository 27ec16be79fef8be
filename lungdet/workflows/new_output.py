"""A folder for results that a run which fails does not leave behind empty."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lungdet.reports import prepare_output


@contextmanager
def new_output(output: str | Path) -> Iterator[Path]:
    """Make a folder for results, and on an error remove what was made of it, if nothing is in it.

    Args:
        output: the folder; one that is there stays whatever happens.

    Yields:
        The folder.

    Raises:
        OSError: nothing can be written there.
    """
    path = Path(output)
    made = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        yield prepare_output(path)
    except BaseException:
        for folder in made:
            with suppress(OSError):  # not made, or something is in it
                folder.rmdir()
        raise
