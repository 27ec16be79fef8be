import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lungdet.readers import AnnotationError, TensorBoxImage, read_tensorbox, tensorbox_content
from lungdet.readers.label_json import is_number

RECT = {"x1": 52, "y1": 209, "x2": 84, "y2": 240}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[object], Path]:
    def write(content: object) -> Path:
        path = tmp_path / "lung_val.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_images_with_and_without_rectangles(write):
    content = [{"image_path": "./a/LIDC-IDRI-0275.dat_5_.bmp", "rects": [RECT]}, {"image_path": "b.png", "rects": []}]
    listed = read_tensorbox(write(content))
    assert listed.images[0].boxes_edge == ((52.0, 209.0, 84.0, 240.0),)
    assert listed.images[1].boxes_edge == ()
    assert [image.patient_id for image in listed.images] == ["LIDC-IDRI-0275", ""]
    assert len(listed) == 2
    assert tensorbox_content(listed.images) == content


def test_paths_of_windows():
    assert TensorBoxImage("lung\\LIDC-IDRI-0001.dat_1_.bmp").patient_id == "LIDC-IDRI-0001"


@pytest.mark.parametrize(
    ("path", "patient"),
    [
        ("LIDC-IDRI-0007/12.png", "LIDC-IDRI-0007"),
        ("LIDC-IDRI-0001-0150/12.png", ""),
        ("a/P1.dat_1_.bmp", "P1"),
        ("000001_02_03/109.png", "000001"),
        ("patient0/00.png", ""),
        ("p0_slice00.png", ""),
    ],
)
def test_names_that_tell_a_patient(path: str, patient: str):
    assert TensorBoxImage(path).patient_id == patient


@pytest.mark.parametrize("digits", [400, 5000])
def test_numbers_beyond_all_floats_are_a_problem(write, digits: int):
    rect = json.dumps({**RECT, "x2": 0}).replace(" 0", " 1" + "0" * digits)
    listed = read_tensorbox(write('[{"image_path": "a.png", "rects": [' + rect + "]}]"), strict=False)
    assert "needs numbers" in str(listed.problems[0])
    assert not is_number(10**400)


def test_an_empty_list(write):
    assert len(read_tensorbox(write([]))) == 0


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("a.png", "no image_path"),
        ({"rects": []}, "no image_path"),
        ({"image_path": "", "rects": []}, "no image_path"),
        ({"image_path": "a.png"}, "no list of rects"),
        ({"image_path": "a.png", "rects": RECT}, "no list of rects"),
        ({"image_path": "a.png", "rects": [[1, 2, 3, 4]]}, "needs numbers x1, y1, x2, y2"),
        ({"image_path": "a.png", "rects": [{**RECT, "x2": "84"}]}, "needs numbers"),
        ({"image_path": "a.png", "rects": [{**RECT, "x2": True}]}, "needs numbers"),
        ({"image_path": "a.png", "rects": [{**RECT, "x2": None}]}, "needs numbers"),
        ({"image_path": "a.png", "rects": [{**RECT, "x2": 52}]}, "has no size"),
        ({"image_path": "a.png", "rects": [{**RECT, "y1": 999}]}, "has no size"),
        ({"image_path": "good.png", "rects": []}, "good.png is there again"),
    ],
)
def test_faulty_entries_are_told_and_left_out(write, entry, message):
    path = write([{"image_path": "good.png", "rects": [RECT]}, entry])
    with pytest.raises(AnnotationError, match=r"lung_val.json: entry 2: ") as caught:
        read_tensorbox(path)
    assert message in str(caught.value)
    listed = read_tensorbox(path, strict=False)
    assert [image.image_path for image in listed.images] == ["good.png"]
    assert len(listed.problems) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no JSON"),
        ('[{"image_path": "a', "line 1: no JSON"),
        ('[{"image_path": "a", "rects": [{"x1": NaN}]}]', "NaN is no number that JSON knows"),
        ("[" * 100_000, "no JSON"),
        ('{"training": []}', "a dict, wanted a list of images"),
    ],
)
def test_files_that_are_no_list(write, text, message):
    with pytest.raises(AnnotationError, match=message):
        read_tensorbox(write(text), strict=False)


def test_a_file_that_is_too_large(write, monkeypatch):
    monkeypatch.setattr("lungdet.readers.label_json.MAX_FILE_BYTES", 10)
    with pytest.raises(AnnotationError, match="larger than 10 bytes"):
        read_tensorbox(write([{"image_path": "a", "rects": []}]))
