from pathlib import Path

import pytest

from lungdet.datalists import DatalistError, PictureEntry, picture_list_content, write_picture_list
from lungdet.engines import list_pictures_of
from lungdet.records import BodyPartClass, ClassList


def classes(*names: str, multi_label: bool = False) -> ClassList:
    return ClassList("own", tuple(BodyPartClass(name) for name in names), multi_label=multi_label)


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    parts = {"training": [PictureEntry("a.png", (1,), "1"), PictureEntry("b.png", (0,), "2")]}
    write_picture_list(tmp_path / "list.json", picture_list_content("two", classes("hand", "foot"), parts))
    return tmp_path / "list.json"


def test_a_list_of_the_same_classes(listed: Path) -> None:
    items = list_pictures_of(classes("hand", "foot"), listed)
    assert [int(item["label"]) for item in items] == [1, 0]


@pytest.mark.parametrize("names", [("foot", "hand"), ("hand", "foot", "knee")])
def test_other_classes_are_refused(listed: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(DatalistError, match=r"its classes are hand, foot, but those of own are .* --class_list"):
        list_pictures_of(classes(*names), listed)


def test_several_labels_need_a_list_that_knows_of_them(tmp_path: Path) -> None:
    several = classes("hand", "foot", multi_label=True)
    content = picture_list_content("two", several, {"training": [PictureEntry("a.png", (0, 1), "1")]})
    write_picture_list(tmp_path / "list.json", content)
    assert list_pictures_of(several, tmp_path / "list.json")[0]["label"].tolist() == [1, 1]
    with pytest.raises(DatalistError, match="multi_label: true"):
        list_pictures_of(classes("hand", "foot"), tmp_path / "list.json")


def test_no_list_says_what_to_do() -> None:
    with pytest.raises(DatalistError, match=r"lungdet datalist radiographs\), and give --datalist"):
        list_pictures_of(classes("hand", "foot"), "")
