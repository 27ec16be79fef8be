"""``report.html``: one file for people, with its pictures inside and nothing loaded from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from html import escape
from pathlib import Path

import numpy as np

from lungdet.counted import counted
from lungdet.geometry import frames
from lungdet.records import CTVolume, DetectionReport, Finding

from .analysis_page import analysis_table, scan_facts
from .atomic import write_files
from .csv_file import source_name
from .finding_section import figure, finding_article
from .json_file import time_stamp
from .page_frame import frame_page, section
from .picture_files import LUNGS_NAME, MAX_PICTURES, OVERVIEW_NAME, draw_pictures, picture_name
from .planes import PLANES, nearest_axes
from .slice_words import number, slice_number, slice_order

UID_END = 16  # digits and dots
WARNING = (
    "Marks may be wrong and nodules may be missed; a score is the confidence of the detector, not a probability of"
    " cancer. Only a physician who looks at the images can make a diagnosis."
)
NO_FINDINGS = (
    '<p class="none">The detector marked nothing above its threshold. That does not mean that nothing is there.</p>'
)


def report_to_html(report: DetectionReport, pictures: Mapping[str, bytes], created: datetime | None = None) -> bytes:
    """Lay out a report as one self-contained page.

    Every text from a file's header is escaped, and the page forbids itself scripts and the network.

    Args:
        report: what was found.
        pictures: PNG bytes by name, as :func:`draw_pictures` gives them.
        created: time stamp; now if None. Everything else depends on the other arguments alone.

    Returns:
        UTF-8 text.
    """
    count = len(report.findings)
    headline = counted(count, "finding") if count else "No findings"
    table = "" if report.analyzed and count else _table(report) if count else NO_FINDINGS
    facts = f"{table}\n{scan_facts(report)}"
    columns = (
        f'<div class="columns">\n{_overview(report, pictures)}\n<div>\n{facts}\n</div>\n</div>'
        if OVERVIEW_NAME in pictures
        else f"{_without_overview(report)}\n{facts}"
    )
    wide = analysis_table(report) if report.analyzed and count else ""
    parts = (
        _warnings(report),
        section("findings", headline, f"{columns}\n{wide}"),
        _sections(report, pictures),
        _lungs(pictures),
        section("read", "What was read", _facts(report)),
    )
    named = source_name(report.series.source), _series_words(report.series.series_uid)
    return frame_page(
        "report",
        title=escape(f"Lung nodule detection: {', '.join(filter(None, named))}"),
        heading="Lung nodule detection",
        subtitle=_subtitle(report, created),
        warning=WARNING,
        content="\n".join(filter(None, parts)),
    )


def write_html(
    path: str | Path,
    report: DetectionReport,
    volume: CTVolume,
    max_pictures: int = MAX_PICTURES,
    created: datetime | None = None,
) -> None:
    """Draw the pictures and write a ``report.html`` atomically; see :func:`report_to_html`."""
    page = report_to_html(report, draw_pictures(report, volume, max_pictures), created)
    write_files(Path(path).parent, {Path(path).name: page})


def _subtitle(report: DetectionReport, created: datetime | None) -> str:
    """Name the scan, so that two of one folder are told apart, and when the page was made; nothing of the patient."""
    stamp = time_stamp(created)
    parts = [
        escape(source_name(report.series.source)),
        escape(report.series.description),
        escape(_series_words(report.series.series_uid)),
        counted(report.shape[2], "slice"),
        f'made <time datetime="{stamp}">{stamp[:10]} {stamp[11:16]} UTC</time>',
    ]
    return " &middot; ".join(part for part in parts if part)


def _series_words(uid: str) -> str:
    """Name a series by its UID, of a long one by its end, where those of one source differ.

    Example:
        >>> _series_words("1.2.3"), _series_words("1.2.840.113619.2.55.3.2831.1123.20091.117")
        ('series 1.2.3', 'series …1.1123.20091.117')
    """
    if not uid:
        return ""
    return f"series {uid}" if len(uid) <= UID_END else f"series …{uid[-UID_END:]}"


def _warnings(report: DetectionReport) -> str:
    """Say above all findings why they may mean nothing."""
    head = '<p class="warning" role="alert"><strong>Warning:</strong> '
    return "\n".join(f"{head}{escape(text[:1].upper() + text[1:])}.</p>" for text in report.warnings)


def _table(report: DetectionReport) -> str:
    head = ("#", "Score", "Diameter", "x (L)", "y (P)", "z (S)", "Slice")
    cells = "".join(f'<th scope="col">{name}</th>' for name in head)
    rows = "\n".join(_row(report, rank, item) for rank, item in enumerate(report.findings, start=1))
    note = "Diameter and centre in mm; x grows to the patient's left, y to the back, z to the head (LPS)."
    return (
        f'<div class="wide"><table><thead><tr>{cells}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>\n'
        f'<p class="soft">{note} Slices count {slice_order(report.affine_lps)}.</p>'
    )


def _row(report: DetectionReport, rank: int, finding: Finding) -> str:
    center = (number(value, 1) for value in finding.center_lps_mm)
    numbers = (f"{finding.score:.3f}", f"{finding.diameter_mm:.1f}", *center)
    cells = "".join(f"<td>{value}</td>" for value in numbers)
    return f'<tr><th scope="row">{rank}</th>{cells}<td>{slice_number(finding)}/{report.shape[2]}</td></tr>'


def _overview(report: DetectionReport, pictures: Mapping[str, bytes]) -> str:
    count = len(report.findings)
    marks = f"with {counted(count, 'marked finding')}" if count else "without any mark"
    caption = "Projection from the front: patient's right at the left, head at the top. Boxes carry the rank."
    return figure(pictures, OVERVIEW_NAME, f"Projection of the chest from the front {marks}", caption)


def _without_overview(report: DetectionReport) -> str:
    affine = np.asarray(report.affine_lps)
    sizes_mm = np.asarray(report.shape) * frames.spacing_of(affine)
    width_mm, _, height_mm = (sizes_mm[axis] for axis in nearest_axes(affine)[0])
    shown = f"seen from the front, the scan is a strip of {width_mm:.0f} &times; {height_mm:.0f} mm"
    return f'<p class="soft">There is no overview: {shown}.</p>'


def _sections(report: DetectionReport, pictures: Mapping[str, bytes]) -> str:
    """Lay out the findings with pictures and, where more is known of them than the table tells, the others."""
    ranked = list(enumerate(report.findings, start=1))
    shown = [pair for pair in ranked if picture_name(pair[0], PLANES[0].name) in pictures]
    others = [pair for pair in ranked if pair not in shown] if report.analyzed else []
    heading, rest = "Findings in three planes", "Findings in numbers"
    if shown and len(shown) < len(ranked):
        heading = f"The first {len(shown)} of {len(ranked)} findings in three planes"
        rest = f"The other {len(ranked) - len(shown)}, without pictures"
    note = (
        "Window for lung (centre −600, width 1600 HU). Letters: right, left, anterior, posterior, superior, inferior."
    )
    return "\n".join(
        section(name, title, text + "\n".join(finding_article(report, *pair, pictures) for pair in pairs))
        for name, title, text, pairs in (
            ("pictures", heading, f'<p class="soft">{note}</p>\n', shown),
            ("others", rest, "", others),
        )
        if pairs
    )


def _lungs(pictures: Mapping[str, bytes]) -> str:
    if LUNGS_NAME not in pictures:
        return ""
    alt = "Axial slices, the mask of the lungs in each, and the slice with all but the lungs blacked out"
    caption = "Right lung blue, left orange. Seen from the feet: the patient's right is at the left."
    return section("lungs", "The lungs as they were found", figure(pictures, LUNGS_NAME, alt, caption, "lungs"))


def _facts(report: DetectionReport) -> str:
    series, shape = report.series, " &times; ".join(str(n) for n in report.shape)
    spacing = " &times; ".join(f"{mm:.3f}" for mm in frames.spacing_of(np.asarray(report.affine_lps)))
    thickness = "" if series.thickness_mm is None else f"{series.thickness_mm:g} mm as written"
    facts = {
        "Source": escape(source_name(series.source)),
        "Series": escape(series.description),
        "Kernel": escape(series.kernel),
        "Slice thickness": thickness,
        "Image": f"{shape} voxels of {spacing} mm; slices count {slice_order(report.affine_lps)}",
        "Numbers": "this page and findings.csv count slices from 1, and name that of the axes; findings.json counts "
        "slices and voxels from 0, and slice_index and slice_uid of a finding name that of its centre",
        "Study UID": escape(series.study_uid),
        "Series UID": escape(series.series_uid),
        "What the reader did": _list(series.steps) or "Nothing beyond reading.",
        "Model": escape(f"{report.model.name} {report.model.version}"),
        "Weights (SHA-256)": escape(report.model.weights_sha256),
        "Other models": _list(tuple(f"{each.name} {each.version}, {each.weights_sha256}" for each in report.models)),
        "Method of measuring": _method(report),
        "Software": escape(f"lungdet {report.software_version}"),
    }
    rows = (f'<tr><th scope="row">{name}</th><td>{value}</td></tr>' for name, value in facts.items() if value)
    return '<table class="facts"><tbody>\n' + "\n".join(rows) + "\n</tbody></table>"


def _method(report: DetectionReport) -> str:
    versions = sorted({found.measurement.version for found in report.findings if found.measurement})
    return f"version {', '.join(map(str, versions))}" if versions else ""


def _list(items: tuple[str, ...]) -> str:
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>" if items else ""
