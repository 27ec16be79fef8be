"""What an analysis adds to ``report.html``: a wider table, and facts of the scan."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from lungdet.records import DetectionReport, Finding, LungsFound, LungSideFacts

from .analysis_words import (
    axes_words,
    candidates_words,
    growth_words,
    kind_words,
    malignancy_words,
    nodule_words,
    pleura_words,
    risk_notes,
    side_words,
    volume_words,
)
from .slice_words import number, slice_number, slice_order, slice_position

Column = tuple[str, str, str, Callable[[Finding], str]]  # name, unit, "text" for words or "", cell


def analysis_table(report: DetectionReport) -> str:
    """Lay out one row for each finding; columns that no finding has are left out."""
    columns = [column for column in _columns(report) if any(column[3](item) for item in report.findings)]
    heads = "".join(f'<th scope="col"{_style(style)}>{_head(name, unit)}</th>' for name, unit, style, _ in columns)
    rows = "\n".join(
        f'<tr><th scope="row">{rank}</th>'
        + "".join(f"<td{_style(style)}>{escape(words(item))}</td>" for _, _, style, words in columns)
        + "</tr>"
        for rank, item in enumerate(report.findings, start=1)
    )
    return (
        '<div class="wide" role="region" aria-label="Table of findings" tabindex="0"><table>'
        f'<thead><tr><th scope="col" class="text">#</th>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>\n'
        f'<p class="soft">{_legend(report)}</p>'
    )


def _columns(report: DetectionReport) -> list[Column]:
    typed = any(item.answer for item in report.findings)
    axis = slice_position(report.findings[0], report.affine_lps)[0] if report.findings else "z"
    return [
        ("Score", "", "", lambda item: f"{item.score:.3f}"),
        ("Long × short", "mm", "", lambda item: axes_words(item) or f"({item.diameter_mm:.1f})"),
        ("Volume", "mm³", "", volume_words),
        ("Change", "of the volume", "text", growth_words),
        ("Type" if typed else "Density", "", "text", kind_words),
        ("Nodule", "probability", "", nodule_words),
        ("Malignancy", "1 to 5, no&nbsp;diagnosis", "", malignancy_words),
        ("Lung", "", "text", side_words),
        ("Pleura", "mm", "", pleura_words),
        ("Slice", f"of {report.shape[2]}", "", lambda item: str(slice_number(item))),
        (axis, "mm", "", lambda item: number(slice_position(item, report.affine_lps)[1], 1)),
    ]


def scan_facts(report: DetectionReport) -> str:
    """Lay out what is known of the whole scan: the lungs, the risk, and what was left out."""
    parts = []
    if report.lungs is not None:
        parts.append(_lungs(report.lungs))
    if report.risk is not None:
        parts.append(_risk(report))
    if report.notes:
        parts.append('<h3>What to know</h3><ul class="notes">' + "".join(map(_item, report.notes)) + "</ul>")
    return "\n".join(parts)


def _style(name: str) -> str:
    return f' class="{name}"' if name else ""


def _head(name: str, unit: str) -> str:
    return name + (f'<br><span class="unit">{unit}</span>' if unit else "")


def _legend(report: DetectionReport) -> str:
    texts = ["Long axis in a slice, and the longest perpendicular to it there."]
    if any(item.measurement is None for item in report.findings):
        texts.append("In brackets: the diameter of the mark, where nothing could be measured.")
    if any(item.answer for item in report.findings):
        rated = any(malignancy_words(item) for item in report.findings)
        said = "Type, probability of a nodule and malignancy" if rated else "Type and probability of a nodule"
        how = ", malignancy as mean ± standard deviation" if rated else ""
        texts.append(f"{said} are what a network expects readers to say{how}. <strong>This is no diagnosis.</strong>")
    if any(item.detector_score is not None for item in report.findings):
        texts.append("The score is that of detector and classifier together.")
    where = "its axes, or of the mark's centre where nothing was measured"
    texts.append(f"The slice is that of {where}; slices count {slice_order(report.affine_lps)}.")
    axis = _columns(report)[-1][0]
    texts.append(f"{axis} is its place in DICOM's patient coordinates (LPS).")
    return " ".join(texts)


def _risk(report: DetectionReport) -> str:
    risk = report.risk
    if risk is None:
        return ""
    notes = "".join(f'<p class="soft">{_sentence(note)}</p>' for note in risk_notes(report))
    return (
        f"<h3>The scan as a whole</h3><p>Probability <strong>{risk.probability:.2f}</strong> of the label that the"
        f" model was trained on, {candidates_words(report)}. <strong>This is no diagnosis.</strong></p>{notes}"
    )


def _lungs(lungs: LungsFound) -> str:
    if not lungs.found:
        return f'<h3>Lungs</h3><p class="warning">No lungs were found: {escape(lungs.reason)}.</p>'
    sides = {"both": lungs.both, "right": lungs.right, "left": lungs.left}
    rows = "".join(_side(name, side) for name, side in sides.items() if side.volume_ml)
    heads = (("Volume", "ml"), ("Mean density", "HU"), ("Below −950 HU", "% of the volume"))
    head = '<tr><th scope="col" class="text">Lung</th>'
    head += "".join(f'<th scope="col">{_head(*each)}</th>' for each in heads) + "</tr>"
    notes = "".join(f'<p class="soft">{_sentence(note)}</p>' for note in lungs.notes)
    return f"<h3>Lungs</h3><table><thead>{head}</thead><tbody>{rows}</tbody></table>{notes}"


def _side(name: str, side: LungSideFacts) -> str:
    density = "" if side.mean_hu is None else number(side.mean_hu)
    dark = "" if side.emphysema_percent is None else f"{side.emphysema_percent:.1f}"
    return f'<tr><th scope="row">{name}</th><td>{side.volume_ml:.0f}</td><td>{density}</td><td>{dark}</td></tr>'


def _item(text: str) -> str:
    return f"<li>{_sentence(text)}</li>"


def _sentence(text: str) -> str:
    return escape(text[:1].upper() + text[1:]) + ("" if text.endswith(".") else ".")
