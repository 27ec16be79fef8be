import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lungdet.datalists import (
    DatalistError,
    PictureEntry,
    load_picture_schema,
    picture_entries,
    picture_list_content,
    read_picture_list,
    summarise_pictures,
    write_picture_list,
)
from lungdet.records import BodyPartClass, ClassList

CLASSES = ClassList("two", (BodyPartClass("hand"), BodyPartClass("knee")))
SEVERAL = ClassList("two", CLASSES.classes, multi_label=True)
PARTS = {
    "training": [PictureEntry("a.png", (0,), "1", content="aa"), PictureEntry("b.png", (1,), "2", study="1.2")],
    "test": [PictureEntry("c.png", (1,), "3")],
}


def test_round_trip(tmp_path: Path):
    for classes in (CLASSES, SEVERAL):
        path = tmp_path / "list.json"
        content = picture_list_content("mine", classes, PARTS, options={"seed": 1}, notes=["a note"])
        write_picture_list(path, content)
        assert read_picture_list(path) == content
        assert picture_entries(content) == {**PARTS, "validation": []}
        assert path.read_text().count("\n") == 17  # an entry a line
    assert content["training"][0]["label"] == [0]
    assert picture_list_content("mine", CLASSES, PARTS)["training"][0]["label"] == 0


def test_schema_is_a_schema():
    import jsonschema

    jsonschema.Draft202012Validator.check_schema(load_picture_schema())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(format="lungdet-datalist/1"), "format"),
        (lambda c: c["training"][0].pop("patient"), r"\$\.training\[0\]"),
        (lambda c: c["training"][0].update(label=2), r"\$\.training\[0\]: label is 2; there are 2 classes"),
        (lambda c: c["training"][0].update(label=[0]), "wanted one class"),
        (lambda c: c.update(multi_label=True), "wanted a list of classes"),
        (lambda c: c["training"][1].update(label=-1), r"\$\.training\[1\]"),
        (lambda c: c["training"][1].update(label=True), r"\$\.training\[1\]"),
        (lambda c: c.update(classes=["hand"]), "classes"),
        (lambda c: c.update(classes=["hand", "hand"]), "classes"),
        (lambda c: c["test"][0].update(patient=" 1"), "patient 1 is in training and test"),
        (lambda c: c["test"][0].update(image="a.png"), r"image a\.png is in training and test"),
        (lambda c: c["test"][0].update(content="aa"), "content aa is in training and test"),
        (lambda c: c["test"][0].update(study="1.2"), r"study 1\.2 is in training and test"),
        (lambda c: c.update(more=1), "more"),
    ],
)
def test_faults_name_file_and_place(tmp_path: Path, change: Callable[[dict[str, Any]], None], message: str):
    content = picture_list_content("mine", CLASSES, PARTS)
    change(content)
    path = tmp_path / "list.json"
    with pytest.raises(DatalistError, match=message):
        write_picture_list(path, content)
    assert not path.exists()
    path.write_text(json.dumps(content))
    with pytest.raises(DatalistError, match=rf"list\.json: .*{message}"):
        read_picture_list(path)


def test_labels_of_several_must_rise(tmp_path: Path):
    content = picture_list_content("mine", SEVERAL, PARTS)
    content["training"][0]["label"] = [1, 0]
    with pytest.raises(DatalistError, match="rising order"):
        write_picture_list(tmp_path / "list.json", content)


def test_known_leaks_are_kept_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    parts = {**PARTS, "validation": [PictureEntry("d.png", (0,), "1")]}
    options = {"known_leaks": ["patient 1 is in training and validation"]}
    with caplog.at_level(logging.WARNING):
        write_picture_list(tmp_path / "list.json", picture_list_content("mine", CLASSES, parts, options=options))
    assert "1 known leaks" in caplog.text


@pytest.mark.parametrize("text", ["", "[]", "{", '{"training": []}'])
def test_no_list(tmp_path: Path, text: str):
    (tmp_path / "list.json").write_text(text)
    with pytest.raises(DatalistError, match=r"list\.json"):
        read_picture_list(tmp_path / "list.json")


@pytest.mark.parametrize("entry", [("", (0,), "1"), ("a", (0,), ""), ("a", (1, 0), "1"), ("a", (-1,), "1")])
def test_bad_entries(entry: tuple[str, tuple[int, ...], str]):
    with pytest.raises(ValueError, match=r"entry|labels"):
        PictureEntry(*entry)


def test_unknown_parts_are_refused():
    with pytest.raises(ValueError, match="parts are"):
        picture_list_content("mine", CLASSES, {"dev": []})


def test_summary_of_nothing_and_of_no_label():
    assert "hand" in summarise_pictures({}, ["hand"])
    told = summarise_pictures(
        {"training": [PictureEntry("a", (), "1")], "test": [PictureEntry("b", (0,), "2")]}, ["hand"]
    )
    assert told.splitlines()[-1].split() == ["no", "label", "1", "0", "1"]
