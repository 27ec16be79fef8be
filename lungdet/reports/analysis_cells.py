"""What an analysis adds to a row of ``findings.csv``."""

from __future__ import annotations

from collections.abc import Sequence

from lungdet.records import ORDINAL_RATINGS, DetectionReport, Finding, NoduleAnswer, NoduleGrowth, NoduleMeasurement

from .slice_words import slice_number, slice_position

PLACED = ("slice", "slice_mm")  # from 1, and its position along the slices in LPS
MEASURED = (
    "volume_mm3",
    "long_mm",
    "short_mm",
    "mean_hu",
    "solid_fraction",
    "density",
    "side",
    "pleural_contact_mm2",
    "pleural_distance_mm",
)
ANSWERED = ("nodule_probability", "type", "type_probability")
RATED = tuple(f"{name}{part}" for name in ORDINAL_RATINGS for part in ("", "_sd"))
GROWN = ("change_percent", "growth", "doubling_days")
ANALYSIS_COLUMNS = (*PLACED, *MEASURED, *ANSWERED, *RATED, *GROWN, "detector_score")


def analysis_cells(reports: Sequence[DetectionReport]) -> tuple[list[str], list[list[str]]]:
    """Return those of ``ANALYSIS_COLUMNS`` that any finding fills, and their cells; what is not known is empty.

    Args:
        reports: of one table.

    Returns:
        The columns, and a row for each finding of each report.

    Example:
        >>> analysis_cells([])
        ([], [])
    """
    rows = [_cells(report, finding) for report in reports for finding in report.findings]
    kept = [column for column in range(len(ANALYSIS_COLUMNS)) if any(row[column] for row in rows)]
    return [ANALYSIS_COLUMNS[column] for column in kept], [[row[column] for column in kept] for row in rows]


def _cells(report: DetectionReport, finding: Finding) -> list[str]:
    if not report.analyzed:
        return [""] * len(ANALYSIS_COLUMNS)
    place = [str(slice_number(finding)), f"{slice_position(finding, report.affine_lps)[1]:.2f}"]
    detector = "" if finding.detector_score is None else f"{finding.detector_score:.6f}"
    return [*place, *_measured(finding.measurement), *_answered(finding.answer), *_grown(finding.growth), detector]


def _measured(found: NoduleMeasurement | None) -> list[str]:
    if found is None:
        return [""] * len(MEASURED)
    return [_cell(getattr(found, name)) for name in MEASURED]


def _answered(answer: NoduleAnswer | None) -> list[str]:
    if answer is None:
        return [""] * (len(ANSWERED) + len(RATED))
    ratings = [answer.rating(name) for name in ORDINAL_RATINGS]
    pairs = [(None, None) if each is None else (each.mean, each.spread) for each in ratings]
    numbers = (number for pair in pairs for number in pair)
    return [_cell(value) for value in (answer.nodule, answer.kind, max(answer.kinds), *numbers)]


def _grown(growth: NoduleGrowth | None) -> list[str]:
    if growth is None:
        return [""] * len(GROWN)
    return [_cell(value) for value in (growth.change_percent, growth.verdict, growth.doubling_days)]


def _cell(value: float | str | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:.4f}"
