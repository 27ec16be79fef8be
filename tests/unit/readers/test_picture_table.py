from pathlib import Path

import pytest

from lungdet.readers import AnnotationError
from lungdet.readers.picture_table import PictureRow, read_picture_table


def test_by_hand(tmp_path: Path):
    table = tmp_path / "labels.csv"
    table.write_text("patient,image,age,label,split\n7,a/1.png,50,hand wrist,TRAIN\n8,b.png,60,,val\n")
    rows, problems = read_picture_table(table)
    assert rows == [
        PictureRow("a/1.png", "hand wrist", "7", "training", 2),
        PictureRow("b.png", "", "8", "validation", 3),
    ]
    assert problems == ()


def test_columns_that_need_not_be_there(tmp_path: Path):
    table = tmp_path / "labels.csv"
    table.write_text("\ufeffimage,label\na.png,hand\n", encoding="utf-8")
    assert read_picture_table(table)[0] == [PictureRow("a.png", "hand", line=2)]
    table.write_text("image,label\n")
    assert read_picture_table(table) == ([], ())


def test_faults_have_lines(tmp_path: Path):
    table = tmp_path / "labels.csv"
    table.write_text("image,label,split\na.png,hand,train\n,hand,train\na.png,knee,test\nb.png,knee,later\nc.png\n")
    rows, problems = read_picture_table(table, strict=False)
    assert [row.image for row in rows] == ["a.png"]
    assert [problem.line for problem in problems] == [3, 4, 5, 6]
    with pytest.raises(AnnotationError, match="line 4: the image repeats line 2"):
        read_picture_table(table)


@pytest.mark.parametrize("text", ["", "image;label\na;b\n", "picture,label\na,b\n", "image,label,label\na,b,c\n"])
def test_no_such_table(tmp_path: Path, text: str):
    table = tmp_path / "labels.csv"
    table.write_text(text)
    with pytest.raises(AnnotationError, match=r"labels\.csv"):
        read_picture_table(table)


def test_no_text(tmp_path: Path):
    table = tmp_path / "labels.csv"
    table.write_bytes(b"image,label\n\xff\xfe\x00,x\n")
    with pytest.raises(AnnotationError, match="UTF-8"):
        read_picture_table(table)
