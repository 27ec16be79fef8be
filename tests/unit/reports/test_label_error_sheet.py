import io

import numpy as np
import pytest
from PIL import Image

from lungdet.reports.label_error_sheet import TEXT_SIZE, TILE_PX, LabelCase, draw_label_errors, fit_text, small_picture
from lungdet.reports.pictures import font


def sheet(cases: list[LabelCase], title: str = "doubtful") -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(draw_label_errors(cases, title))))


def test_small_pictures_keep_their_aspect_and_are_not_enlarged():
    assert small_picture(np.zeros((400, 200), np.float32)).shape == (TILE_PX, TILE_PX // 2)
    assert small_picture(np.zeros((8, 4), np.float32)).shape == (8, 4)
    assert small_picture(np.zeros((1000, 1), np.float32)).shape == (TILE_PX, 1)
    values = small_picture(np.array([[-1.0, 0.5, 2.0, np.nan]], np.float32))
    assert values.tolist() == [[0, 128, 255, 0]]
    for shape in ((0, 3), (3,)):
        with pytest.raises(ValueError, match=r"\(rows, columns\)"):
            small_picture(np.zeros(shape, np.float32))


def test_every_case_is_on_the_sheet():
    bright = LabelCase(np.full((64, 64), 255, np.uint8), ("label a (0.01)", "file.png"))
    one, eight = sheet([bright]), sheet([bright] * 8)
    assert (eight == 255).sum() > 7 * (TILE_PX**2)
    assert one.shape[1] < eight.shape[1]
    assert one.shape[0] < eight.shape[0]


def test_a_case_without_a_picture_and_a_sheet_without_cases():
    assert sheet([LabelCase(None, ("label a",))]).any()
    assert sheet([]).shape[0] < TILE_PX


def test_long_and_odd_names_fit():
    for text in ("a" * 500, "folder/" * 30 + "00017.png", "röntgen\n\t\x00.png", ""):
        fitted = fit_text(text)
        assert font(TEXT_SIZE).getlength(fitted) <= TILE_PX
        assert "\n" not in fitted
    assert fit_text("folder/" * 30 + "00017.png").endswith(".png")
