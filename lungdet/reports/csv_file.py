"""``findings.csv``: marks in the form that the LUNA16 evaluation reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from lungdet.records import DetectionReport, SeriesInfo

from .analysis_cells import analysis_cells
from .atomic import write_files

COLUMNS = ("seriesuid", "coordX", "coordY", "coordZ", "probability")


def reports_to_csv(reports: Iterable[DetectionReport]) -> bytes:
    """Turn reports into a submission: one row per finding, centre in LPS mm, score as ``probability``.

    LUNA16's annotations are in the coordinates of its MetaImage files, which are LPS mm. Where any report holds more
    than a detector's marks, columns with what is known of each follow; one that no finding fills is left out.
    """
    listed = list(reports)
    columns, known = analysis_cells(listed)
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*COLUMNS, *columns])
    found = ((report, finding) for report in listed for finding in report.findings)
    for (report, finding), cells in zip(found, known, strict=True):
        center = (f"{value:.4f}" for value in finding.center_lps_mm)
        writer.writerow([scan_name(report.series), *center, f"{finding.score:.6f}", *cells])
    return stream.getvalue().encode(errors="backslashreplace")


def write_csv(path: str | Path, reports: DetectionReport | Iterable[DetectionReport]) -> None:
    """Write one report or many as a LUNA16 submission, atomically; see :func:`reports_to_csv`."""
    many = [reports] if isinstance(reports, DetectionReport) else reports
    write_files(Path(path).parent, {Path(path).name: reports_to_csv(many)})


def scan_name(series: SeriesInfo) -> str:
    """Name a scan: its series UID, or the name of its file without endings, as in LUNA16's ``<series UID>.mhd``.

    Example:
        >>> scan_name(SeriesInfo("scans/1.3.6.1.mhd")), scan_name(SeriesInfo("a/b.nii.gz"))
        ('1.3.6.1', 'b')
    """
    return series.series_uid or source_name(series.source)


def source_name(source: str) -> str:
    """Last part of a path without the ending of a volume's file; ``ct`` if nothing is left.

    Example:
        >>> source_name("/data/chest 1/"), source_name("x.nii.gz"), source_name("/")
        ('chest 1', 'x', 'ct')
    """
    name = Path(source).name
    for ending in (".nii.gz", ".nii", ".mhd", ".mha", ".nrrd", ".nhdr", ".dcm"):
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
            break
    return name or "ct"
