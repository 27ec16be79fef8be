"""The page of a routing run: what disagrees comes first, and nothing of a file reaches it unescaped."""

import base64
import dataclasses
import io
import re
from datetime import datetime, timezone

import numpy as np
import pytest
from PIL import Image

from lungdet.records import RoutedFile
from lungdet.reports import files_to_show, route_to_html, thumbnail
from lungdet.reports.route_page import disagreements, reviews

EVIL = "<script>alert(1)</script>&"
NOW = datetime(2030, 1, 2, 3, 4, tzinfo=timezone.utc)


def answer(file: str, label: str, probability: float, header: str, agreement: str) -> RoutedFile:
    return RoutedFile(
        file, label=label, probability=probability, body_part_examined=header, modality="DX", decision="answer",
        agreement=agreement, rule="line 3", folder=label, target=f"{label}/{file}", how="copied",
    )  # fmt: skip


def review(file: str, probability: float, reason: str = "0.60 is below 0.9") -> RoutedFile:
    top = (("chest", probability), ("knee", 1 - probability))
    return RoutedFile(
        file, label="review", probability=probability, decision="review", reason=reason, top=top, folder="review",
        target=f"review/{file}", how="copied",
    )  # fmt: skip


FILES = [
    answer("a.dcm", "chest", 0.95, "KNEE", "disagree"),
    answer("b.dcm", "chest", 0.99, "HAND", "disagree"),
    answer("c.dcm", "chest", 0.97, "CHEST", "agree"),
    answer("d.dcm", "knee", 0.97, "", "unknown"),
    review("e.dcm", 0.6),
    review("f.dcm", 0.7, "none of the pictures that it knows"),
    RoutedFile("g.dcm", error="g.dcm: cut off"),
]


def test_the_surest_disagreement_comes_first():
    assert [routed.file for routed in disagreements(FILES)] == ["b.dcm", "a.dcm"]
    assert [routed.file for routed in reviews(FILES)] == ["f.dcm", "e.dcm"]
    assert [routed.file for routed in files_to_show(FILES, most=1)] == ["b.dcm", "f.dcm"]


def test_what_the_page_says():
    page = route_to_html(FILES, {}, {"Source": "in"}, NOW).decode()
    assert "7 files" in page
    for count, text in [(4, "answered"), (2, "for a person to review"), (1, "failed"), (2, "headers disagree")]:
        assert f"<b>{count}</b>{text}" in page
    assert page.index("chest 99.0 %") < page.index("chest 95.0 %")
    assert "Header: DX HAND" in page
    assert "g.dcm: cut off" in page
    assert "none of the pictures that it knows" in page
    assert '<p class="file">in review</p>' in page
    assert '<td class="disagree">1</td>' in page
    assert "2030-01-02 03:04 UTC" in page


def test_the_next_bundle_is_told_where_there_is_one():
    assert "Next bundle" not in route_to_html(FILES, {}, {}, NOW).decode()
    files = [dataclasses.replace(FILES[0], next_bundle="nodule_detector")]
    assert '<td class="text">nodule_detector</td>' in route_to_html(files, {}, {}, NOW).decode()


def test_the_matrix_counts_every_answer_once():
    page = route_to_html(FILES, {}, {}, NOW).decode()
    cells = re.findall(r'<td class="(?:agree|disagree|unknown)">(\d+)</td>', page)
    assert sum(map(int, cells)) == 4


def test_pictures_are_inside():
    picture = thumbnail(np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30))
    page = route_to_html(FILES, {"a.dcm": picture}, {}, NOW).decode()
    (data,) = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert base64.b64decode(data) == picture
    assert page.count("no picture") == 3  # b, e and f
    assert "://" not in page


def test_lists_are_cut_and_say_so():
    files = [answer(f"{number}.dcm", "chest", 0.9, "KNEE", "disagree") for number in range(5)]
    page = route_to_html(files, {}, {}, NOW, most=2).decode()
    assert page.count('<article class="card">') == 2
    assert "The first 2; the manifest has all." in page
    assert "disagree: 5" in page


def test_nothing_is_left_unescaped():
    files = [
        answer(EVIL, EVIL, 0.9, EVIL, "disagree"),
        review(EVIL, 0.5, EVIL),
        RoutedFile(EVIL, error=EVIL),
        answer("\udcff.dcm", "chest", 0.9, "$title ${x}", "disagree"),
    ]
    page = route_to_html(files, {EVIL: b"x"}, {"Source": EVIL, EVIL: EVIL}, NOW).decode()
    assert "<script" not in page
    assert "$title ${x}" in page


def test_no_file_at_all():
    page = route_to_html([], {}, {}, NOW).decode()
    assert "0 files" in page
    assert "No header names another body part" in page


def test_a_thumbnail_keeps_the_aspect_and_the_brightness():
    pixels = np.zeros((90, 30), np.float32)
    pixels[:45] = 1
    picture = np.asarray(Image.open(io.BytesIO(thumbnail(pixels, 30))))
    assert picture.shape == (30, 10)
    assert (picture[:14] == 255).all()
    assert (picture[16:] == 0).all()
    assert np.asarray(Image.open(io.BytesIO(thumbnail(pixels[:2, :1], 8)))).shape == (8, 4)
    nan = np.full((4, 4), np.nan, np.float32)
    assert (np.asarray(Image.open(io.BytesIO(thumbnail(nan)))) == 0).all()
    for wrong in (np.zeros((0, 3), np.float32), np.zeros((1, 3, 3), np.float32)):
        with pytest.raises(ValueError, match="thumbnail"):
            thumbnail(wrong)
