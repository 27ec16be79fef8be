"""The head that all pages share."""

import re

import pytest

from lungdet.reports.page_frame import frame_page, section

STYLES = ("report", "route_page", "lesion_page", "timeline_page")


@pytest.mark.parametrize("style", STYLES)
def test_every_page_says_what_it_is_and_loads_nothing(style: str):
    page = frame_page(
        style, title="t", heading="h", subtitle="s", warning="w", content="<p>$c</p>", generator="lungdet x"
    ).decode()
    assert '<html lang="en">' in page
    assert page.index('<meta name="generator" content="lungdet x">') < 1000  # near the top, where it is looked for
    assert "<title>t</title>" in page
    assert "<h1>h</h1>" in page
    assert re.search(r'role="note"><strong>Not for clinical use\.</strong>[^<]*\nw</p>\n<p>\$c</p>', page)
    assert "default-src 'none'" in page
    assert not re.search(r"https?:|url\(|@import|<script", page)
    assert page.count("{") == page.count("}") > 20


def luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_texts_stand_out_from_their_ground():
    """WCAG 2.2, 1.4.3: 4.5 to 1 at least."""
    page = frame_page("route_page", title="", heading="", subtitle="", warning="", content="").decode()
    page += frame_page("report", title="", heading="", subtitle="", warning="", content="").decode()
    colors = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", page))
    pairs = [
        ("ink", "paper"),
        ("ink", "wash"),
        ("ink", "badwash"),
        ("ink", "mark"),
        ("soft", "paper"),
        ("soft", "wash"),
    ]
    for text, ground in (*pairs, ("bad", "badwash"), ("good", "goodwash")):
        light, dark = sorted((luminance(colors[text]), luminance(colors[ground])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)


def test_a_section_without_content_is_none():
    assert section("a", "A", "") == ""
    assert section("a", "A", "x") == '<section aria-labelledby="a"><h2 id="a">A</h2>\nx\n</section>'
