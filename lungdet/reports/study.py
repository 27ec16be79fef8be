"""One folder per study: JSON and CSV for machines, HTML and PNG for people."""

from __future__ import annotations

import fnmatch
import hashlib
import re
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lungdet.records import CTVolume, DetectionReport, SeriesInfo

from .csv_file import reports_to_csv, source_name
from .folder_swap import write_folder
from .html_file import report_to_html
from .json_file import report_to_json
from .picture_files import LUNGS_NAME, MAX_PICTURES, OVERVIEW_NAME, draw_pictures

PICTURE_FOLDER = "pictures"
JSON_NAME, CSV_NAME, HTML_NAME = "findings.json", "findings.csv", "report.html"


def write_study(
    folder: str | Path,
    report: DetectionReport,
    volume: CTVolume,
    max_pictures: int = MAX_PICTURES,
    created: datetime | None = None,
    lung_labels: NDArray[np.uint8] | None = None,
) -> Path:
    """Write ``pictures/*.png``, ``report.html``, ``findings.csv`` and ``findings.json`` of one study.

    Everything is made before anything is written, and the folder is replaced as a whole: what is there is one complete
    set, the old one or the new. Pictures of earlier findings go, files that are not of this kind stay. The same input
    gives the same bytes but for the time stamp in the JSON and in the HTML.

    Args:
        folder: the study's own; made if absent.
        report: what was found.
        volume: the image as read.
        max_pictures: findings that get pictures of their own.
        created: time stamp; now if None.
        lung_labels: of the image's voxels, for a picture of the lungs; see :func:`lung_sheet`.

    Returns:
        Path of the HTML.
    """
    pictures = draw_pictures(report, volume, max_pictures, lung_labels)
    files = {f"{PICTURE_FOLDER}/{name}": content for name, content in pictures.items()}
    files[HTML_NAME] = report_to_html(report, pictures, created)
    files[CSV_NAME] = reports_to_csv([report])
    files[JSON_NAME] = report_to_json(report, created)
    write_folder(folder, files, _outdated)
    return Path(folder) / HTML_NAME


def study_folder_name(series: SeriesInfo) -> str:
    """Name the folder of a study: its source's name made safe, and the :func:`series_digest`.

    Nothing from a header reaches a path unchecked: what is no letter, digit, dot, dash or underscore becomes ``_``.

    Example:
        >>> study_folder_name(SeriesInfo("/data/../chest 1", series_uid="1.2.3"))
        'chest_1-c47f5b18b8a4'
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", source_name(series.source))[:60].strip("._-") or "ct"
    return f"{name}-{series_digest(series)}"


def series_digest(series: SeriesInfo) -> str:
    """Tell in twelve digits which images were read: a hash of the UIDs of the series and its slices, else of the path.

    A series may hold several passes over one place, so its UID alone does not tell. Nor do the slices where they are
    all interpolated, or frames of one file; then the reader's steps count as well, which name the pass that it chose.

    Example:
        >>> series_digest(SeriesInfo("a", "1.2", slice_uids=("5", "6"))) == series_digest(SeriesInfo("b", "1.2"))
        False
    """
    if not series.series_uid:
        return _digest([str(Path(series.source).absolute())])
    slices = [uid for uid in series.slice_uids if uid]
    steps = series.steps if len(set(slices)) < 2 else ()
    return _digest([series.series_uid, *slices, *steps])


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode(errors="surrogateescape")).hexdigest()[:12]


def _outdated(folder: str, names: list[str]) -> list[str]:
    """Name what does not move on to the next version of a study's folder; see :func:`shutil.copytree`."""
    if Path(folder).name == PICTURE_FOLDER:
        return [name for name in names if fnmatch.fnmatch(name, "finding_*.png") or name in (LUNGS_NAME, OVERVIEW_NAME)]
    return [name for name in names if name in (JSON_NAME, CSV_NAME, HTML_NAME)]
