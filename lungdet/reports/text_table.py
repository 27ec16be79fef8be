"""Findings as a table for the terminal."""

from __future__ import annotations

from lungdet.records import DetectionReport

HEAD = "rank  score     x mm     y mm     z mm  diameter mm  slice   (LPS; slices count from 1)"


def report_to_text(report: DetectionReport) -> str:
    """Describe a report in lines of text: the series, what the reader did, and a row for each finding.

    What a file says is shown without control characters, which would steer the terminal.
    """
    series = report.series
    named = f"series {series.series_uid} " if series.series_uid else ""
    lines = [f"{series.source}: {named}{series.description!r}, {report.shape[2]} slices"]
    lines += [f"  {step}" for step in series.steps]
    lines += [f"  {HEAD}"] if report.findings else []
    for rank, finding in enumerate(report.findings, start=1):
        x, y, z = finding.center_lps_mm
        place = f"{x:7.1f}  {y:7.1f}  {z:7.1f}  {finding.diameter_mm:11.1f}  {finding.center_slice + 1:5d}"
        lines.append(f"  {rank:4d}  {finding.score:.3f}  {place}")
    count = len(report.findings)
    lines.append(f"  {count or 'no'} finding{'s' * (count != 1)}")
    return "\n".join("".join(letter for letter in line if letter.isprintable()) for line in lines)
