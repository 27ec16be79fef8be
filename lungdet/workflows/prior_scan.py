"""How nodules have changed since an earlier scan of the same patient."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lungdet.lesions import volume_growth
from lungdet.lesions.match_places import match_places
from lungdet.records import DetectionReport, Finding, NoduleGrowth, NoduleMeasurement
from lungdet.reports import read_json

LIMIT_MM = 20.0  # lungs breathe: what is further off after laying their middles on each other is another nodule
NO_MATCH = "no counterpart in the earlier scan"


class PriorScan:
    """An analyzed earlier scan to compare with.

    Args:
        path: its ``findings.json``, as :func:`~lungdet.workflows.analyze` writes it.
        days: that have passed since.

    Raises:
        FindingsFileError: the file cannot be read back.
        ValueError: it holds no measurements and no lungs, or ``days`` is not positive.
        OSError: it cannot be opened.
    """

    def __init__(self, path: str | Path, days: float) -> None:
        if not (math.isfinite(days) and days > 0):
            raise ValueError(f"days since the earlier scan must be positive, got {days}")
        self.days, report = days, read_json(path)
        self.middle = _middle(report)
        if self.middle is None:
            raise ValueError(
                f"{path}: tells of no lungs, so places cannot be compared; run `lungdet analyze` on that CT"
            )
        self.measured = [found for finding in report.findings if (found := finding.measurement) is not None]

    def check_count(self, studies: int) -> None:
        """Refuse to compare several studies with one scan.

        Raises:
            ValueError: there are several.
        """
        if studies > 1:
            raise ValueError(f"one earlier scan belongs to one study, and there are {studies}; analyze one at a time")

    def __call__(self, report: DetectionReport) -> DetectionReport:
        """Add the growth of each measured finding that has a counterpart; the others get a note.

        Both scans are laid on each other by the middle of both lungs, and measured nodules are paired one to one within
        20 mm. A volume that another version of the method has measured is not compared.
        """
        middle = _middle(report)
        if middle is None or self.middle is None:
            return replace(report, notes=(*report.notes, "not compared with the earlier scan: no lungs are found"))
        now = [(rank, found) for rank, finding in enumerate(report.findings) if (found := finding.measurement)]
        before_mm = _places(self.measured) - self.middle
        pairs = match_places(before_mm, _places([found for _, found in now]) - middle, LIMIT_MM)
        findings = list(report.findings)
        partners = {column: (self.measured[row], distance) for row, column, distance in pairs}
        for column, (rank, _) in enumerate(now):
            findings[rank] = self._grown(findings[rank], *partners.get(column, (None, 0.0)))
        said = (
            f"compared with a scan {self.days:g} days before: {len(pairs)} of {len(self.measured)} nodules found again"
        )
        return replace(report, findings=tuple(findings), notes=(*report.notes, said))

    def _grown(self, finding: Finding, before: NoduleMeasurement | None, distance_mm: float) -> Finding:
        after = finding.measurement
        if before is None or after is None:
            return replace(finding, notes=(*finding.notes, NO_MATCH))
        if before.version != after.version:
            said = f"not compared: the earlier scan was measured by version {before.version} of the method"
            return replace(finding, notes=(*finding.notes, f"{said}; analyze it again"))
        found = volume_growth(before.volume_mm3, after.volume_mm3, self.days)
        doubling = found.doubling_days if math.isfinite(found.doubling_days) else None
        growth = NoduleGrowth(
            before.volume_mm3,
            after.volume_mm3,
            self.days,
            found.growth,
            _rounded(doubling),
            _rounded(found.shortest_days),
            _rounded(found.longest_days),
            round(distance_mm, 2),
        )
        return replace(finding, growth=growth)


def open_prior(path: str | Path | None, days: float | None) -> PriorScan | None:
    """Open an earlier scan, if one is named.

    Raises:
        ValueError: of its file and the days since one is missing; see also :class:`PriorScan`.
    """
    if path is None and days is None:
        return None
    if path is None or days is None:
        raise ValueError("to compare with an earlier scan, name its findings.json and the days that have passed since")
    return PriorScan(path, days)


def _middle(report: DetectionReport) -> NDArray[np.float64] | None:
    lungs = report.lungs
    return None if lungs is None or lungs.center_lps_mm is None else np.array(lungs.center_lps_mm)


def _places(measured: list[NoduleMeasurement]) -> NDArray[np.float64]:
    return np.array([found.center_lps_mm for found in measured], dtype=np.float64).reshape(-1, 3)


def _rounded(days: float | None) -> float | None:
    return None if days is None else round(days, 1)
