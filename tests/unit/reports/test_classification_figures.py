import io
import sys

import numpy as np
import pytest
from PIL import Image

from lungdet.reports.classification_figures import (
    ReliabilityToDraw,
    draw_confusion,
    draw_coverage,
    draw_reliability,
    draw_robustness,
)
from lungdet.reports.score_figures import CurveToDraw, MissingPlotsError

NAN = float("nan")
LINE = ReliabilityToDraw("all", [0, 0.5, 1], [3, 12], [0.4, 0.9], [0.3, 0.95])
EMPTY = ReliabilityToDraw("none", [0, 1], [0], [NAN], [NAN])


def picture(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def test_confusion_is_darkest_where_most_is_and_grows_with_the_classes():
    few = picture(draw_confusion([[5, 0], [0, 5]], ["a", "b"]))
    wrong = picture(draw_confusion([[0, 5], [5, 0]], ["a", "b"]))
    assert few.shape == wrong.shape
    assert (few != wrong).any()
    many = picture(draw_confusion(np.eye(22), [f"thoracic_spine_{k}" for k in range(22)]))
    assert many.shape[0] > few.shape[0]


def test_none_is_shown_only_where_it_holds_something():
    plain = draw_confusion([[5, 0], [0, 5]], ["a", "b"])
    padded = np.zeros((3, 3))
    padded[:2, :2] = [[5, 0], [0, 5]]
    assert draw_confusion(padded, ["a", "b"]) == plain
    padded[0, 2] = 1
    assert draw_confusion(padded, ["a", "b"]) != plain
    with pytest.raises(ValueError, match="no place for 2 classes"):
        draw_confusion(np.zeros((4, 4)), ["a", "b"])


def test_the_same_scores_give_the_same_bytes():
    curve = CurveToDraw("classes", [0.5, 1.0], [1.0, 0.9], dots_x=[0.5], dots_y=[1.0])
    assert draw_reliability([LINE], "t") == draw_reliability([LINE], "t")
    assert draw_coverage([curve], 0.95) == draw_coverage([curve], 0.95)
    assert draw_coverage([curve], 0.95) != draw_coverage([curve], None)
    bars = {"accuracy": [0.9, NAN]}
    assert draw_robustness(bars, ["none", "half_turn"]) == draw_robustness(bars, ["none", "half_turn"])


def test_nothing_can_be_drawn():
    for png in (
        draw_confusion(np.zeros((2, 2)), ["a", "b"]),
        draw_reliability([EMPTY]),
        draw_reliability([]),
        draw_coverage([CurveToDraw("none", [], [])]),
        draw_robustness({"accuracy": [NAN]}, ["none"]),
    ):
        assert picture(png).std() > 0


def test_without_matplotlib_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingPlotsError, match=r"lungdet\[plots\]"):
        draw_reliability([LINE])
