import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lungdet.readers import (
    AnnotationError,
    read_luna16_annotations,
    read_luna16_candidates,
    read_luna16_excluded,
    read_luna16_predictions,
    read_luna16_series_uids,
)

HEAD = "seriesuid,coordX,coordY,coordZ,diameter_mm\n"
MARKS = "seriesuid,coordX,coordY,coordZ,probability\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def write(text: str | bytes) -> Path:
        path = tmp_path / "table.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def problems_of(read: Callable[..., object], path: Path, **options: object) -> list[str]:
    """Faults told by strict reading; lenient reading must tell the same."""
    with pytest.raises(AnnotationError) as caught:
        read(path, **options)
    lenient = read(path, strict=False, **options)
    assert lenient.problems == caught.value.problems
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301
    return [str(problem).removeprefix(f"{path}, ") for problem in lenient.problems]


def test_annotations(write):
    table = read_luna16_annotations(write(HEAD + "1.2,10,-20.5,30,4\n1.3,1,2,3,6\n1.2,0,0,0,8\n"))
    assert table.series_uids.tolist() == ["1.2", "1.3", "1.2"]
    assert table.centers_lps_mm.tolist() == [[10, -20.5, 30], [1, 2, 3], [0, 0, 0]]
    assert table.boxes_lps_mm[0].tolist() == [8, -22.5, 28, 12, -18.5, 32]
    assert table.rows_of("1.2").tolist() == [0, 2]
    assert table.lines.tolist() == [2, 3, 4]
    assert table.measured.all()
    assert len(table) == 3


def test_excluded_findings_without_a_size_are_10_mm_and_repeats_are_dropped(write):
    table = read_luna16_excluded(write(HEAD + "1.2,1,2,3,-1\n1.2,1,2,3,-1\n1.2,1,2,3,4.5\n1.3,1,2,3,-1\n"))
    assert table.diameters_mm.tolist() == [10, 4.5, 10]
    assert table.measured.tolist() == [False, True, False]
    assert (table.repeats, table.lines.tolist()) == (1, [2, 4, 5])


def test_candidates_and_predictions(write):
    candidates = read_luna16_candidates(write("seriesuid,coordX,coordY,coordZ,class\n1.2,1,2,3,0\n1.2,4,5,6,1\n"))
    assert candidates.is_nodule.tolist() == [False, True]
    marks = read_luna16_predictions(write("probability,coordZ,coordY,coordX,seriesuid,note\n0.5,3,2,1,1.2,hello\n"))
    assert marks.probabilities.tolist() == [0.5]
    assert marks.centers_lps_mm.tolist() == [[1, 2, 3]]


def test_what_spreadsheets_do_to_a_file(write):
    text = '\ufeffseriesuid, coordX ,coordY,coordZ,probability\r\n"1.2", 1e1 ,2,3,1\r\n\r\n1.2,4,5,6,0\r\n'
    marks = read_luna16_predictions(write(text))
    assert marks.centers_lps_mm.tolist() == [[10, 2, 3], [4, 5, 6]]
    assert marks.lines.tolist() == [2, 4]  # the blank line counts


def test_lines_are_right_behind_a_line_break_in_quotes(write):
    text = 'seriesuid,note,coordX,coordY,coordZ,probability\n1.2,"two\nlines",1,2,3,0.5\n1.2,x,1,2,3,7\n'
    assert problems_of(read_luna16_predictions, write(text)) == ["line 4: probability is 7, wanted 0 to 1"]


def test_header_alone_holds_no_marks(write):
    marks = read_luna16_predictions(write(MARKS))
    assert len(marks) == 0
    assert marks.centers_lps_mm.shape == (0, 3)
    assert read_luna16_annotations(write(HEAD)).boxes_lps_mm.shape == (0, 6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("seriesuid,coordX,coordY,probability\n", "no column coordZ; the header has seriesuid, coordX"),
        (MARKS.replace(",", ";") + "1.2;1,5;2;3;0,5\n", "fields are not separated by commas"),
        (MARKS + '1.2,"never closed', "line 2: no CSV"),
        (MARKS.encode() + b"1.2,\xff\xfe", "no UTF-8 text"),
        (MARKS.encode("utf-16"), "no UTF-8 text"),
    ],
)
def test_files_that_are_no_table(write, text, message):
    for strict in (True, False):
        with pytest.raises(AnnotationError, match=message):
            read_luna16_predictions(write(text), strict=strict)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1.2,nan,2,3,0.5", "coordX is 'nan', wanted a finite number"),
        ("1.2,1,inf,3,0.5", "coordY is 'inf', wanted a finite number"),
        ("1.2,1,2,,0.5", "coordZ is '', wanted a finite number"),
        ("1.2,1_0,2,3,0.5", "coordX is '1_0', wanted a finite number"),
        ("1.2,1,2,three,0.5", "coordZ is 'three', wanted a finite number"),
        ('1.2,"1,5",2,3,0.5', "coordX is '1,5', wanted a finite number; write 1.5 with a decimal point"),
        ("1.2,1,5,2,3,0.5", "6 fields where 5 are wanted; numbers need decimal points, not commas"),
        ("1.2,1,2", "3 fields where 5 are wanted; it may be cut off"),
        ("1.2,1,2,3,1.01", "probability is 1.01, wanted 0 to 1"),
        ("1.2,1,2,3,-0.1", "probability is -0.1, wanted 0 to 1"),
        (",1,2,3,0.5", "seriesuid is empty"),
        ("1.9,1,2,3,0.5", "series UID 1.9 is none of the 1 known scans"),
        ("1.2,7,8,9,0.25", "the row repeats line 2; remove one"),
    ],
)
def test_faulty_rows_are_told_and_left_out(write, row, message):
    path = write(MARKS + "1.2,7,8,9,0.25\n" + row + "\n1.2,0,0,0,1\n")
    assert problems_of(read_luna16_predictions, path, series_uids=["1.2"]) == [f"line 3: {message}"]
    good = read_luna16_predictions(path, series_uids=["1.2"], strict=False)
    assert good.probabilities.tolist() == [0.25, 1]
    assert good.lines.tolist() == [2, 4]


@pytest.mark.parametrize("diameter", ["-1", "-4", "0", "nan"])
def test_diameters_of_nodules_are_positive(write, diameter):
    (problem,) = problems_of(read_luna16_annotations, write(HEAD + f"1.2,1,2,3,{diameter}\n"))
    assert problem.startswith("line 2: diameter_mm is ")


def test_excluded_findings_may_have_no_other_negative_diameter(write):
    path = write(HEAD + "1.2,1,2,3,-2\n1.2,1,2,3,0\n")
    assert problems_of(read_luna16_excluded, path) == [
        "line 2: diameter_mm is -2, wanted more than 0, or -1 if not measured",
        "line 3: diameter_mm is 0, wanted more than 0, or -1 if not measured",
    ]


def test_classes_are_0_and_1(write):
    path = write("seriesuid,coordX,coordY,coordZ,class\n1.2,1,2,3,2\n1.2,1,2,3,0.5\n1.2,1,2,3,x\n")
    first, second, third = problems_of(read_luna16_candidates, path)
    assert first == "line 2: class is 2, wanted 0 or 1"
    assert second == "line 3: class is '0.5', wanted a whole number"
    assert third == "line 4: class is 'x', wanted a finite number"


def test_long_lists_of_faults_are_cut(write):
    with pytest.raises(AnnotationError) as caught:
        read_luna16_predictions(write(MARKS + "1.2,1,2,3,7\n" * 9))
    assert len(caught.value.problems) == 9
    assert str(caught.value).splitlines()[-1] == "... and 4 more"


@pytest.mark.parametrize("text", ["1.2\r\n1.3", "seriesuid\n1.2\n\n1.3\n"])
def test_series_uids(write, text):
    assert read_luna16_series_uids(write(text)) == ("1.2", "1.3")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no scan"),
        ("seriesuid\n", "names no scan"),
        ("1.2\nfoo bar\n", "line 2: 'foo bar' is no series UID"),
        ('1.2\n""\n', "line 2: '' is no series UID"),
        ("Series_UID\n1.2\n", "line 1: 'Series_UID' is no series UID; a header must be seriesuid"),
        ("1.2\n1.2\n", "line 2: the series UID repeats line 1"),
        ("1.2,1.3\n", "2 fields where 1 are wanted"),
    ],
)
def test_series_uids_that_are_none(write, text, message):
    with pytest.raises(AnnotationError, match=message):
        read_luna16_series_uids(write(text))


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_luna16_predictions(tmp_path / "nothing.csv")


def test_written_marks_come_back(write):
    generator = np.random.default_rng(0)
    values = generator.normal(0, 100, (500, 3))
    scores = generator.uniform(0, 1, 500)
    rows = (
        f"1.{n % 7},{x!r},{y!r},{z!r},{p!r}"
        for n, ((x, y, z), p) in enumerate(zip(values.tolist(), scores.tolist(), strict=True))
    )
    marks = read_luna16_predictions(write(MARKS + "\n".join(rows)))
    assert np.array_equal(marks.centers_lps_mm, values)
    assert np.array_equal(marks.probabilities, scores)
