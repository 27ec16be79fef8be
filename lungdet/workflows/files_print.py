"""Whether the files of a scan are those of before, without reading them."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from lungdet.readers.series_scan import find_files


def files_print(source: str | os.PathLike[str]) -> str:
    """Digest the names, sizes and times of last change of all files of a scan.

    A copy that keeps the times has the same print, wherever it lies. So has a file of which somebody has set back the
    time after changing it to another of the same size.

    Args:
        source: a file, or a folder with all that is below it.

    Returns:
        SHA-256 in hexadecimal digits.

    Raises:
        SeriesError: it is not there, holds no file, or a folder in it cannot be opened.
        OSError: a file has gone meanwhile.
    """
    base = Path(source) if Path(source).is_dir() else Path(source).parent
    facts = []
    for path in find_files(source):
        stat = path.stat()
        facts.append((path.relative_to(base).as_posix(), stat.st_size, stat.st_mtime_ns))
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
