"""Whose page lies in a folder: two commands that write ``index.html`` must not replace each other's."""

from __future__ import annotations

import re
from pathlib import Path

_HEAD_BYTES = 4096  # the mark is near the top of a page


def refuse_page_of_another(page: Path, command: str) -> None:
    """Refuse to replace the page of another command; a page names its command in ``<meta name="generator">``.

    Args:
        page: to be written.
        command: that writes it, such as ``lungdet lesions history``.

    Raises:
        ValueError: another command of lungdet has written the page that is there.
    """
    try:
        with page.open("rb") as stream:
            head = stream.read(_HEAD_BYTES).decode(errors="replace")
    except OSError:  # none there, or none that can be read: writing tells
        return
    found = re.search(r'<meta name="generator" content="(lungdet[a-z ]*)">', head)
    if found and found[1] != command:
        raise ValueError(f"{page}: is the page of `{found[1]}`, and would be overwritten; name another output folder")
