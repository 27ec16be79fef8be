import csv
import io
import json

import numpy as np
import pytest
from PIL import Image

from lungdet.records.similar_lesion import SimilarLesion
from lungdet.reports.similar_files import similar_line, similar_to_csv, similar_to_json
from lungdet.reports.similar_sheet import (
    FIELD_MM,
    MARK,
    OTHER,
    SAME,
    TILE_PX,
    LesionTile,
    draw_similar,
    lesion_picture,
)

WINDOW = (-1000.0, 400.0)


def answer(place: int = 1, **changes) -> SimilarLesion:
    given = {
        "place": place, "distance": 0.5, "key": "000007_01_02_013.png#0", "patient": "000007", "study": 1,
        "lesion_type": "liver", "size_mm": (12.0, None), "location": (0.1, 0.2, None), "image": "000007_01_02/013.png",
        "same_type": True,
    }  # fmt: skip
    return SimilarLesion(**(given | changes))


def test_lines_and_csv_hold_what_is_known():
    assert similar_line(answer()) == "1\t0.5000\t000007_01_02_013.png#0\tliver\t12.0 mm"
    assert similar_line(answer(size_mm=(None, None), key="a\x1b[2Jb")).split("\t")[2:] == [
        *("a\\x1b[2Jb", "liver", "size unknown")
    ]
    rows = list(csv.DictReader(io.StringIO(similar_to_csv([answer(), answer(2, same_type=None)]).decode())))
    assert [row["place"] for row in rows] == ["1", "2"]
    assert [row["same_type"] for row in rows] == ["yes", ""]
    assert (rows[0]["long_mm"], rows[0]["short_mm"], rows[0]["z"]) == ("12.0", "", "")
    assert len(similar_to_csv([]).decode().splitlines()) == 1


def test_json_reads_back():
    content = json.loads(similar_to_json(answer(0, distance=0.0), [answer()], {"searched": 3}))
    assert content["searched"] == 3
    assert content["query"]["size_mm"] == [12.0, None]
    assert "distance" not in content["query"]
    assert content["answers"][0]["key"] == "000007_01_02_013.png#0"
    assert json.loads(similar_to_json(answer(0), [], {}))["answers"] == []


def test_distances_are_checked():
    for distance in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="must be 0 or more"):
            answer(distance=distance)


def test_a_lesion_is_in_the_middle_and_to_scale():
    hu = np.full((200, 300), -1000.0)
    hu[50:70, 100:110] = 120  # grey 204: 20 rows of 1 mm, 10 columns of 2 mm
    picture = lesion_picture(hu, (100, 50, 110, 70), (2.0, 1.0, 5.0), WINDOW)
    assert picture.shape == (TILE_PX, TILE_PX, 3)
    bright = np.argwhere((picture == 204).all(axis=2))
    middle, half = TILE_PX / 2, 10 * TILE_PX / FIELD_MM
    np.testing.assert_allclose(bright.mean(axis=0), middle - 0.5, atol=1.5)
    np.testing.assert_allclose(np.ptp(bright, axis=0) / 2, half, atol=2.5)
    marked = np.argwhere((picture == MARK).all(axis=2))
    np.testing.assert_allclose(
        [marked.min(axis=0), marked.max(axis=0)], [[middle - half] * 2, [middle + half] * 2], atol=0.5
    )


def test_outside_of_the_slice_is_black_and_a_large_lesion_fits():
    picture = lesion_picture(np.full((50, 50), 400.0), (0, 0, 10, 10), (1.0, 1.0), WINDOW)
    assert not picture[:60, :60].any()
    large = lesion_picture(np.zeros((500, 500)), (100, 100, 400, 200), (1.0, 1.0), WINDOW)
    marked = np.argwhere((large == MARK).all(axis=2))
    assert np.ptp(marked[:, 1]) == TILE_PX // 2


@pytest.mark.parametrize(
    ("box", "spacing", "window"),
    [
        ((np.nan, 0, 1, 1), (1, 1), WINDOW),
        ((0, 0, 1, 1), (0, 1), WINDOW),
        ((2, 0, 1, 1), (1, 1), WINDOW),
        ((0, 0, 1, 1), (1, 1), (5.0, 5.0)),
    ],
)
def test_what_cannot_be_drawn_is_refused(box, spacing, window):
    with pytest.raises(ValueError, match="must"):
        lesion_picture(np.zeros((9, 9)), box, spacing, window)


def sheet(answers: list[LesionTile]) -> np.ndarray:
    query = LesionTile(np.full((TILE_PX, TILE_PX, 3), 7, np.uint8), ("query",))
    return np.asarray(Image.open(io.BytesIO(draw_similar(query, answers, "title"))))


def count(pixels: np.ndarray, color: tuple[int, int, int]) -> int:
    return int((pixels == color).all(axis=2).sum())


def test_frames_tell_whether_types_agree():
    tiles = [LesionTile(np.zeros((TILE_PX, TILE_PX, 3), np.uint8), ("a",), agrees) for agrees in (True, True, False)]
    drawn = sheet([*tiles, LesionTile(None, ("missing",))])
    assert count(drawn, SAME) == 2 * count(drawn, OTHER) > 0
    assert count(drawn, (7, 7, 7)) == TILE_PX**2


def test_a_sheet_grows_by_rows_and_may_be_empty():
    tile = LesionTile(None, ("a",))
    none, five, six = (sheet([tile] * number) for number in (0, 5, 6))
    assert none.shape[0] == five.shape[0] < six.shape[0]
    assert none.shape[1] < five.shape[1] == six.shape[1]
