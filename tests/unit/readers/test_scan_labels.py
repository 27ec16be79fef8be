from pathlib import Path

import pytest

from lungdet.readers import AnnotationError, read_scan_labels


def written(folder: Path, text: str) -> Path:
    path = folder / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_by_hand(tmp_path: Path):
    labels, problems = read_scan_labels(written(tmp_path, "\ufeffid,cancer\na,1\n b , 0\n\nc,1.0\n"))
    assert labels == {"a": 1, "b": 0, "c": 1}
    assert problems == ()


def test_other_columns_are_kept_out(tmp_path: Path):
    labels, _ = read_scan_labels(written(tmp_path, "sex,cancer,id,progressor\nF,0,a,1\nM,1,b,0\n"), label="progressor")
    assert labels == {"a": 1, "b": 0}


def test_an_empty_table(tmp_path: Path):
    assert read_scan_labels(written(tmp_path, "id,cancer\n")) == ({}, ())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (",1", "no id"),
        ("a,", "cancer is missing"),
        ("a,2", "cancer is '2', wanted 0 or 1"),
        ("a,0.5", "cancer is '0.5'"),
        ("a,yes", "cancer is 'yes'"),
        ("a", "1 fields where 2 are wanted"),
        ("z,0", "repeats line 2"),
        ("z,1", "two labels: 0 in line 2; 1 in line 3"),
    ],
)
def test_faults_name_their_line(tmp_path: Path, line: str, said: str):
    path = written(tmp_path, f"id,cancer\nz,0\n{line}\n")
    with pytest.raises(AnnotationError, match=said):
        read_scan_labels(path)


def test_what_is_not_strict_keeps_the_rest(tmp_path: Path):
    table = "id,cancer\nq,1\ntwo,0\nok,1\ntwo,1\ntwo,1\nq,1\nbad,x\nbad,1\n"
    labels, problems = read_scan_labels(written(tmp_path, table), strict=False)
    assert labels == {"q": 1, "ok": 1, "bad": 1}
    assert [problem.line for problem in problems] == [3, 5, 6, 7, 8]


def test_no_such_column(tmp_path: Path):
    with pytest.raises(AnnotationError, match="no column cancer"):
        read_scan_labels(written(tmp_path, "id,label\na,1\n"))
