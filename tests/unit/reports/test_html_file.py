"""report.html: self-contained, safe whatever a header says, and readable without pictures."""

import base64
import dataclasses
import re
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lungdet.records import CTVolume, DetectionReport
from lungdet.reports import draw_pictures, report_to_html, write_html
from lungdet.reports.finding_section import describe_place

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>$title"


class Reader(HTMLParser):
    """Collects elements, and checks that they nest."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


def page(report: DetectionReport, volume: CTVolume, created: datetime | None = None, max_pictures: int = 10) -> str:
    return report_to_html(report, draw_pictures(report, volume, max_pictures), created).decode()


def test_the_page_holds_its_pictures_and_loads_nothing(volume: CTVolume, report: DetectionReport):
    text = page(report, volume)
    reader = Reader(text)
    pictures = draw_pictures(report, volume)
    shown = {base64.b64decode(img["src"].partition(",")[2]) for img in reader.all("img")}
    assert shown == set(pictures.values())
    assert all(img["src"].startswith("data:image/png;base64,") for img in reader.all("img"))
    assert not re.search(r"https?:|//|url\(|@import", re.sub(r"base64,[A-Za-z0-9+/=]+", "", text))
    assert {"script", "link", "iframe", "object"}.isdisjoint(tag for tag, _ in reader.elements)
    assert any("default-src 'none'" in (meta.get("content") or "") for meta in reader.all("meta"))


def test_every_picture_says_what_it_shows(volume: CTVolume, report: DetectionReport):
    alts = [img["alt"] for img in Reader(page(report, volume)).all("img")]
    assert len(alts) == len(set(alts)) == 13
    assert alts[0] == "Projection of the chest from the front with 2 marked findings"
    assert "close-up, axial" in alts[1]
    assert "slice 6 of 20" in alts[1]


def test_what_is_said(volume: CTVolume, report: DetectionReport):
    text = page(report, volume)
    for words in ("Not for clinical use", "2 findings", "2 duplicate slices dropped", "Thorax", "B60f", "6/20"):
        assert words in text, words
    assert "<td>0.900</td>" in text
    assert "nodule_detector" not in text
    assert "ab" * 32 in text
    assert "/data/" not in text  # the name of the folder, not the way to it


def test_the_head_tells_two_series_of_one_folder_apart(volume: CTVolume, report: DetectionReport, created: datetime):
    heads = []
    for uid in ("1.2.826.0.1.3680043.8.498.1001", "1.2.826.0.1.3680043.8.498.1002"):
        series = dataclasses.replace(report.series, series_uid=uid)
        text = page(dataclasses.replace(report, series=series), volume, created, 0)
        heads.append((re.findall("<title>(.*)</title>", text)[0], re.findall('<p class="soft">(.*)</p>', text)[0]))
    assert heads[0][0] == "Lung nodule detection: chest, series …80043.8.498.1001"
    assert heads[1][1] == (
        "chest &middot; Thorax &middot; series …80043.8.498.1002 &middot; 20 slices &middot; "
        'made <time datetime="2030-01-02T03:04:05Z">2030-01-02 03:04 UTC</time>'
    )


def test_hostile_headers_are_text(volume: CTVolume, report: DetectionReport):
    series = dataclasses.replace(
        report.series, source=HOSTILE, description=HOSTILE, kernel=HOSTILE, series_uid=HOSTILE, study_uid=HOSTILE,
        slice_uids=(HOSTILE,) * 20, steps=(HOSTILE,),
    )  # fmt: skip
    model = dataclasses.replace(report.model, name=HOSTILE, version=HOSTILE, weights_sha256=HOSTILE)
    hostile = dataclasses.replace(report, series=series, model=model, software_version=HOSTILE)
    text = page(hostile, volume)
    plain = Reader(page(report, volume))
    assert [tag for tag, _ in Reader(text).elements] == [tag for tag, _ in plain.elements]
    assert "<script" not in text
    assert "<img src=x" not in text
    assert text.count("$title") > 5


def test_names_that_are_no_unicode(volume: CTVolume, report: DetectionReport):
    series = dataclasses.replace(report.series, source="/data/\udce4")
    assert "Lung nodule" in page(dataclasses.replace(report, series=series), volume)


def test_no_findings_are_said(volume: CTVolume, report: DetectionReport):
    text = page(dataclasses.replace(report, findings=()), volume)
    Reader(text)
    for words in ("No findings", "marked nothing above its threshold", "without any mark"):
        assert words in text
    assert "three planes" not in text


def test_the_limit_of_pictures_is_stated(volume: CTVolume, report: DetectionReport):
    text = page(report, volume, max_pictures=1)
    assert "The first 1 of 2 findings in three planes" in text
    assert len(Reader(text).all("img")) == 7
    one = dataclasses.replace(report, findings=report.findings[:1])
    assert "1 finding<" in page(one, volume)
    assert "with 1 marked finding" in page(one, volume)


def test_bare_series(volume: CTVolume, report: DetectionReport):
    series = dataclasses.replace(
        report.series,
        description="",
        kernel="",
        thickness_mm=None,
        steps=(),
        slice_uids=(),
        series_uid="",
        study_uid="",
    )
    text = page(dataclasses.replace(report, series=series), volume)
    assert "Nothing beyond reading" in text
    assert "Series UID" not in text
    assert "Slice UID" not in text


def test_the_place_by_hand(report: DetectionReport):
    # the image spans x -40..39, y -30..29, z 100..147.5 mm: its middle is (-0.5, -0.5, 123.75)
    assert describe_place(report, report.findings[0]) == (
        "14 mm to the left of, 16 mm in front of and 11 mm below the image's middle"
    )
    assert "27 mm to the right of, 13 mm behind and 8 mm above" in describe_place(report, report.findings[1])


def test_same_input_same_bytes_but_for_the_time(volume: CTVolume, report: DetectionReport, created: datetime):
    assert page(report, volume, created) == page(report, volume, created)
    lines = zip(
        page(report, volume, created).splitlines(),
        page(report, volume, created.replace(year=2031)).splitlines(),
        strict=True,
    )
    assert sum(a != b for a, b in lines) == 1


@pytest.mark.parametrize("max_pictures", [0, 2])
def test_write_html(volume: CTVolume, report: DetectionReport, tmp_path: Path, max_pictures: int):
    write_html(tmp_path / "report.html", report, volume, max_pictures)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
