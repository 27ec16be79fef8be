"""``report.html``: one file for people, with its pictures inside and nothing loaded from anywhere."""

from __future__ import annotations

import base64
import string
from collections.abc import Mapping
from datetime import datetime
from html import escape
from importlib import resources
from pathlib import Path

import numpy as np

from lungdet.geometry import frames
from lungdet.records import CTVolume, DetectionReport, Finding

from .analysis_page import analysis_table, finding_facts, scan_facts
from .atomic import write_files
from .csv_file import source_name
from .json_file import slice_uid, time_stamp
from .picture_files import LUNGS_NAME, MAX_PICTURES, OVERVIEW_NAME, draw_pictures, picture_name
from .planes import AXIAL, PLANES


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
    template = resources.files(__package__).joinpath("report.html").read_text(encoding="utf-8")
    count = len(report.findings)
    page = string.Template(template).substitute(
        title=escape(f"Lung nodule detection: {source_name(report.series.source)}"),
        subtitle=_subtitle(report, created),
        headline={0: "No findings", 1: "1 finding"}.get(count, f"{count} findings"),
        warnings=_warnings(report),
        overview=_overview(report, pictures),
        table="" if report.analyzed and count else _table(report) if count else _no_findings(),
        scan=scan_facts(report),
        wide_table=analysis_table(report) if report.analyzed and count else "",
        pictures=_sections(report, pictures) + _lungs(pictures),
        facts=_facts(report),
    )
    return page.encode(errors="xmlcharrefreplace")


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


def describe_place(report: DetectionReport, finding: Finding) -> str:
    """Say where a finding is, without guessing at anatomy: millimetres from the middle of the image, and the slice."""
    affine = np.asarray(report.affine_lps)
    middle = (np.asarray(report.shape) - 1) / 2
    origin = frames.voxel_to_world(middle[None], affine)[0]
    x, y, z = (float(value) for value in np.asarray(finding.center_lps_mm) - origin)
    side = f"{abs(x):.0f} mm to the {'left' if x > 0 else 'right'} of"
    depth = f"{abs(y):.0f} mm {'behind' if y > 0 else 'in front of'}"
    height = f"{abs(z):.0f} mm {'above' if z > 0 else 'below'}"
    return f"slice {finding.center_slice + 1} of {report.shape[2]}; {side}, {depth} and {height} the image's middle"


def _subtitle(report: DetectionReport, created: datetime | None) -> str:
    stamp = time_stamp(created)
    parts = [
        escape(source_name(report.series.source)),
        escape(report.series.description),
        f'<time datetime="{stamp}">{stamp[:10]} {stamp[11:16]} UTC</time>',
    ]
    return " &middot; ".join(part for part in parts if part)


def _warnings(report: DetectionReport) -> str:
    """Say above all findings why they may mean nothing."""
    head = '<p class="warning" role="alert"><strong>Is this a chest?</strong> '
    return "\n".join(f"{head}{escape(text[:1].upper() + text[1:])}.</p>" for text in report.warnings)


def _no_findings() -> str:
    return (
        '<p class="none">The detector marked nothing above its threshold. That does not mean that nothing is there.</p>'
    )


def _table(report: DetectionReport) -> str:
    head = ("#", "Score", "Diameter", "x (L)", "y (P)", "z (S)", "Slice")
    cells = "".join(f'<th scope="col">{name}</th>' for name in head)
    rows = "\n".join(_row(report, rank, item) for rank, item in enumerate(report.findings, start=1))
    note = "Diameter and centre in mm; x grows to the patient's left, y to the back, z to the head (LPS). Slices count"
    return (
        f"<table><thead><tr>{cells}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>\n"
        f'<p class="soft">{note} from 1 in the order of findings.json, which counts them from 0.</p>'
    )


def _row(report: DetectionReport, rank: int, finding: Finding) -> str:
    x, y, z = finding.center_lps_mm
    numbers = (f"{finding.score:.3f}", f"{finding.diameter_mm:.1f}", f"{x:.1f}", f"{y:.1f}", f"{z:.1f}")
    cells = "".join(f"<td>{value}</td>" for value in numbers)
    return f'<tr><th scope="row">{rank}</th>{cells}<td>{finding.center_slice + 1}/{report.shape[2]}</td></tr>'


def _overview(report: DetectionReport, pictures: Mapping[str, bytes]) -> str:
    count = len(report.findings)
    marks = f"with {count} marked finding{'s' * (count != 1)}" if count else "without any mark"
    caption = "Projection from the front: patient's right at the left, head at the top. Boxes carry the rank."
    return _figure(pictures, OVERVIEW_NAME, f"Projection of the chest from the front {marks}", caption)


def _sections(report: DetectionReport, pictures: Mapping[str, bytes]) -> str:
    shown = [
        _finding(report, rank, item, pictures)
        for rank, item in enumerate(report.findings, start=1)
        if picture_name(rank, PLANES[0].name) in pictures
    ]
    if not shown:
        return ""
    heading = "Findings in three planes"
    if len(shown) < len(report.findings):
        heading = f"The first {len(shown)} of {len(report.findings)} findings in three planes"
    note = (
        "Window for lung (centre -600, width 1600 HU). Letters: right, left, anterior, posterior, superior, inferior."
    )
    return (
        f'<section aria-labelledby="pictures"><h2 id="pictures">{heading}</h2>\n<p class="soft">{note}</p>\n'
        + "\n".join(shown)
        + "\n</section>"
    )


def _finding(report: DetectionReport, rank: int, finding: Finding, pictures: Mapping[str, bytes]) -> str:
    place = describe_place(report, finding)
    x, y, z = finding.center_lps_mm
    box = finding.box_lps_mm
    sides = " &times; ".join(f"{high - low:.1f}" for low, high in zip(box[:3], box[3:], strict=True))
    uid = escape(slice_uid(report, finding))
    numbers = f"Score {finding.score:.3f} &middot; sides {sides} mm &middot; centre {x:.1f}, {y:.1f}, {z:.1f} mm LPS"
    if uid:
        numbers += f" &middot; slice UID {uid}"
    rows = []
    for style, closeup in (("close", True), ("whole", False)):
        figures = []
        for plane in PLANES:
            kind = f"{'close-up' if closeup else 'whole section'}, {plane.name}"
            kind += ", with its diameters" * bool(closeup and finding.measurement and plane is AXIAL)
            alt = f"Finding {rank}, {kind}: box of {finding.diameter_mm:.1f} mm diameter, {place}"
            figures.append(_figure(pictures, picture_name(rank, plane.name, closeup), alt, kind.capitalize()))
        rows.append(f'<div class="planes {style}">{"".join(figures)}</div>')
    heading = f'<span class="badge">{rank}</span>{finding.diameter_mm:.1f} mm, {escape(place)}'
    numbers = f'<p class="numbers">{numbers}</p>{finding_facts(finding)}'
    return f'<article class="finding"><h3>{heading}</h3>\n{numbers}\n{"".join(rows)}</article>'


def _figure(pictures: Mapping[str, bytes], name: str, alt: str, caption: str) -> str:
    data = base64.b64encode(pictures[name]).decode("ascii")
    return (
        f'<figure><img src="data:image/png;base64,{data}" alt="{escape(alt)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _lungs(pictures: Mapping[str, bytes]) -> str:
    if LUNGS_NAME not in pictures:
        return ""
    alt = "Axial slices, the mask of the lungs in each, and the slice with all but the lungs blacked out"
    caption = "Right lung blue, left orange. Seen from the feet: the patient's right is at the left."
    figure = _figure(pictures, LUNGS_NAME, alt, caption)
    return f'\n<section aria-labelledby="lungs"><h2 id="lungs">The lungs as they were found</h2>{figure}</section>'


def _facts(report: DetectionReport) -> str:
    series, shape = report.series, " &times; ".join(str(n) for n in report.shape)
    spacing = " &times; ".join(f"{mm:.3f}" for mm in frames.spacing_of(np.asarray(report.affine_lps)))
    thickness = "" if series.thickness_mm is None else f"{series.thickness_mm:g} mm as written"
    facts = {
        "Source": escape(source_name(series.source)),
        "Series": escape(series.description),
        "Kernel": escape(series.kernel),
        "Slice thickness": thickness,
        "Image": f"{shape} voxels of {spacing} mm",
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
