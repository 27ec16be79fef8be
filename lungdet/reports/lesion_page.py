"""``index.html`` of described lesions: one file, with its figures inside and nothing loaded from anywhere."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

from lungdet.records.lesion_description import LesionDescription, StudyGrowth

from .json_file import time_stamp
from .page_frame import frame_page, section

SHOWN = 20
WARNING = (
    "Not every lesion of a scan need be on the list, and marks of one lesion may have been taken for two, or two for"
    " one."
)
FIGURES = {
    "types.png": ("Types", "Measurements of each type."),
    "diameters.png": ("Size", "Long and short axis in bins of 5 mm; the last bin holds all of 95 mm or more."),
    "places.png": (
        "Place",
        "From the front. x and z are parts of the body, as the list gives them: 0 at the left edge of the body on the "
        "image and at the head, 1 at the other end.",
    ),
    "growth.png": (
        "Growth",
        "One dot for two studies of a patient: the lesions measured in one, and next in the other. Triangles at the "
        "upper edge grew by more than the axis shows.",
    ),
}


def description_to_html(
    description: LesionDescription,
    figures: Mapping[str, bytes],
    source: str,
    problems: Sequence[str] = (),
    created: datetime | None = None,
) -> bytes:
    """Lay out a description as one self-contained page.

    Every text of the list is escaped, and the page forbids itself scripts and the network.

    Args:
        description: of the lesions.
        figures: PNG bytes by name, from :func:`lungdet.reports.lesion_figures.draw_lesion_figures`; may be empty.
        source: name of the list.
        problems: what was left out, and why.
        created: time stamp; now if None. Everything else depends on the other arguments alone.

    Returns:
        UTF-8 text.
    """
    stamp, named = time_stamp(created), escape(source)
    sections = [
        section("types", "Types", _types(description) + _figure(figures, "types.png")),
        *(section(name[:-4], FIGURES[name][0], _figure(figures, name)) for name in ("diameters.png", "places.png")),
        section("growth", "Growth between studies", _growth(description, figures)),
        section("problems", f"Left out: {len(problems)}", _problems(problems)),
    ]
    return frame_page(
        "lesion_page",
        title=f"Lesions: {named}",
        heading="Measured lesions",
        subtitle=f'{named} &middot; <time datetime="{stamp}">{stamp[:10]} {stamp[11:16]} UTC</time>',
        warning=WARNING,
        content="\n".join(filter(None, (_counts(description, problems), *sections))),
        generator="lungdet lesions describe",
    )


def _counts(description: LesionDescription, problems: Sequence[str]) -> str:
    numbers = (
        (len(description.lesions), "measurements", ""),
        (description.patients, "patients", ""),
        (len(description.studies), "studies", ""),
        (description.single_study, "patients with one study", ""),
        (description.not_comparable, "patients whose studies have no order", ""),
        (description.not_placed, "measurements without a place", ""),
        (len(problems), "rows left out", "bad"),
    )
    cells = "".join(f'<li class="{style if count else ""}"><b>{count}</b>{text}</li>' for count, text, style in numbers)
    return f'<ul class="counts">{cells}</ul>'


def _types(description: LesionDescription) -> str:
    rows = [
        (
            item.lesion_type,
            item.marks,
            item.patients,
            *(_mm(value) for value in (item.long_mm.low, item.long_mm.median, item.long_mm.high)),
            *(_mm(value) for value in (item.short_mm.low, item.short_mm.median, item.short_mm.high)),
        )
        for item in description.types
    ]
    head = ("Type", "Measurements", "Patients", "Long 5 %", "median", "95 %", "Short 5 %", "median", "95 %")
    flags = ", ".join(f"{escape(name)} {count}" for name, count in description.flags.items())
    note = f"Diameters in mm. Odd marks, which are kept: {flags or 'none'}."
    return f'{_table(head, rows)}<p class="soft">{note}</p>'


def _growth(description: LesionDescription, figures: Mapping[str, bytes]) -> str:
    error = description.error
    counts = Counter(item.growth for item in description.growths)
    said = ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none can be compared"
    text = (
        f"<p>Each lesion is compared with its measurement before, of the study before or of an earlier one. Pairs of "
        f"studies: {said}; {description.not_followed} later studies hold no lesion of an earlier one. A diameter is "
        f"taken to be read with a standard deviation of {100 * error['relative']:.1f} % and {error['absolute_mm']:g} "
        f"mm, and the errors of one study to be correlated by {error['shared']:g} (Yoon et al., Eur J Cancer "
        "2016;53:5-15). Within error is what repeated measurement gives in 95 of 100 cases without growth. Which marks "
        "are one lesion is told from place, size and type, and may be wrong.</p>"
    )
    largest = sorted(description.growths, key=lambda item: (item.growth == "within error", -abs(item.change_mm)))[
        :SHOWN
    ]
    table = _largest([item for item in largest if item.growth != "within error"])
    return text + _figure(figures, "growth.png") + table


def _largest(growths: Sequence[StudyGrowth]) -> str:
    if not growths:
        return ""
    rows = [
        (
            item.patient,
            f"{item.before} to {item.after}",
            item.lesions,
            _mm(item.sum_before_mm),
            _mm(item.sum_after_mm),
            f"{item.change_mm:+.1f}",
            _mm(item.limit_mm),
            item.growth,
        )
        for item in growths
    ]
    head = ("Patient", "Studies", "Lesions", "Sum before", "Sum after", "Change", "Error", "Growth")
    return f'<h3>Largest changes beyond error</h3>{_table(head, rows)}<p class="soft">mm; growth.csv has all.</p>'


def _problems(problems: Sequence[str]) -> str:
    if not problems:
        return ""
    items = "".join(f"<li>{escape(text)}</li>" for text in problems[:SHOWN])
    more = f'<p class="soft">The first {SHOWN}; lesions.json has all.</p>' if len(problems) > SHOWN else ""
    return f"<ul>{items}</ul>{more}"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    cells = "".join(f'<th scope="{"row" if not place else "col"}">{name}</th>' for place, name in enumerate(head))
    body = "".join(
        f'<tr><th scope="row">{escape(str(first))}</th>'
        + "".join(f"<td>{escape(str(value))}</td>" for value in rest)
        + "</tr>"
        for first, *rest in rows
    )
    return f'<div class="wide"><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>'


def _figure(figures: Mapping[str, bytes], name: str) -> str:
    if name not in figures:
        return ""
    heading, caption = FIGURES[name]
    data = base64.b64encode(figures[name]).decode("ascii")
    return (
        f'<figure><img src="data:image/png;base64,{data}" alt="{heading} of the lesions">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _mm(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
