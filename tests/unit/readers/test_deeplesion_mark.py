from pathlib import Path

import pytest

from lungdet.readers.deeplesion_mark import MarkedSlice

CROSS = (11.0, 21.0, 21.0, 21.0, 16.0, 18.0, 16.0, 24.0)
SLICE = Path("Images_png/000007_02_03/013.png")


def test_hand_worked_mark():
    marked = MarkedSlice(SLICE, CROSS)
    assert marked.recist_edge == tuple(value - 0.5 for value in CROSS)  # the first pixel, 1, has its centre at 0.5
    assert marked.box_edge == (5.5, 12.5, 25.5, 28.5)
    assert marked.diameters_mm((2.0, 0.5, 5.0)) == (20.0, 3.0)
    assert marked.diameters_mm((0.1, 1.0)) == (6.0, 1.0)  # the longer first, whichever was drawn first


def test_names_come_from_the_folder():
    marked = MarkedSlice(SLICE, CROSS)
    assert (marked.key, marked.series_name, marked.patient) == ("000007_02_03_013.png", "000007_02_03", "000007")
    other = MarkedSlice(Path("elsewhere/slice.png"), CROSS)
    assert (other.key, other.series_name, other.patient) == ("slice.png", "", "")


@pytest.mark.parametrize(
    ("mark", "spacing", "message"),
    [
        (CROSS[:4], None, "eight numbers"),
        ((*CROSS[:7], float("nan")), None, "eight numbers"),
        ((*CROSS[:6], *CROSS[4:6]), None, "no length"),
        (CROSS, (1.0,), "two or three"),
        (CROSS, (1.0, 0.0, 5.0), "positive"),
    ],
)
def test_what_is_no_mark_is_refused(mark, spacing, message):
    with pytest.raises(ValueError, match=message):
        MarkedSlice(SLICE, mark, spacing)
