"""``route.html``: where files went, and where header and picture disagree. One file, nothing loaded from anywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape

from lungdet.counted import counted
from lungdet.records import RoutedFile

from .json_file import time_stamp
from .page_frame import frame_page, section
from .route_cards import disagreement_cards, review_cards

SHOWN = 60
WARNING = (
    "A label may be wrong, however sure it looks. The page holds pictures and names of files: treat it as you treat the"
    " originals."
)
_NOTHING = "(says nothing)"


def disagreements(files: Sequence[RoutedFile]) -> list[RoutedFile]:
    """Return the answers that contradict their header, the surest first."""
    found = [routed for routed in files if routed.agreement == "disagree"]
    return sorted(found, key=lambda routed: (-(routed.probability or 0.0), routed.file))


def reviews(files: Sequence[RoutedFile]) -> list[RoutedFile]:
    """Return the files that a person is to look at, those first in which the router came closest to an answer."""
    found = [routed for routed in files if routed.decision == "review"]
    return sorted(found, key=lambda routed: (-(routed.probability or 0.0), routed.file))


def files_to_show(files: Sequence[RoutedFile], most: int = SHOWN) -> list[RoutedFile]:
    """Return the files of which the page wants a thumbnail: at most ``most`` in each of its two lists."""
    return disagreements(files)[:most] + reviews(files)[:most]


def route_to_html(
    files: Sequence[RoutedFile],
    thumbnails: Mapping[str, bytes],
    facts: Mapping[str, str],
    created: datetime | None = None,
    most: int = SHOWN,
) -> bytes:
    """Lay out a run as one self-contained page.

    Every text of a file or its header is escaped, and the page forbids itself scripts and the network.

    Args:
        files: all that was routed.
        thumbnails: PNG bytes by ``file``; a file without one gets an empty box.
        facts: rows of the last table: source, destination, rules, model.
        created: time stamp; now if None. Everything else depends on the other arguments alone.
        most: cards in each list; how many are left out is said.

    Returns:
        UTF-8 text.
    """
    stamp, source = time_stamp(created), escape(facts.get("Source", ""))
    sections = (
        section("counts", counted(len(files), "file"), _counts(files)),
        _folders(files),
        _matrix(files),
        _disagreements(files, thumbnails, most),
        _reviews(files, thumbnails, most),
        _errors(files),
        section("made", "How this was made", _facts(facts)),
    )
    return frame_page(
        "route_page",
        title=f"Routed radiographs: {source}",
        heading="Radiographs by what they show",
        subtitle=f'{source} &middot; <time datetime="{stamp}">{stamp[:10]} {stamp[11:16]} UTC</time>',
        warning=WARNING,
        content="\n".join(filter(None, sections)),
    )


def _counts(files: Sequence[RoutedFile]) -> str:
    decisions = Counter(routed.decision for routed in files)
    agreements = Counter(routed.agreement for routed in files)
    numbers = (
        (decisions["answer"], "answered", ""),
        (decisions["review"], "for a person to review", ""),
        (sum(bool(routed.error) for routed in files), "failed", "bad"),
        (agreements["agree"], "headers agree", "good"),
        (agreements["disagree"], "headers disagree", "bad"),
        (agreements["unknown"], "headers say nothing usable", ""),
    )
    cells = "".join(f'<li class="{style if count else ""}"><b>{count}</b>{text}</li>' for count, text, style in numbers)
    return f'<ul class="counts">{cells}</ul>'


def _folders(files: Sequence[RoutedFile]) -> str:
    counts = Counter((routed.folder, routed.rule, routed.next_bundle) for routed in files if routed.target)
    if not counts:
        return ""
    goes_on = any(bundle for _, _, bundle in counts)
    body = "".join(
        f'<tr><th scope="row">{escape(folder)}</th><td>{count}</td><td class="text">{escape(rule)}</td>'
        + f'<td class="text">{escape(bundle)}</td>' * goes_on
        + "</tr>"
        for (folder, rule, bundle), count in sorted(counts.items())
    )
    next_head = '<th scope="row">Next bundle</th>' * goes_on
    head = f'<tr><th scope="row">Folder</th><th>Files</th><th scope="row">Rule</th>{next_head}</tr>'
    return section("folders", "Where they went", f'<div class="wide"><table><thead>{head}</thead>{body}</table></div>')


def _matrix(files: Sequence[RoutedFile]) -> str:
    """Lay out header terms down, answers across."""
    answered = [routed for routed in files if routed.decision == "answer"]
    counts = Counter((routed.body_part_examined or _NOTHING, routed.label, routed.agreement) for routed in answered)
    if not counts:
        return ""
    labels = sorted({label for _, label, _ in counts})
    rows = []
    for header in sorted({header for header, _, _ in counts}, key=lambda term: (term == _NOTHING, term)):
        cells = [_cell(counts, header, label) for label in labels]
        rows.append(f'<tr><th scope="row">{escape(header)}</th>{"".join(cells)}</tr>')
    head = "".join(f'<th scope="col">{escape(label)}</th>' for label in labels)
    note = "Down: BodyPartExamined in the header. Across: what the picture shows, by the router. Reviews do not count."
    table = f'<table><thead><tr><th scope="row">Header</th>{head}</tr></thead>{"".join(rows)}</table>'
    return section("matrix", "Header against picture", f'<p class="soft">{note}</p><div class="wide">{table}</div>')


def _cell(counts: Counter[tuple[str, str, str]], header: str, label: str) -> str:
    found = {agreement: counts[header, label, agreement] for agreement in ("agree", "disagree", "unknown")}
    total = sum(found.values())
    if not total:
        return '<td class="nothing">&middot;</td>'
    style = max(found, key=lambda agreement: found[agreement])
    return f'<td class="{style}">{total}</td>'


def _disagreements(files: Sequence[RoutedFile], thumbnails: Mapping[str, bytes], most: int) -> str:
    found = disagreements(files)
    if not found:
        text = "No header names another body part than the picture shows, as far as both say anything."
        return section("disagreements", "Header and picture disagree", f"<p>{text}</p>")
    heading = f"Header and picture disagree: {len(found)}"
    return section("disagreements", heading, _left_out(found, most) + disagreement_cards(found[:most], thumbnails))


def _reviews(files: Sequence[RoutedFile], thumbnails: Mapping[str, bytes], most: int) -> str:
    found = reviews(files)
    if not found:
        return ""
    heading = f"For a person to review: {len(found)}"
    return section("reviews", heading, _left_out(found, most) + review_cards(found[:most], thumbnails))


def _errors(files: Sequence[RoutedFile]) -> str:
    found = [routed for routed in files if routed.error]
    rows = "".join(
        f'<tr><td class="text">{escape(routed.file)}</td><td class="text">{escape(routed.error)}</td></tr>'
        for routed in found[:500]
    )
    return section("errors", f"Failed: {len(found)}", _left_out(found, 500) + f"<table>{rows}</table>") if found else ""


def _left_out(found: Sequence[RoutedFile], most: int) -> str:
    return f'<p class="soft">The first {most}; the manifest has all.</p>' if len(found) > most else ""


def _facts(facts: Mapping[str, str]) -> str:
    rows = (f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in facts.items())
    return '<table class="facts"><tbody>\n' + "\n".join(rows) + "\n</tbody></table>"
