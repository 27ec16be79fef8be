"""How nodules have changed since an earlier scan of the same patient."""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lungdet.counted import counted
from lungdet.geometry.frames import spacing_of
from lungdet.lesions.compare_nodules import GrowthError, compare_nodules
from lungdet.lesions.lay_scans import LayingError, lay_scans
from lungdet.lesions.match_places import match_places
from lungdet.records import DetectionReport, Finding, NoduleMeasurement, SeriesInfo
from lungdet.reports import read_json, series_digest

from .prior_doubts import ANYWAY, THOUGH, prior_doubts, prior_notes

logger = logging.getLogger(__name__)
NO_MATCH = "no counterpart in the earlier scan"
FILE = "findings.json"


class PriorScan:
    """An analyzed earlier scan to compare with.

    Args:
        path: its ``findings.json``, as :func:`~lungdet.workflows.analyze` writes it, or the folder that holds it alone.
        days: that have passed since.
        anyway: compare also with what seems to be no earlier scan of the same patient; ``warnings`` say so then.

    Raises:
        FindingsFileError: the file cannot be read back.
        ValueError: there is no such file, or several; it holds no measurements and no lungs, or ``days`` is not
            positive.
        OSError: it cannot be opened.
    """

    def __init__(self, path: str | Path, days: float, anyway: bool = False) -> None:
        self.days, self.path, self.anyway = days, _only_file(Path(path)), anyway
        if not (math.isfinite(days) and days > 0):
            raise ValueError(f"days since the earlier scan must be positive, got {days}")
        self.report = read_json(self.path)
        lungs = self.report.lungs
        if lungs is None or lungs.center_lps_mm is None:
            raise ValueError(
                f"{self.path}: tells of no lungs, so places cannot be compared; run `lungdet analyze` on that CT"
            )
        self.measured = [found for finding in self.report.findings if (found := finding.measurement) is not None]

    def check_count(self, studies: int) -> None:
        """Refuse to compare several studies with one scan.

        Raises:
            ValueError: there are several.
        """
        if studies > 1:
            raise ValueError(f"one earlier scan belongs to one study, and there are {studies}; analyze one at a time")

    def check_series(self, series: SeriesInfo) -> list[str]:
        """Refuse a series whose earlier scan this cannot be; return the doubts that are passed over.

        Raises:
            ValueError: both are the same series; or this one is of another patient, of the same study, or later, and
                was not to be compared anyway.
        """
        before = self.report.series
        if _same_series(before, series):
            raise ValueError(
                f"{series.source}: the earlier scan, {self.path}, is of this very series; name an earlier one"
            )
        doubts = [f"the earlier scan {doubt}" for doubt in prior_doubts(before, series)]
        if doubts and not self.anyway:
            raise ValueError(f"{series.source}: {' and '.join(doubts)} ({self.path}); {ANYWAY}")
        return doubts

    def __call__(self, report: DetectionReport) -> DetectionReport:
        """Add the growth of each measured finding that has a counterpart; the others get a note, doubts a warning.

        The earlier scan is laid on this one by :func:`~lungdet.lesions.lay_scans.lay_scans`, and measured nodules are
        paired one to one within its limit. What cannot be compared says why in its notes.

        Raises:
            ValueError: as for :meth:`check_series`.
        """
        doubts = self.check_series(report.series)
        told = prior_notes(self.report.series, report.series, self.days)
        now = [(rank, found) for rank, finding in enumerate(report.findings) if (found := finding.measurement)]
        before_mm, after_mm = _places(self.measured), _places([found for _, found in now])
        try:
            laying = lay_scans(self.report, report, before_mm, after_mm)
        except LayingError as error:
            return replace(report, notes=(*report.notes, f"not compared with the earlier scan: {error}", *told))
        pairs = match_places(before_mm + laying.offset_mm, after_mm, laying.limit_mm)
        findings, thickness_mm = list(report.findings), (_thickness(self.report), _thickness(report))
        partners = {column: (self.measured[row], distance) for row, column, distance in pairs}
        for column, (rank, _) in enumerate(now):
            before, distance_mm = partners.get(column, (None, 0.0))
            findings[rank] = self._grown(findings[rank], before, distance_mm, thickness_mm)
        again = f"{len(pairs)} of {counted(len(self.measured), 'nodule')} found again"
        said = f"compared with a scan {counted(f'{self.days:g}', 'day')} before: {again}"
        notes = (*report.notes, said, *filter(None, [laying.note]), *told)
        for doubt in doubts:
            logger.warning("%s: %s %s (%s)", report.series.source, THOUGH, doubt, self.path)
        warnings = (*report.warnings, *(f"{THOUGH} {doubt}" for doubt in doubts))
        return replace(report, findings=tuple(findings), notes=notes, warnings=warnings)

    def _grown(
        self,
        finding: Finding,
        before: NoduleMeasurement | None,
        distance_mm: float,
        thickness_mm: tuple[float, float],
    ) -> Finding:
        after = finding.measurement
        if before is None or after is None:
            return replace(finding, notes=(*finding.notes, NO_MATCH))
        try:
            return replace(finding, growth=compare_nodules(before, after, self.days, distance_mm, thickness_mm))
        except GrowthError as error:
            return replace(finding, notes=(*finding.notes, str(error)))


def open_prior(path: str | Path | None, days: float | None, anyway: bool = False) -> PriorScan | None:
    """Open an earlier scan, if one is named.

    Raises:
        ValueError: of its file and the days since one is missing; see also :class:`PriorScan`.
    """
    if path is None:
        if days is not None:
            raise ValueError(
                "to compare with an earlier scan, name its findings.json, or the folder that holds it (--prior)"
            )
        return None
    found = _only_file(Path(path))
    if days is None:
        raise ValueError(f"{found}: to compare with it, say how many days have passed since that scan (--prior-days)")
    return PriorScan(found, days, anyway)


def _only_file(path: Path) -> Path:
    wanted = f"wanted the {FILE} of the earlier scan, or the folder that holds it (--prior)"
    if not path.is_dir():
        if not path.exists():
            raise ValueError(f"{path}: there is no such file or folder; {wanted}")
        return path
    found = [path / FILE] if (path / FILE).is_file() else sorted(path.glob(f"[!.]*/{FILE}"))
    if not found:
        raise ValueError(f"{path}: no {FILE} there; {wanted}")
    if len(found) > 1:
        folders = ", ".join(each.parent.name for each in found[:5])
        raise ValueError(f"{path}: holds {len(found)} studies ({folders}); name the {FILE} of the earlier scan")
    return found[0]


def _same_series(before: SeriesInfo, after: SeriesInfo) -> bool:
    if before.series_uid or after.series_uid:
        return before.series_uid == after.series_uid
    return series_digest(before) == series_digest(after)


def _thickness(report: DetectionReport) -> float:
    step = float(spacing_of(np.asarray(report.affine_lps, dtype=np.float64))[2])
    return max(step, report.series.thickness_mm or 0.0)


def _places(measured: list[NoduleMeasurement]) -> NDArray[np.float64]:
    return np.array([found.center_lps_mm for found in measured], dtype=np.float64).reshape(-1, 3)
