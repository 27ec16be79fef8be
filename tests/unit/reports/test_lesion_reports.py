"""Figures, tables and page of described lesions: what is in them, and that nothing of a list reaches them unescaped."""

import csv
import io
import json
import re
from datetime import datetime, timezone

import numpy as np
import pytest
from PIL import Image

from lungdet.records import MeasuredLesion
from lungdet.records.lesion_description import LesionDescription, Spread, StudyGrowth, StudySum, TypeSummary
from lungdet.reports import lesion_figures
from lungdet.reports.lesion_figures import TYPE_COLORS, draw_lesion_figures
from lungdet.reports.lesion_page import description_to_html
from lungdet.reports.lesion_tables import description_to_json, description_to_tables

EVIL = "<script>alert(1)</script>&"
NOW = datetime(2030, 1, 2, 3, 4, tzinfo=timezone.utc)
ERROR = {"relative": 0.086, "absolute_mm": 0.33, "shared": 0.5}


def mark(number: int, kind: str = "liver", **facts: object) -> MeasuredLesion:
    place = (0.2 + 0.01 * number, 0.4, 0.6)
    known = {"short_mm": 8.0 + number, "location": place, "image": f"{number}.png", **facts}
    return MeasuredLesion(f"{number}.png#0", "p1", 1, 1, kind, 10.0 + number, **known)


@pytest.fixture
def described() -> LesionDescription:
    lesions = (mark(0), mark(1, "lung", flags=("skew", "noisy")), mark(2, "unknown", short_mm=None, location=None))
    sizes = Spread(3, 10.1, 10.5, 11.0, 11.5, 11.9)
    types = tuple(TypeSummary(name, 1, 1, sizes, Spread(0)) for name in ("liver", "lung", "unknown", "all"))
    studies = (StudySum("p1", 1, 3, 3, 33.0, 2.345, 2, 2, 23.456), StudySum("p1", 2, 1, 1, 20.0, 1.0, 0, 2, None))
    growths = (
        StudyGrowth("=p1", 1, 2, 1, 10.0, 20.0, 3.456, "grows"),
        StudyGrowth("=p1", 2, 3, 1, 20.0, 20.5, 4.5, "within error"),
        StudyGrowth("=p1", 3, 4, 1, 0.0, 1.0, 0.9, "grows"),
    )
    return LesionDescription(lesions, types, studies, growths, 1, 0, 0, 0, {"noisy": 1, "skew": 1}, ERROR)


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_tables_say_what_was_found(described: LesionDescription):
    tables = description_to_tables(described)
    assert sorted(tables) == ["growth.csv", "lesions.csv", "studies.csv", "types.csv"]
    first, second, third = rows(tables["lesions.csv"])
    assert (first["key"], first["long_mm"], first["short_mm"], first["z"]) == ("0.png#0", "10.0", "8.0", "0.6")
    assert second["flags"] == "skew noisy"
    assert (third["short_mm"], third["x"], third["z"], third["image"]) == ("", "", "", "2.png")
    assert [row["target_sum_mm"] for row in rows(tables["studies.csv"])] == ["23.46", ""]
    growth = rows(tables["growth.csv"])[0]
    assert (growth["change_mm"], growth["change_percent"], growth["limit_mm"]) == ("10.0", "100.0", "3.46")
    assert growth["patient"] == "'=p1"  # no formula
    assert rows(tables["growth.csv"])[2]["change_percent"] == ""
    assert rows(tables["types.csv"])[3]["lesion_type"] == "all"


def test_json_reads_back(described: LesionDescription):
    content = json.loads(description_to_json(described, EVIL, ["line 3: no"]))
    assert (content["format"], content["source"], content["problems"]) == ("lungdet-lesions/1", EVIL, ["line 3: no"])
    assert (content["measurements"], content["measurement_error"]) == (3, ERROR)
    assert content["growth"][0]["change_percent"] == 100.0
    assert content["growth"][2]["change_percent"] is None
    assert content["types"][0]["short_mm"] == {
        "count": 0, "low": None, "quarter": None, "median": None, "three_quarters": None, "high": None,
    }  # fmt: skip


def test_figures_are_pictures_with_the_colours_of_the_types(described: LesionDescription):
    figures = draw_lesion_figures(described)
    assert sorted(figures) == ["diameters.png", "growth.png", "places.png", "types.png"]
    bars = np.asarray(Image.open(io.BytesIO(figures["types.png"])).convert("RGB")).reshape(-1, 3)
    drawn = set(map(tuple, bars.tolist()))
    for name in ("liver", "lung", "unknown"):
        assert tuple(bytes.fromhex(TYPE_COLORS[name][1:])) in drawn
    assert draw_lesion_figures(described) == figures  # the same bytes again


def test_what_is_not_known_is_not_drawn():
    nowhere = (mark(0, location=None, short_mm=None),)
    types = (TypeSummary("all", 1, 1, Spread(1), Spread(0)),)
    bare = LesionDescription(nowhere, types, (), (), 1, 1, 0, 0, {}, ERROR)
    assert sorted(draw_lesion_figures(bare)) == ["diameters.png", "types.png"]
    empty = LesionDescription((), types, (), (), 0, 0, 0, 0, {}, ERROR)
    assert draw_lesion_figures(empty) == {}
    assert b"none can be compared" in description_to_html(empty, {}, "list")


def test_every_type_has_its_own_look():
    assert len(set(TYPE_COLORS.values())) == len(set(lesion_figures.TYPE_MARKERS.values())) == 9


def test_the_page_is_whole_and_escapes(described: LesionDescription):
    figures = {"types.png": b"PNG"}
    page = description_to_html(described, figures, EVIL, [EVIL] * 30, NOW).decode()
    assert EVIL not in page
    assert "2030-01-02 03:04 UTC" in page
    assert page.count("data:image/png;base64,") == 1
    assert "Left out: 30" in page
    assert "The first 20" in page
    assert re.search(r"<b>3</b>measurements", page)
    assert "8.6 % and 0.33 mm" in page
    assert "$" not in re.sub(r"data:[^\"]*", "", page)  # every place of the template is filled
    assert description_to_html(described, figures, EVIL, [EVIL] * 30, NOW).decode() == page
