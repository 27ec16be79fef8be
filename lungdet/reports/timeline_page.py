"""``index.html`` of lesions over time: counts, and plots of patients. One file, nothing loaded from anywhere."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from lungdet.records.lesion_sequence import LesionSequence, PatientHistory

from .page_frame import frame_page
from .timeline_tables import LEGEND, PARTS, Growth, growth_since_first

MOST_ROWS = 200
_COUNTS = (
    ("sequences", "lesions followed"), ("marks", "marks in all"), ("marks_in_sequences", "marks of followed lesions"),
    ("lesions_marked_once", "lesions marked once"), ("lesions_of_one_study", "lesions of patients with one study"),
    ("repeats", "repeated marks"), ("patients", "patients"), ("patients_with_one_study", "patients with one study"),
)  # fmt: skip
_WARNING = (
    "What is not marked in a study need not be gone, and marks of one lesion may have been taken for two, or two for"
    " one."
)
_TABLE_TEXT = (
    "Long diameters by study. Change and growth compare the last study with the first that marks the lesion; growth is "
    "said only beyond what two readers of an unchanged lesion differ by in 95 of 100 cases."
)
_PLOT_TEXT = (
    "Solid: long diameter. Dashed: short diameter. Dotted: across a study that does not mark the lesion. Grey rings: "
    "lesions marked in one study. Below, if some are marked in every study: the sum of their long diameters."
)
_SHEET_TEXT = (
    "Each lesion on the slices that it was marked on, in the middle between the corners. Under each: long and short "
    "diameter; (+1): marked once more in the same study, on another slice or in another series."
)


def timelines_to_html(
    histories: Sequence[PatientHistory], pictures: Mapping[str, bytes], facts: Mapping[str, Any], growth: Growth
) -> bytes:
    """Lay out the sequences of many patients as one self-contained page.

    Args:
        histories: of all patients.
        pictures: PNG bytes by name, ``<patient>.png`` and ``<patient>_lesions.png``.
        facts: what ``history.json`` says at its top.
        growth: tells growth from measurement error.

    Returns:
        UTF-8 text.
    """
    shown = [one for one in histories if {f"{one.patient}.png", f"{one.patient}_lesions.png"} & pictures.keys()]
    source, rule = escape(str(facts["source"])), escape(str(facts["rule"]))
    ground = "by embedding" if facts["embeddings"] else "by place, size and type"
    counts = "".join(f"<li><b>{facts['counts'][name]}</b>{escape(text)}</li>" for name, text in _COUNTS)
    parts = (
        f'<ul class="counts">{counts}</ul>',
        _legend(facts["counts"]),
        _list([*facts["notes"], *facts["problems"]]),
        *(_patient(history, pictures) for history in shown),
        f'<h2>All sequences</h2>\n<p class="soft">{_TABLE_TEXT}</p>',
        _table(histories, growth),
    )
    return frame_page(
        "timeline_page",
        title=f"Lesions over time: {source}",
        heading="Lesions over time",
        subtitle=f"{source} &middot; told apart {ground} &middot; {rule} rule",
        warning=_WARNING,
        content="\n".join(filter(None, parts)),
        generator="lungdet lesions history",
    )


def _patient(history: PatientHistory, pictures: Mapping[str, bytes]) -> str:
    names = (f"{history.patient}.png", f"{history.patient}_lesions.png")
    texts = (f"Diameters of the lesions of patient {history.patient} over its studies", "The lesions on their slices")
    images = "".join(
        f'<img alt="{escape(text)}" src="data:image/png;base64,{base64.b64encode(pictures[name]).decode()}">'
        f'<p class="soft">{escape(caption)}</p>'
        for name, text, caption in zip(names, texts, (_PLOT_TEXT, _SHEET_TEXT), strict=True)
        if name in pictures
    )
    return f"<section><h2>Patient {escape(history.patient)}</h2>{images}</section>"


def _legend(counts: Mapping[str, int]) -> str:
    parts = " + ".join(f"{counts[name]} {escape(LEGEND[name])}" for name in PARTS)
    return f'<p class="soft">{counts["marks"]} marks = {parts}.</p>'


def _table(histories: Sequence[PatientHistory], growth: Growth) -> str:
    sequences = [sequence for history in histories for sequence in history.followed]
    head = "".join(
        f"<th>{name}</th>"
        for name in ("Lesion", "Type", "Studies", "Long diameter, mm", "Change, last against first", "Growth")
    )
    note = f"<p>The first {MOST_ROWS}; sequences.csv has all.</p>" if len(sequences) > MOST_ROWS else ""
    rows = "".join(_row(sequence, growth) for sequence in sequences[:MOST_ROWS])
    return f'{note}<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _row(sequence: LesionSequence, growth: Growth) -> str:
    sizes = [mark.long_mm for mark in sequence.marks]
    change = f"{100 * (sizes[-1] / sizes[0] - 1):+.0f} %" if sizes[0] else ""
    cells = (
        sequence.name,
        sequence.lesion_type,
        ", ".join(map(str, sequence.studies)),
        ", ".join(f"{size:.1f}" for size in sizes),
        change,
        growth_since_first(sequence, len(sequence) - 1, growth) or "",
    )
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _list(lines: Sequence[str]) -> str:
    shown = "".join(f"<li>{escape(line)}</li>" for line in lines[:MOST_ROWS])
    return f"<ul>{shown}</ul>" if shown else ""
