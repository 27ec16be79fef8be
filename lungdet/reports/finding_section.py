"""One finding in ``report.html``: what is known of it, line by line, and its pictures."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape

import numpy as np

from lungdet.geometry import frames
from lungdet.records import ORDINAL_RATINGS, DetectionReport, Finding, NoduleAnswer, NoduleMeasurement

from .analysis_words import KIND_WORDS, axes_words, growth_sentence, pleura_words, volume_words
from .picture_files import picture_name
from .planes import PLANES, nearest_axes
from .slice_words import number, shown_index, slice_number, slice_words


def finding_article(report: DetectionReport, rank: int, finding: Finding, pictures: Mapping[str, bytes]) -> str:
    """Lay out a finding: its size and slice, all facts, and its pictures where there are any."""
    lines = [("Mark", _mark(report, finding)), *_known(finding), ("Slice UID", escape(_slice_uid(report, finding)))]
    rows = "".join(f"<dt>{name}</dt><dd>{line}</dd>" for name, line in lines if line)
    heading = f'<span class="badge">{rank}</span>{escape(heading_words(report, finding))}'
    shown = _pictures(report, rank, finding, pictures) if picture_name(rank, PLANES[0].name) in pictures else ""
    return f'<article class="finding"><h3>{heading}</h3>\n<dl class="known">{rows}</dl>\n{shown}</article>'


def heading_words(report: DetectionReport, finding: Finding) -> str:
    """Name a finding by its size as measured, else that of the mark, its lung, and its slice."""
    found = finding.measurement
    mark = "mark of " * report.analyzed + f"{finding.diameter_mm:.1f}"
    size = f"{axes_words(finding) or mark} mm"
    side = f"{found.side} lung, " if found is not None and found.side else ""
    return f"{size}, {side}{slice_words(report, finding)}"


def describe_place(report: DetectionReport, finding: Finding) -> str:
    """Say where a mark is, without guessing at anatomy: millimetres from the middle of the image."""
    affine = np.asarray(report.affine_lps)
    middle = (np.asarray(report.shape) - 1) / 2
    origin = frames.voxel_to_world(middle[None], affine)[0]
    x, y, z = (float(value) for value in np.asarray(finding.center_lps_mm) - origin)
    side = f"{abs(x):.0f} mm to the {'left' if x > 0 else 'right'} of"
    depth = f"{abs(y):.0f} mm {'behind' if y > 0 else 'in front of'}"
    height = f"{abs(z):.0f} mm {'above' if z > 0 else 'below'}"
    return f"{side}, {depth} and {height} the image's middle"


def figure(pictures: Mapping[str, bytes], name: str, alt: str, caption: str, style: str = "") -> str:
    """Put a picture into the page itself."""
    data = base64.b64encode(pictures[name]).decode("ascii")
    kind = f' class="{style}"' if style else ""
    return (
        f'<figure{kind}><img src="data:image/png;base64,{data}" alt="{escape(alt)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _mark(report: DetectionReport, finding: Finding) -> str:
    box = finding.box_lps_mm
    sides = " × ".join(f"{high - low:.1f}" for low, high in zip(box[:3], box[3:], strict=True))
    center = ", ".join(number(value, 1) for value in finding.center_lps_mm)
    alone = "" if finding.detector_score is None else f" (detector alone {finding.detector_score:.3f})"
    facts = (
        f"score {finding.score:.3f}{alone}",
        f"sides {sides} mm",
        f"centre {center} mm (LPS), in slice {finding.center_slice + 1}",
        describe_place(report, finding),
    )
    return "; ".join(facts)


def _known(finding: Finding) -> list[tuple[str, str]]:
    """Name and text, HTML, of what an analysis found; nothing of what is not there."""
    found, answer, growth = finding.measurement, finding.answer, finding.growth
    notes = (*(found.notes if found else ()), *finding.notes)
    return [
        ("Measured", _measured(finding, found) if found else ""),
        ("Growth", escape(growth_sentence(growth)) if growth else ""),
        ("Classifier", _classified(answer) if answer else ""),
        ("Ratings, 1 to 5", _rated(answer) if answer else ""),
        ("Note", "<br>".join(escape(note[:1].upper() + note[1:]) for note in notes)),
    ]


def _measured(finding: Finding, found: NoduleMeasurement) -> str:
    way = {"touches": "touches the pleura", "not near": "no pleura near"}.get(pleura_words(finding))
    facts = [
        f"{axes_words(finding)} mm in slice {slice_number(finding)}",
        f"{volume_words(finding)} mm³",
        f"{number(found.mean_hu)} HU",
        f"{KIND_WORDS[found.density]} by density ({found.solid_fraction:.0%} of the volume solid)",
        way or f"{pleura_words(finding)} mm to the pleura",
        *(["a vessel was cut off"] if found.vessel_contact else []),
    ]
    return escape("; ".join(facts))


def _classified(answer: NoduleAnswer) -> str:
    kinds = sorted(zip(answer.kinds, KIND_WORDS.values(), strict=True), key=lambda pair: -pair[0])
    shown = ", ".join(f"{word} {share:.0%}" for share, word in kinds if share >= 0.005)
    return f"nodule {answer.nodule:.2f}; {shown}"


def _rated(answer: NoduleAnswer) -> str:
    """Expected ratings that are there, malignancy first."""
    ratings = sorted(answer.ratings, key=lambda rating: ORDINAL_RATINGS.index(rating.name))
    doubt = {"malignancy": " (not a diagnosis)"}
    return "; ".join(
        f"{each.name} {each.mean:.1f}\u00a0±\u00a0{each.spread:.1f}{doubt.get(each.name, '')}" for each in ratings
    )


def _pictures(report: DetectionReport, rank: int, finding: Finding, pictures: Mapping[str, bytes]) -> str:
    axes = nearest_axes(np.asarray(report.affine_lps))[0]
    rows = []
    for style, closeup in (("close", True), ("whole", False)):
        figures = []
        for plane in PLANES:
            kind = f"{'close-up' if closeup else 'whole section'}, {plane.name}"
            if axes[plane.normal_axis] == 2:
                kind += f", slice {slice_number(finding)}" + ", with its diameters" * bool(
                    closeup and finding.measurement
                )
            alt = f"Finding {rank}, {kind}: {heading_words(report, finding)}"
            figures.append(figure(pictures, picture_name(rank, plane.name, closeup), alt, kind.capitalize()))
        rows.append(f'<div class="planes {style}">{"".join(figures)}</div>')
    return "".join(rows)


def _slice_uid(report: DetectionReport, finding: Finding) -> str:
    uids, index = report.series.slice_uids, shown_index(finding)
    return uids[index] if index < len(uids) else ""
