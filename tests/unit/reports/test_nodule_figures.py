import io
import sys

import numpy as np
import pytest
from PIL import Image

from lungdet.metrics import binary_scores
from lungdet.reports.nodule_figures import RatingToDraw, draw_ratings, draw_roc
from lungdet.reports.nodule_tables import binary_to_text
from lungdet.reports.score_figures import CurveToDraw, MissingPlotsError


def size(picture: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(picture)) as image:
        image.load()
        return image.size


def test_roc_is_drawn_with_and_without_curves():
    curve = CurveToDraw("nodule: AUC 0.875", [0, 0, 0.5, 1], [0, 0.5, 1, 1], dots_x=[0.5], dots_y=[1])
    assert size(draw_roc([curve], "4 cubes")) == size(draw_roc([]))
    assert draw_roc([curve]) == draw_roc([curve])
    assert draw_roc([curve]) != draw_roc([])


def test_ratings_have_a_panel_each():
    rng = np.random.default_rng(0)
    panel = RatingToDraw("malignancy", rng.integers(1, 6, 50), rng.uniform(1, 5, 50))
    assert draw_ratings([panel]) == draw_ratings([panel])
    assert size(draw_ratings([panel] * 7))[0] == 4 * size(draw_ratings([panel]))[0]
    assert size(draw_ratings([RatingToDraw("nothing", [], [])])) == size(draw_ratings([]))


def test_without_matplotlib_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    for draw in (draw_roc, draw_ratings):
        with pytest.raises(MissingPlotsError, match=r"lungdet\[plots\]"):
            draw([])


def test_scores_of_a_probability_as_text():
    text = binary_to_text(binary_scores([0.9, 0.6, 0.4, 0.2], [1, 0, 1, 0], resamples=50).to_json(), "cancer")
    lines = text.splitlines()
    assert lines[0] == "cancer: 4 cases, 2 of them positive"
    assert lines[1].startswith("AUC")
    assert "0.7500 (" in lines[1]
    empty = binary_to_text(binary_scores([], [], resamples=50).to_json(), "cancer")
    assert "AUC                         -" in empty
    assert (
        empty.splitlines()[-1]
        == "calibration slope           not estimable: positives and negatives are too few, or do not overlap"
    )
