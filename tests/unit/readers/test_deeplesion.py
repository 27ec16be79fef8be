import csv
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from lungdet.readers import AnnotationError, read_deeplesion
from lungdet.readers.deeplesion import COLUMNS
from lungdet.records import Lesion

ROW = {
    "File_name": "000012_01_03_109.png",
    "Patient_index": "12",
    "Study_index": "1",
    "Series_ID": "3",
    "Key_slice_index": "109",
    "Measurement_coordinates": "20, 30, 40, 34, 29, 25, 31, 39",
    "Bounding_boxes": "15, 20, 45, 44",
    "Lesion_diameters_Pixel_": "20.396, 14.142",
    "Normalized_lesion_location": "0.4, 0.3, 0.5",
    "Coarse_lesion_type": "5",
    "Possibly_noisy": "0",
    "Slice_range": "103, 115",
    "Spacing_mm_px_": "0.5, 0.5, 5",
    "Image_size": "512, 512",
    "DICOM_windows": "-1500, 500",
    "Patient_gender": "F",
    "Patient_age": "62.0",
    "Train_Val_Test": "3",
}
OTHER = {**ROW, "File_name": "000012_01_03_110.png", "Key_slice_index": "110"}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(*rows: dict[str, str]) -> Path:
        path = tmp_path / "DL_info.csv"
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


def test_all_columns_are_typed(write):
    table = read_deeplesion(write(ROW))
    assert len(COLUMNS) == len(fields(Lesion)) == 18
    assert table.lesions[0] == Lesion(
        file_name="000012_01_03_109.png", patient=12, study=1, series=3, key_slice=109,
        recist_edge=(19.5, 29.5, 39.5, 33.5, 28.5, 24.5, 30.5, 38.5),  # counted from 1, so half a pixel to the edge
        box_edge=(14.5, 19.5, 44.5, 43.5), diameters_px=(20.396, 14.142), normalized_location=(0.4, 0.3, 0.5),
        lesion_type=5, noisy=False, slice_range=(103, 115), spacing_mm=(0.5, 0.5, 5.0), image_size=(512, 512),
        window_hu=(-1500.0, 500.0), sex="F", age_years=62.0, split="test",
    )  # fmt: skip
    assert type(table.lesions[0].patient) is int
    assert table.lines == (2,)


def test_keys_count_faulty_rows_too(write):
    faulty = {**ROW, "Coarse_lesion_type": "12"}
    table = read_deeplesion(write(faulty, OTHER, ROW), strict=False)
    assert table.keys == ("000012_01_03_110.png#0", "000012_01_03_109.png#1")
    assert [lesion.file_name for lesion in table.lesions] == [OTHER["File_name"], ROW["File_name"]]


@pytest.mark.parametrize("age", ["", "NaN", "nan"])
def test_age_may_be_unknown(write, age):
    table = read_deeplesion(write({**ROW, "Patient_age": age, "Patient_gender": ""}))
    assert table.lesions[0].age_years is None
    assert table.lesions[0].sex == ""


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("Measurement_coordinates", "20, 30, 40, 34, 29, 25, 31", "wanted 8 finite numbers"),
        ("Measurement_coordinates", "20, 30, 40, 34, 29, 25, 31, nan", "wanted 8 finite numbers"),
        ("Measurement_coordinates", "20; 30; 40; 34; 29; 25; 31; 1", "wanted 8 finite numbers"),
        ("Bounding_boxes", "45, 20, 15, 44", "wanted min corner, then max corner"),
        ("Lesion_diameters_Pixel_", "-20, 14", "wanted positive numbers"),
        ("Coarse_lesion_type", "9", "Coarse_lesion_type is 9, wanted 1 to 8, or -1"),
        ("Coarse_lesion_type", "lung", "Coarse_lesion_type is 'lung', wanted a finite number"),
        ("Possibly_noisy", "2", "wanted 0 or 1"),
        ("Slice_range", "110, 115", "does not hold key slice 109"),
        ("Slice_range", "0, 115", "does not hold key slice 109"),
        ("Spacing_mm_px_", "0.5, 0, 5", "wanted positive numbers"),
        ("Image_size", "512.5, 512", "Image_size is '512.5, 512', wanted a whole number"),
        ("Patient_index", "0", "Patient_index is 0, wanted 1 or more"),
        ("Patient_age", "old", "Patient_age is 'old', wanted years, or nothing"),
        ("Patient_age", "-3", "Patient_age is '-3', wanted years, or nothing"),
        ("Train_Val_Test", "4", "wanted 1, 2, 3"),
        ("File_name", "../../etc/passwd", "its indices say '000012_01_03_109.png'"),
        ("Study_index", "2", "its indices say '000012_02_03_109.png'"),
    ],
)
def test_faulty_rows_are_told_and_left_out(write, column, value, message):
    path = write(OTHER, {**ROW, column: value})
    with pytest.raises(AnnotationError, match=r"DL_info.csv, line 3: ") as caught:
        read_deeplesion(path)
    assert message in str(caught.value)
    table = read_deeplesion(path, strict=False)
    assert [lesion.key_slice for lesion in table.lesions] == [110]
    assert table.problems == caught.value.problems
    assert len(table.problems) == 1


def test_repeated_rows(write):
    with pytest.raises(AnnotationError, match="line 4: the row repeats line 2"):
        read_deeplesion(write(ROW, OTHER, ROW))
    assert len(read_deeplesion(write(ROW, OTHER, ROW), strict=False)) == 2


def test_no_rows(write):
    assert read_deeplesion(write()).lesions == ()


def test_missing_column(tmp_path):
    (tmp_path / "a.csv").write_text(",".join(COLUMNS[:-1]) + "\n")
    with pytest.raises(AnnotationError, match="no column Train_Val_Test"):
        read_deeplesion(tmp_path / "a.csv")


def test_numbers_that_add_up_to_the_right_count_by_chance(write):
    short, long = "1, 2, 3, 4, 5, 6, 7", "1, 2, 3, 4, 5, 6, 7, 8, 9"
    path = write({**ROW, "Measurement_coordinates": short}, {**OTHER, "Measurement_coordinates": long})
    assert [problem.line for problem in read_deeplesion(path, strict=False).problems] == [2, 3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Image_size": "0, -5"}, r"Image_size is \[0, -5\], wanted 1 or more"),
        ({"DICOM_windows": "500, -1500"}, r"DICOM_windows is \[500.0, -1500.0\], wanted the low end"),
        ({"Patient_gender": "Q"}, "Patient_gender is 'Q', wanted M, F, or nothing"),
        ({"Slice_range": "1, 99999999"}, "holds more than 5000 slices"),
        ({"Train_Val_Test": "1"}, "Train_Val_Test says train, line 2 has the same patient in test"),
    ],
)
def test_rows_that_cannot_be(write, change: dict[str, str], message: str):
    table = read_deeplesion(write(ROW, {**OTHER, **change}), strict=False)
    assert len(table) == 1
    assert table.problems[0].line == 3
    with pytest.raises(AnnotationError, match=message):
        read_deeplesion(write(ROW, {**OTHER, **change}))


def test_a_sex_may_be_unknown(write):
    assert [lesion.sex for lesion in read_deeplesion(write({**ROW, "Patient_gender": "m"})).lesions] == ["M"]
    assert [lesion.sex for lesion in read_deeplesion(write({**ROW, "Patient_gender": "NaN"})).lesions] == [""]
