"""What happened to each of many studies."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lungdet.records import DetectionReport
from lungdet.reports import reports_to_csv, write_files

COLUMNS = ("source", "study_uid", "series_uid", "findings", "highest_score", "report", "error")


@dataclass(frozen=True)
class StudyResult:
    """One study: its findings, or why there are none.

    Attributes:
        source: what the user named.
        report: the findings; None if the study failed.
        page: the HTML; None if the study failed.
        error: why it failed; empty if it did not.
    """

    source: str
    report: DetectionReport | None = None
    page: Path | None = None
    error: str = ""


@dataclass(frozen=True)
class DetectSummary:
    """All studies of one run, in the order in which they were named."""

    studies: tuple[StudyResult, ...]

    @property
    def failed(self) -> tuple[StudyResult, ...]:
        """Studies without a result."""
        return tuple(study for study in self.studies if study.report is None)

    @property
    def reports(self) -> tuple[DetectionReport, ...]:
        """Reports of the studies that went well."""
        return tuple(study.report for study in self.studies if study.report is not None)

    def write(self, folder: str | Path) -> None:
        """Write ``summary.json``, ``summary.csv``, and ``findings.csv`` of all studies in LUNA16's form."""
        rows = [_row(study, Path(folder)) for study in self.studies]
        content = {"studies": rows, "failed": len(self.failed), "models": _models(self.reports)}
        stream = io.StringIO(newline="")
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "error": " ".join(row["error"].split())} for row in rows)  # one line per study
        files = {
            "findings.csv": reports_to_csv(self.reports),
            "summary.csv": stream.getvalue().encode(errors="backslashreplace"),
            "summary.json": (json.dumps(content, indent=2, sort_keys=True) + "\n").encode("ascii"),
        }
        write_files(folder, files)


def _models(reports: tuple[DetectionReport, ...]) -> list[dict[str, Any]]:
    unique = dict.fromkeys((report.model, report.software_version) for report in reports)
    return [{**asdict(model), "software_version": version} for model, version in unique]


def _row(study: StudyResult, folder: Path) -> dict[str, Any]:
    report = study.report
    row: dict[str, Any] = {**dict.fromkeys(COLUMNS, ""), "source": study.source, "error": study.error}
    if report is None or study.page is None:
        return row
    scores = [finding.score for finding in report.findings]
    return {
        **row,
        "study_uid": report.series.study_uid,
        "series_uid": report.series.series_uid,
        "findings": len(scores),
        "highest_score": max(scores, default=""),
        "report": study.page.relative_to(folder).as_posix(),
    }
