from pathlib import Path

import pytest

from lungdet.datalists import ScanEntry, build_tensorbox, to_tensorbox
from lungdet.datalists.build_tensorbox import part_of_name
from lungdet.readers import TensorBoxImage, TensorBoxList

IMAGES = (TensorBoxImage("a/P1.dat_1_.bmp", ((1.0, 2.0, 3.0, 4.0),)), TensorBoxImage("a/P1.dat_2_.bmp"))


def test_there_and_back():
    built = build_tensorbox([TensorBoxList("x/lung_val.json", IMAGES, ())])
    assert [entry.patient_id for entry in built.entries] == ["P1", "P1"]
    assert [entry.part for entry in built.entries] == ["validation", "validation"]
    assert built.entries[0].boxes[0].box == (1, 2, 3, 4)
    assert built.entries[1].boxes == ()
    assert built.official == "parts"
    assert to_tensorbox(built.entries) == list(IMAGES)


def test_parts_by_name():
    names = ["lung_train.json", "lung_val.json", "test.json", "latest.json", "train_v2.json"]
    assert [part_of_name(name) for name in names] == ["training", "validation", "test", None, "training"]
    built = build_tensorbox([TensorBoxList("boxes.json", IMAGES, ())])
    assert (built.official, built.entries[0].part) == ("", None)
    assert build_tensorbox([]).official == ""


def test_missing_images_are_named(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "P1.dat_1_.bmp").touch()
    built = build_tensorbox([TensorBoxList("boxes.json", IMAGES, ())], tmp_path)
    assert len(built.entries) == 1
    assert built.problems == (f"{tmp_path / 'a' / 'P1.dat_2_.bmp'}: no such image, named in boxes.json",)


def test_volumes_are_refused():
    with pytest.raises(ValueError, match="TensorBox holds 2D images"):
        to_tensorbox([ScanEntry("a.nii", "p", "lps_mm")])
