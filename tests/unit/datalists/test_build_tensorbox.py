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


def test_patients_from_a_table_or_a_pattern():
    images = tuple(TensorBoxImage(f"patient{n // 2}/{n}.png") for n in range(4))
    lists = [TensorBoxList("boxes.json", images, ())]
    built = build_tensorbox(lists)
    assert (built.unknown_patients, len({entry.patient_id for entry in built.entries})) == (4, 4)
    assert "4 of 4 images tell no patient, such as patient0/0.png: the list is not split" in built.notes[0]
    for pattern in (r"patient\d", r"(patient\d)/"):
        built = build_tensorbox(lists, pattern=pattern)
        assert [entry.patient_id for entry in built.entries] == ["patient0", "patient0", "patient1", "patient1"]
        assert (built.unknown_patients, built.notes) == (0, ())
    built = build_tensorbox(lists, patients={"patient0/0.png": "A"})
    assert (built.entries[0].patient_id, built.unknown_patients) == ("A", 3)
    with pytest.raises(ValueError, match="is no regular expression"):
        build_tensorbox(lists, pattern="(")


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
