"""One folder per study: JSON and CSV for machines, HTML and PNG for people."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from pathlib import Path

from lungdet.records import CTVolume, DetectionReport, SeriesInfo

from .atomic import write_files
from .csv_file import reports_to_csv, source_name
from .html_file import report_to_html
from .json_file import report_to_json
from .picture_files import MAX_PICTURES, draw_pictures

PICTURE_FOLDER = "pictures"
JSON_NAME, CSV_NAME, HTML_NAME = "findings.json", "findings.csv", "report.html"


def write_study(
    folder: str | Path,
    report: DetectionReport,
    volume: CTVolume,
    max_pictures: int = MAX_PICTURES,
    created: datetime | None = None,
) -> Path:
    """Write ``pictures/*.png``, ``report.html``, ``findings.csv`` and ``findings.json`` of one study.

    Everything is made before anything is written, each file replaces its forerunner at once, and ``findings.json``
    comes last: where it is there, the study is complete. Pictures that an earlier run left and this one does not
    replace are removed. The same input gives the same bytes but for the time stamp in the JSON and in the HTML.

    Args:
        folder: the study's own; made if absent.
        report: what was found.
        volume: the image as read.
        max_pictures: findings that get pictures of their own.
        created: time stamp; now if None.

    Returns:
        Path of the HTML.
    """
    pictures = draw_pictures(report, volume, max_pictures)
    files = {f"{PICTURE_FOLDER}/{name}": content for name, content in pictures.items()}
    files[HTML_NAME] = report_to_html(report, pictures, created)
    files[CSV_NAME] = reports_to_csv([report])
    files[JSON_NAME] = report_to_json(report, created)
    write_files(folder, files)
    for stale in (Path(folder) / PICTURE_FOLDER).glob("finding_*.png"):
        if stale.name not in pictures:
            stale.unlink()
    return Path(folder) / HTML_NAME


def study_folder_name(series: SeriesInfo) -> str:
    """Name the folder of a study: its source's name made safe, and a short hash of its series UID (else of its path).

    Nothing from a header reaches a path unchecked: what is no letter, digit, dot, dash or underscore becomes ``_``.

    Example:
        >>> study_folder_name(SeriesInfo("/data/../chest 1", series_uid="1.2.3"))
        'chest_1-c47f5b18b8a4'
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", source_name(series.source))[:60].strip("._-") or "ct"
    key = series.series_uid or str(Path(series.source).absolute())
    return f"{name}-{hashlib.sha256(key.encode(errors='surrogateescape')).hexdigest()[:12]}"
