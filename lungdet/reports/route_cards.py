"""One card a picture, for the page of a routing run."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape

from lungdet.records import RoutedFile


def disagreement_cards(files: Sequence[RoutedFile], thumbnails: Mapping[str, bytes]) -> str:
    """Show pictures whose header names something else."""
    return _cards([_card(routed, thumbnails, _contradiction(routed)) for routed in files])


def review_cards(files: Sequence[RoutedFile], thumbnails: Mapping[str, bytes]) -> str:
    """Show pictures that a person is to look at."""
    return _cards([_card(routed, thumbnails, _question(routed)) for routed in files])


def _cards(cards: Sequence[str]) -> str:
    return '<div class="cards">\n' + "\n".join(cards) + "\n</div>"


def _card(routed: RoutedFile, thumbnails: Mapping[str, bytes], text: str) -> str:
    return (
        f'<article class="card">{_picture(routed, thumbnails)}<div>{text}'
        f'<p class="file">{escape(routed.file)}</p>{_line("file", _place(routed))}</div></article>'
    )


def _contradiction(routed: RoutedFile) -> str:
    seen = f"{routed.label} {_percent(routed.probability)}"
    header = " ".join(part for part in (routed.modality, routed.body_part_examined) if part)
    return f"<h3>{escape(seen)}</h3><p>Header: {escape(header)}</p>"


def _question(routed: RoutedFile) -> str:
    likely = ", ".join(f"{name} {_percent(value)}" for name, value in routed.top[:3])
    header = f"Header: {routed.body_part_examined}" if routed.body_part_examined else ""
    return f"<h3>{escape(routed.reason or 'review')}</h3>{_line('', likely)}{_line('', header)}"


def _picture(routed: RoutedFile, thumbnails: Mapping[str, bytes]) -> str:
    if routed.file not in thumbnails:
        return '<div class="blank">no picture</div>'
    data = base64.b64encode(thumbnails[routed.file]).decode("ascii")
    return f'<img src="data:image/png;base64,{data}" alt="{escape(f"picture of {routed.file}")}">'


def _place(routed: RoutedFile) -> str:
    return f"in {routed.folder}" if routed.target else ""


def _line(style: str, text: str) -> str:
    return f'<p class="{style}">{escape(text)}</p>' if text else ""


def _percent(probability: float | None) -> str:
    """Write a probability, never rounded up to certainty.

    Example:
        >>> _percent(0.9999), _percent(0.5), _percent(None)
        ('99.9 %', '50.0 %', '')
    """
    return "" if probability is None else f"{min(100 * probability, 99.9):.1f} %"
