from pathlib import Path

import pytest
import torch

from lungdet.datalists import DatalistError, PictureEntry, picture_list_content, write_picture_list
from lungdet.engines import list_pictures, picture_classes
from lungdet.records import BodyPartClass, ClassList

CLASSES = tuple(BodyPartClass(name) for name in ("hand", "knee", "wrist"))


def write(path: Path, multi_label: bool, labels: tuple[int, ...]) -> Path:
    entries = [PictureEntry("deep/a.png", labels, "7")]
    write_picture_list(
        path, picture_list_content("mine", ClassList("three", CLASSES, multi_label), {"training": entries})
    )
    return path


def test_one_label(tmp_path: Path):
    (item,) = list_pictures(write(tmp_path / "list.json", False, (2,)))
    assert item["image"] == str(tmp_path / "deep" / "a.png")
    assert torch.equal(item["label"], torch.tensor(2))
    assert item["label"].dtype == torch.int64
    assert (item["patient"], item["name"]) == ("7", "deep/a.png")
    assert picture_classes(tmp_path / "list.json") == (["hand", "knee", "wrist"], False)


@pytest.mark.parametrize(("labels", "wanted"), [((0, 2), [1, 0, 1]), ((), [0, 0, 0])])
def test_several_labels(tmp_path: Path, labels: tuple[int, ...], wanted: list[int]):
    (item,) = list_pictures(write(tmp_path / "list.json", True, labels), "training", "/data")
    assert item["image"] == "/data/deep/a.png"
    assert item["label"].tolist() == wanted
    assert item["label"].dtype == torch.float32


def test_nothing_and_errors(tmp_path: Path):
    assert list_pictures("") == []
    assert picture_classes("") == ([], False)
    path = write(tmp_path / "list.json", False, (2,))
    with pytest.raises(DatalistError, match="no picture in test"):
        list_pictures(path, "test")
    with pytest.raises(ValueError, match="part must be"):
        list_pictures(path, "dev")
