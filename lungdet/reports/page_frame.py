"""What all pages share: head, style, and the warning that none of them is for clinical use."""

from __future__ import annotations

import string
from importlib import resources


def frame_page(
    style: str, *, title: str, heading: str, subtitle: str, warning: str, content: str, generator: str = "lungdet"
) -> bytes:
    """Put the content of a page into the frame of all pages: one file, with no scripts, that loads nothing.

    Args:
        style: name of the page's own style sheet, without ending; it follows the shared one.
        title: of the window; escaped, as all texts here.
        heading: of the page.
        subtitle: what it is about, and when it was made.
        warning: what to beware of, after "not for clinical use".
        content: of the page, HTML.
        generator: the command that writes it.

    Returns:
        UTF-8 text.

    Example:
        >>> page = frame_page("report", title="t", heading="h", subtitle="s", warning="w", content="<p>c</p>")
        >>> b"Not for clinical use" in page
        True
    """
    page = string.Template(_read("page.html")).substitute(
        style=_read("page.css") + _read(f"{style}.css"),
        title=title,
        heading=heading,
        subtitle=subtitle,
        warning=warning,
        content=content,
        generator=generator,
    )
    return page.encode(errors="xmlcharrefreplace")


def section(name: str, heading: str, content: str) -> str:
    """Put content below a heading, which is escaped already; nothing where there is no content.

    Example:
        >>> section("types", "Types", "")
        ''
    """
    if not content:
        return ""
    return f'<section aria-labelledby="{name}"><h2 id="{name}">{heading}</h2>\n{content}\n</section>'


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
