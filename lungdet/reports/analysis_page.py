"""What an analysis adds to ``report.html``: a wider table, facts of the lungs, and what the scan's model says."""

from __future__ import annotations

from html import escape

from lungdet.records import DetectionReport, Finding, LungsFound, LungSideFacts

from .analysis_words import (
    KIND_WORDS,
    axes_words,
    growth_sentence,
    growth_words,
    kind_words,
    malignancy_words,
    nodule_words,
    pleura_words,
    side_words,
    volume_words,
)

HEAD = (
    ("#", ""),
    ("Score", ""),
    ("Long × short", "mm"),
    ("Volume", "mm³"),
    ("Change", "of the volume"),
    ("Type", ""),
    ("Nodule", "probability"),
    ("Malignancy", "1 to 5, no diagnosis"),
    ("Lung", ""),
    ("Pleura", "mm"),
    ("Slice", ""),
)
RATINGS = {"malignancy": "malignancy (no diagnosis)"}


def analysis_table(report: DetectionReport) -> str:
    """Lay out one row for each finding; columns that no finding has are left out."""
    rows = [_cells(report, item) for item in report.findings]
    kept = [column for column in range(len(HEAD)) if not column or any(row[column] for row in rows)]
    typed = any(item.answer for item in report.findings)
    heads = [(name if typed or name != "Type" else "Density", unit) for name, unit in HEAD]
    cells = "".join(f'<th scope="col">{_head(*heads[column])}</th>' for column in kept)
    lines = (
        f'<tr><th scope="row">{rank}</th>{"".join(f"<td>{escape(row[column])}</td>" for column in kept[1:])}</tr>'
        for rank, row in enumerate(rows, start=1)
    )
    return (
        f'<div class="wide"><table><thead><tr>{cells}</tr></thead>\n<tbody>\n' + "\n".join(lines) + "\n</tbody></table>"
        f'</div>\n<p class="soft">{_legend(report)}</p>'
    )


def scan_facts(report: DetectionReport) -> str:
    """Lay out what is known of the whole scan: the lungs, the risk, and what was left out."""
    parts = []
    if report.risk is not None:
        parts.append(_risk(report))
    if report.lungs is not None:
        parts.append(_lungs(report.lungs))
    if report.notes:
        parts.append('<h3>What to know</h3><ul class="notes">' + "".join(map(_item, report.notes)) + "</ul>")
    return "\n".join(parts)


def finding_facts(finding: Finding) -> str:
    """Lay out what was measured of one finding and how readers would rate it, in lines below its numbers."""
    lines = []
    found, answer = finding.measurement, finding.answer
    if found is not None:
        way = {"touches": "touches the pleura", "not near": "no pleura near"}.get(pleura_words(finding))
        facts = [
            f"{axes_words(finding)} mm in slice {found.slice_index + 1}",
            f"{volume_words(finding)} mm³",
            f"{found.mean_hu:.0f} HU",
            f"{KIND_WORDS[found.density]} by density ({found.solid_fraction:.0%} of the volume solid)",
            way or f"{pleura_words(finding)} mm to the pleura",
            *(["a vessel was cut off"] if found.vessel_contact else []),
            *([f"in the {found.side} lung"] if found.side else []),
        ]
        lines.append("Measured: " + escape("; ".join(facts)))
        lines += [escape(note) for note in found.notes]
    if finding.growth is not None:
        lines.append(f"Since the earlier scan: {escape(growth_sentence(finding.growth))}")
    if answer is not None:
        kinds = sorted(zip(answer.kinds, KIND_WORDS.values(), strict=True), key=lambda pair: -pair[0])
        shown = ", ".join(f"{word} {share:.0%}" for share, word in kinds if share >= 0.005)
        lines.append(f"Classifier: nodule {answer.nodule:.2f}; {shown}")
        rated = (f"{RATINGS.get(each.name, each.name)} {each.mean:.1f} ± {each.spread:.1f}" for each in answer.ratings)
        if answer.ratings:
            lines.append(f"Expected ratings, from 1 to 5: {'; '.join(rated)}")
    lines += [escape(note[:1].upper() + note[1:]) for note in finding.notes]
    return "".join(f'<p class="numbers">{line}</p>' for line in lines)


def _cells(report: DetectionReport, finding: Finding) -> list[str]:
    return [
        "",
        f"{finding.score:.3f}",
        axes_words(finding) or f"({finding.diameter_mm:.1f})",
        volume_words(finding),
        growth_words(finding),
        kind_words(finding),
        nodule_words(finding),
        malignancy_words(finding),
        side_words(finding),
        pleura_words(finding),
        f"{finding.center_slice + 1}/{report.shape[2]}",
    ]


def _head(name: str, unit: str) -> str:
    return name + (f'<br><span class="unit">{unit}</span>' if unit else "")


def _legend(report: DetectionReport) -> str:
    texts = ["Long axis in a slice, and the longest perpendicular to it there."]
    if any(item.measurement is None for item in report.findings):
        texts.append("In brackets: the diameter of the mark, where nothing could be measured.")
    if any(item.answer for item in report.findings):
        texts.append(
            "Type, probability of a nodule and malignancy are what a network expects readers to say, the latter as mean"
            " ± standard deviation. <strong>This is no diagnosis.</strong>"
        )
    if any(item.detector_score is not None for item in report.findings):
        texts.append("The score is that of detector and classifier together.")
    texts.append("Slices count from 1.")
    return " ".join(texts)


def _risk(report: DetectionReport) -> str:
    risk = report.risk
    if risk is None:
        return ""
    notes = "".join(f"<br>{escape(note)}" for note in risk.notes)
    seen = {0: "no candidate", 1: "1 candidate"}.get(risk.candidates, f"{risk.candidates} candidates")
    return (
        f'<h3>The scan as a whole</h3><p class="risk"><strong>{risk.probability:.2f}</strong> probability of the label'
        f" that the model was trained on, from {seen}. <strong>This is no diagnosis.</strong>{notes}</p>"
    )


def _lungs(lungs: LungsFound) -> str:
    if not lungs.found:
        return f'<h3>Lungs</h3><p class="warning">No lungs were found: {escape(lungs.reason)}.</p>'
    sides = {"both": lungs.both, "right": lungs.right, "left": lungs.left}
    rows = "".join(_side(name, side) for name, side in sides.items() if side.volume_ml)
    head = "<tr><td></td><th>Volume</th><th>Density</th><th>Below -950 HU</th></tr>"
    notes = "".join(f'<p class="soft">{escape(note[:1].upper() + note[1:])}.</p>' for note in lungs.notes)
    return f"<h3>Lungs</h3><table><thead>{head}</thead><tbody>{rows}</tbody></table>{notes}"


def _side(name: str, side: LungSideFacts) -> str:
    density = "" if side.mean_hu is None else f"{side.mean_hu:.0f} HU"
    dark = "" if side.emphysema_percent is None else f"{side.emphysema_percent:.1f} %"
    return f'<tr><th scope="row">{name}</th><td>{side.volume_ml:.0f} ml</td><td>{density}</td><td>{dark}</td></tr>'


def _item(text: str) -> str:
    return f"<li>{escape(text[:1].upper() + text[1:])}</li>"
