import builtins
import io
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from lungdet.reports.score_figures import (
    CurveToDraw,
    MissingPlotsError,
    draw_froc,
    draw_precision_recall,
    require_matplotlib,
)

RATES = np.geomspace(0.1, 10, 40)
BAND = np.stack([RATES / 11, RATES / 9], axis=1).clip(0, 1)
CURVE = CurveToDraw("CPM 0.5", RATES, RATES / 10, RATES, BAND, (0.125, 8.0), (0.0125, 0.8))


def has_color(png: bytes, rgb: tuple[int, int, int], slack: int = 12) -> bool:
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
    return bool((np.abs(pixels - rgb).max(axis=2) <= slack).any())


def test_both_formats_can_be_read() -> None:
    for files in (draw_froc([CURVE], (0.125, 1.0, 8.0)), draw_precision_recall([CURVE])):
        assert files.keys() == {"png", "svg"}
        assert Image.open(io.BytesIO(files["png"])).size == (1040, 840)
        assert ElementTree.fromstring(files["svg"]).tag.endswith("svg")  # noqa: S314
        assert has_color(files["png"], (0x00, 0x72, 0xB2))
        assert has_color(files["png"], (209, 227, 240), slack=4)  # the band


def test_the_same_curve_gives_the_same_files() -> None:
    assert draw_froc([CURVE]) == draw_froc([CURVE])
    assert draw_froc([CURVE], title="x")["svg"] != draw_froc([CURVE])["svg"]


def test_several_curves_differ_in_colour() -> None:
    other = CurveToDraw("other", RATES, RATES / 20)
    files = draw_froc([CURVE, other])
    assert has_color(files["png"], (0xD5, 0x5E, 0x00))
    assert not has_color(draw_froc([CURVE])["png"], (0xD5, 0x5E, 0x00))


def test_no_marks_can_be_drawn() -> None:
    assert draw_froc([CurveToDraw("CPM 0", [0.0], [0.0], RATES, BAND * np.nan, (1.0,), (0.0,))])["png"]
    assert draw_precision_recall([CurveToDraw("nothing", [], [])])["png"]


def test_the_style_of_2017_has_other_axes() -> None:
    files = draw_precision_recall([CurveToDraw("EER 0.7", [0.2, 0.7], [0.9, 0.7])], style="tensorbox")
    assert has_color(files["png"], (0x00, 0x72, 0xB2))
    assert files["svg"] != draw_precision_recall([CurveToDraw("EER 0.7", [0.2, 0.7], [0.9, 0.7])])["svg"]
    with pytest.raises(ValueError, match="'tensorbox', got '2017'"):
        draw_precision_recall([], style="2017")


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def no_matplotlib(name: str, *rest: object, **options: object) -> object:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real_import(name, *rest, **options)

    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", no_matplotlib)
    with pytest.raises(MissingPlotsError, match=r"pip install lungdet\[plots\]"):
        require_matplotlib()


def test_a_curve_begins_at_the_left_end_of_the_axis() -> None:
    """Half of the nodules are found before the first false mark, which comes at two a scan."""
    curve = CurveToDraw("a", np.array([0.0, 0.0, 2.0, 8.0]), np.array([0.0, 0.5, 0.5, 0.5]))
    picture = np.asarray(Image.open(io.BytesIO(draw_froc([curve])["png"])).convert("RGB")).astype(int)
    blue = np.abs(picture - (0x00, 0x72, 0xB2)).sum(axis=2) < 40
    rows, columns = blue.nonzero()
    line = columns[np.abs(rows - np.median(rows)) < 10]
    assert line.min() < picture.shape[1] * 0.2
    assert line.max() > picture.shape[1] * 0.9


def test_dots_alone_have_a_label() -> None:
    dots = CurveToDraw("only dots", (), (), dots_x=[0.5, 1.0], dots_y=[0.2, 0.4])
    assert draw_froc([dots]) != draw_froc([replace(dots, label="others")])
