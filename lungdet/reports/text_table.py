"""Findings as a table for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lungdet.counted import counted
from lungdet.records import DetectionReport, Finding, LungsFound

from .analysis_words import (
    axes_words,
    candidates_words,
    growth_sentence,
    kind_words,
    malignancy_words,
    nodule_words,
    pleura_words,
    risk_notes,
    side_words,
    volume_words,
)
from .slice_words import slice_number

_COLUMNS: tuple[tuple[str, str, Callable[[Finding], str]], ...] = (  # head, width and side, words
    ("long × short mm", ">15", lambda item: axes_words(item) or f"({item.diameter_mm:.1f})"),
    ("volume mm3", ">10", volume_words),
    ("type", "<18", kind_words),
    ("nodule", ">6", nodule_words),
    ("malignancy", ">10", malignancy_words),
    ("lung", "<5", side_words),
    ("pleura mm", ">9", pleura_words),
    ("slice", ">5", lambda item: str(slice_number(item))),
)
HEAD = "rank  score     x mm     y mm     z mm  diameter mm  slice   (LPS; slices count from 1)"


def report_to_text(report: DetectionReport, part: tuple[int, int] = (1, 1)) -> str:
    """Describe a report in lines of text: the series, what the reader did, and a row for each finding.

    What a file says is shown without control characters, which would steer the terminal.

    Args:
        report: what was found.
        part: number of the study in its source, from 1, and how many there are.
    """
    series, which = report.series, f", study {part[0]} of {part[1]}" if part[1] > 1 else ""
    named = f"series {series.series_uid} " if series.series_uid else ""
    lines = [f"{series.source}{which}: {named}{series.description!r}, {counted(report.shape[2], 'slice')}"]
    lines += [f"  {step}" for step in series.steps]
    head, rows = (
        _analysis_rows(report.findings) if report.analyzed else (HEAD, [_row(item) for item in report.findings])
    )
    lines += [f"  {head}"] if report.findings else []
    for rank, (finding, row) in enumerate(zip(report.findings, rows, strict=True), start=1):
        lines.append(f"  {rank:4d}  {finding.score:.3f}  {row}")
        lines += [] if finding.growth is None else [f"        {growth_sentence(finding.growth)}"]
        lines += [f"        {note}" for note in finding.notes]
    lines += [f"  {line}" for line in _scan_lines(report)]
    lines.append(f"  {counted(len(report.findings), 'finding')}" if report.findings else "  no findings")
    return "\n".join("".join(letter for letter in line if letter.isprintable()) for line in lines)


def _row(finding: Finding) -> str:
    x, y, z = finding.center_lps_mm
    return f"{x:7.1f}  {y:7.1f}  {z:7.1f}  {finding.diameter_mm:11.1f}  {slice_number(finding):5d}"


def _analysis_rows(findings: Sequence[Finding]) -> tuple[str, list[str]]:
    """Lay out head and rows; a column that no finding fills is left out."""
    kept = [column for column in _COLUMNS if any(column[2](item) for item in findings)]
    head = "  ".join(["rank", "score", *(f"{name:{width}}" for name, width, _ in kept)])
    return head, ["  ".join(f"{words(item):{width}}" for _, width, words in kept) for item in findings]


def _scan_lines(report: DetectionReport) -> list[str]:
    lines = []
    if report.lungs is not None:
        lines.append(_lungs_line(report.lungs))
        lines += report.lungs.notes
    if report.risk is not None:
        risk, made_of = report.risk, "" if report.findings else f", {candidates_words(report)}"
        chance = f"probability {risk.probability:.2f} of the trained label"
        lines.append(f"scan: {chance} ({risk.model.name}){made_of}; no diagnosis")
        lines += risk_notes(report)
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
