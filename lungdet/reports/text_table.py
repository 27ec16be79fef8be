"""Findings as a table for the terminal."""

from __future__ import annotations

from lungdet.records import DetectionReport, Finding, LungsFound

from .analysis_words import (
    axes_words,
    growth_sentence,
    kind_words,
    malignancy_words,
    nodule_words,
    pleura_words,
    side_words,
    volume_words,
)

ANALYSIS_HEAD = (
    "rank  score  long x short mm  volume mm3  type                nodule  malignancy  lung   pleura mm  slice"
)
HEAD = "rank  score     x mm     y mm     z mm  diameter mm  slice   (LPS; slices count from 1)"


def report_to_text(report: DetectionReport) -> str:
    """Describe a report in lines of text: the series, what the reader did, and a row for each finding.

    What a file says is shown without control characters, which would steer the terminal.
    """
    series = report.series
    named = f"series {series.series_uid} " if series.series_uid else ""
    lines = [f"{series.source}: {named}{series.description!r}, {report.shape[2]} slices"]
    lines += [f"  {step}" for step in series.steps]
    lines += [f"  {ANALYSIS_HEAD if report.analyzed else HEAD}"] if report.findings else []
    row = _analysis_row if report.analyzed else _row
    for rank, finding in enumerate(report.findings, start=1):
        lines.append(f"  {rank:4d}  {finding.score:.3f}  {row(finding)}")
        lines += [] if finding.growth is None else [f"        {growth_sentence(finding.growth)}"]
        lines += [f"        {note}" for note in finding.notes]
    lines += [f"  {line}" for line in _scan_lines(report)]
    count = len(report.findings)
    lines.append(f"  {count or 'no'} finding{'s' * (count != 1)}")
    return "\n".join("".join(letter for letter in line if letter.isprintable()) for line in lines)


def _row(finding: Finding) -> str:
    x, y, z = finding.center_lps_mm
    return f"{x:7.1f}  {y:7.1f}  {z:7.1f}  {finding.diameter_mm:11.1f}  {finding.center_slice + 1:5d}"


def _analysis_row(finding: Finding) -> str:
    axes = axes_words(finding) or f"({finding.diameter_mm:.1f})"
    sizes = f"{axes:>15}  {volume_words(finding):>10}  {kind_words(finding):<18}"
    rated = f"{nodule_words(finding):>6}  {malignancy_words(finding):>10}"
    place = f"{side_words(finding):<5}  {pleura_words(finding):>9}  {finding.center_slice + 1:5d}"
    return f"{sizes}  {rated}  {place}"


def _scan_lines(report: DetectionReport) -> list[str]:
    lines = []
    if report.lungs is not None:
        lines.append(_lungs_line(report.lungs))
        lines += report.lungs.notes
    if report.risk is not None:
        risk = report.risk
        lines.append(f"scan: probability {risk.probability:.2f} of the trained label ({risk.model.name}); no diagnosis")
        lines += risk.notes
    return lines + list(report.notes)


def _lungs_line(lungs: LungsFound) -> str:
    if not lungs.found:
        return f"no lungs: {lungs.reason}"
    sides = {"right": lungs.right, "left": lungs.left}
    parts = [f"{name} {side.volume_ml:.0f} ml" for name, side in sides.items() if side.volume_ml]
    both = lungs.both
    density = "" if both.mean_hu is None else f", {both.mean_hu:.0f} HU"
    dark = "" if both.emphysema_percent is None else f", {both.emphysema_percent:.1f} % below -950 HU"
    return f"lungs: {both.volume_ml:.0f} ml ({', '.join(parts) or 'side unknown'}){density}{dark}"
