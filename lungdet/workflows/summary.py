"""What happened to each of many studies, in this run and in those before."""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lungdet.records import DetectionReport
from lungdet.reports import read_json, reports_to_csv, series_digest, write_files

logger = logging.getLogger(__name__)

COLUMNS = ("source", "study_uid", "series_uid", "findings", "highest_score", "report", "error", "warnings")


@dataclass(frozen=True)
class StudyResult:
    """One study: its findings, or why there are none.

    Attributes:
        source: what the user named.
        report: the findings; None if the study failed.
        page: the HTML; None if the study failed.
        error: why it failed; empty if it did not.
        part: number of the study in its source, from 1, and how many there are.
    """

    source: str
    report: DetectionReport | None = None
    page: Path | None = None
    error: str = ""
    part: tuple[int, int] = (1, 1)


@dataclass(frozen=True)
class DetectSummary:
    """All studies of one run, in the order in which they were named.

    Attributes:
        studies: their results.
        problem: why the summary's files could not be written; empty if they could.
    """

    studies: tuple[StudyResult, ...]
    problem: str = ""

    @property
    def failed(self) -> tuple[StudyResult, ...]:
        """Studies without a result."""
        return tuple(study for study in self.studies if study.report is None)

    @property
    def reports(self) -> tuple[DetectionReport, ...]:
        """Reports of the studies that went well."""
        return tuple(study.report for study in self.studies if study.report is not None)

    def write(self, folder: str | Path) -> DetectSummary:
        """Write ``summary.json``, ``summary.csv``, and ``findings.csv`` in LUNA16's form, of all studies in ``folder``.

        This run's studies come first, then those of earlier runs, which are read from their own folders.

        Returns:
            This summary; where the files cannot be written, with the reason as its ``problem``.
        """
        try:
            write_files(folder, self._files(Path(folder)))
        except OSError as error:
            logger.error("%s: the summary could not be written: %s", folder, error)
            return replace(self, problem=f"{folder}: the summary could not be written: {error}")
        return self

    def _files(self, folder: Path) -> dict[str, bytes]:
        studies = self.studies + earlier_results(folder, self.reports)
        reports = tuple(study.report for study in studies if study.report is not None)
        rows = [_row(study, folder) for study in studies]
        content = {"studies": rows, "failed": len(self.failed), "models": _models(reports)}
        stream = io.StringIO(newline="")
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_on_one_line(row) for row in rows)
        return {
            "findings.csv": reports_to_csv(reports),
            "summary.csv": stream.getvalue().encode(errors="backslashreplace"),
            "summary.json": (json.dumps(content, indent=2, sort_keys=True) + "\n").encode("ascii"),
        }


def earlier_results(folder: Path, known: Iterable[DetectionReport] = ()) -> tuple[StudyResult, ...]:
    """Read the studies that earlier runs left in ``folder``.

    Args:
        folder: holds a folder for each study.
        known: studies that are not wanted again.

    Returns:
        One result for each series, the newest first; a file that cannot be read is logged and left out.
    """
    seen = {series_digest(report.series) for report in known}
    results = []
    paths = [path for path in folder.glob("*/findings.json") if not path.parent.name.startswith(".")]
    for path in sorted(paths, key=lambda path: (-path.stat().st_mtime, path)):
        try:
            report = read_json(path)
        except (OSError, ValueError) as error:
            logger.warning("%s; left out of the summary", error)
            continue
        if series_digest(report.series) not in seen:
            seen.add(series_digest(report.series))
            results.append(StudyResult(report.series.source, report, path.with_name("report.html")))
    return tuple(results)


def _on_one_line(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "error": " ".join(row["error"].split()), "warnings": "; ".join(row["warnings"])}


def _models(reports: tuple[DetectionReport, ...]) -> list[dict[str, Any]]:
    unique = dict.fromkeys((report.model, report.software_version) for report in reports)
    return [{**asdict(model), "software_version": version} for model, version in unique]


def _row(study: StudyResult, folder: Path) -> dict[str, Any]:
    report = study.report
    row: dict[str, Any] = {**dict.fromkeys(COLUMNS, ""), "source": study.source, "error": study.error, "warnings": ()}
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
        "warnings": report.warnings,
    }
