"""What an analysis adds to a row of ``findings.csv``."""

from __future__ import annotations

from lungdet.records import ORDINAL_RATINGS, Finding, NoduleAnswer, NoduleGrowth, NoduleMeasurement

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
ANALYSIS_COLUMNS = (*MEASURED, *ANSWERED, *RATED, *GROWN, "detector_score")


def analysis_cells(finding: Finding) -> list[str]:
    """Return a cell for each of ``ANALYSIS_COLUMNS``; what is not known is empty.

    Example:
        >>> set(analysis_cells(Finding((0, 0, 0, 1, 1, 1), (0, 0, 0, 1, 1, 1), 0.5)))
        {''}
    """
    detector = "" if finding.detector_score is None else f"{finding.detector_score:.6f}"
    return [*_measured(finding.measurement), *_answered(finding.answer), *_grown(finding.growth), detector]


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
