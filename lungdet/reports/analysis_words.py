"""What an analysis found of a mark, in the few words of a table."""

from __future__ import annotations

from lungdet.counted import counted
from lungdet.records import DetectionReport, Finding, NoduleGrowth

KIND_WORDS = {
    "solid": "solid",
    "part_solid": "part-solid",
    "ground_glass": "ground glass",
    "calcified": "calcified",
}
OUTSIDE_LUNGS = "outside the lungs"  # ends the note of a mark that no model of nodules was asked about
SURE = 0.5  # below, the most likely kind is less likely than all others together


def axes_words(finding: Finding) -> str:
    """Long and short axis.

    Example:
        >>> axes_words(Finding((0, 0, 0, 1, 1, 1), (0, 0, 0, 1, 1, 1), 0.5))
        ''
    """
    found = finding.measurement
    return "" if found is None else f"{found.long_mm:.1f} × {found.short_mm:.1f}"


def volume_words(finding: Finding) -> str:
    """Volume in whole mm3, three digits of it."""
    found = finding.measurement
    return "" if found is None else f"{float(f'{found.volume_mm3:.3g}'):.0f}"


def kind_words(finding: Finding) -> str:
    """Type by the classifier, or density as measured; a doubtful type with its probability.

    Example:
        >>> box = (0, 0, 0, 1, 1, 1)
        >>> kind_words(Finding(box, box, 0.5, notes=("no type and ratings: it lies outside the lungs",)))
        'outside the lungs'
    """
    answer, found = finding.answer, finding.measurement
    if any(note.endswith(OUTSIDE_LUNGS) for note in finding.notes):
        return OUTSIDE_LUNGS
    if answer is not None:
        likely = max(answer.kinds)
        doubt = f" ({likely:.0%})" if likely < SURE else ""
        return KIND_WORDS[answer.kind] + doubt
    return "" if found is None else KIND_WORDS[found.density]


def malignancy_words(finding: Finding) -> str:
    """Malignancy as readers would rate it, mean and standard deviation."""
    rating = None if finding.answer is None else finding.answer.rating("malignancy")
    return "" if rating is None else f"{rating.mean:.1f} ± {rating.spread:.1f}"


def nodule_words(finding: Finding) -> str:
    """Probability of a nodule."""
    return "" if finding.answer is None else f"{finding.answer.nodule:.2f}"


def side_words(finding: Finding) -> str:
    """The patient's lung."""
    return "" if finding.measurement is None else finding.measurement.side or "?"


def pleura_words(finding: Finding) -> str:
    """Way to the pleura in mm."""
    found = finding.measurement
    if found is None:
        return ""
    if found.pleural_contact:
        return "touches"
    return "not near" if found.pleural_distance_mm is None else f"{found.pleural_distance_mm:.1f}"


def growth_words(finding: Finding) -> str:
    """What has become of it since an earlier scan, in few words."""
    growth = finding.growth
    return "" if growth is None else f"{growth.change_percent:+.0f} % ({growth.verdict})".replace("-", "−", 1)


def growth_sentence(growth: NoduleGrowth) -> str:
    """Tell volumes, time and doubling time.

    Example:
        >>> growth_sentence(NoduleGrowth(200.0, 400.0, 90.0, "grows", 90.0, 65.0, 148.0, 2.0))
        'grows: 200 to 400 mm³ in 90 days, doubling time 90 days (95 % limits 65 to 148)'
    """
    passed = counted(f"{growth.days:g}", "day")
    said = f"{growth.verdict}: {growth.before_mm3:.0f} to {growth.after_mm3:.0f} mm³ in {passed}"
    if growth.verdict != "grows" or growth.doubling_days is None:
        return said
    longest = "" if growth.longest_days is None else f" to {growth.longest_days:.0f}"
    limits = "" if growth.shortest_days is None else f" (95 % limits {growth.shortest_days:.0f}{longest})"
    return f"{said}, doubling time {counted(f'{growth.doubling_days:.0f}', 'day')}{limits}"


def candidates_words(report: DetectionReport) -> str:
    """Tell what the probability of the scan was made of; empty where there is none."""
    if report.risk is None:
        return ""
    count = report.risk.candidates
    if not count:
        return "from no candidate"
    named = "best candidate" if count == 1 else f"{count} best candidates"
    below = "also those below" if report.findings else "none of which reaches"
    return f"pooled from the detector's {named}, {below} the threshold of a finding"


def risk_notes(report: DetectionReport) -> list[str]:
    """Notes on the probability of the scan, without those that the lungs have already."""
    said = () if report.lungs is None else report.lungs.notes
    return [] if report.risk is None else [note for note in report.risk.notes if note not in said]
