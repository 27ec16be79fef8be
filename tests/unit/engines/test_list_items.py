import json
from pathlib import Path

import pytest
import torch

from lungdet.datalists import DatalistError, IgnoredBox, LabelledBox, ScanEntry, datalist_content, write_datalist
from lungdet.engines import list_items


def entry(name: str, fold: int | None = None, **options) -> ScanEntry:
    return ScanEntry(
        image=name,
        patient_id=name,
        box_frame="lps_mm",
        boxes=options.get("boxes", (LabelledBox((0.0, 1.0, 2.0, 3.0, 4.0, 5.0)),)),
        ignored=options.get("ignored", ()),
        series_uid=f"1.2.{name}",
        fold=fold,
    )


@pytest.fixture
def parts_list(tmp_path: Path) -> Path:
    ignored = (IgnoredBox((1.0, 1.0, 1.0, 2.0, 2.0, 2.0), "one reader"),)
    parts = {"training": [entry("a"), entry("b", boxes=(), ignored=ignored)], "validation": [entry("c")]}
    write_datalist(tmp_path / "list.json", datalist_content("tiny", parts))
    return tmp_path / "list.json"


@pytest.fixture
def folds_list(tmp_path: Path) -> Path:
    parts = {"training": [entry(name, fold) for name, fold in (("a", 0), ("b", 1), ("c", 1), ("d", 2))]}
    write_datalist(tmp_path / "folds.json", datalist_content("tiny", parts | {"test": [entry("e")]}))
    return tmp_path / "folds.json"


def names(items: list[dict]) -> list[str]:
    return [Path(item["image"]).name for item in items]


def test_items_hold_tensors(parts_list: Path):
    first, second = list_items(parts_list)
    assert first["image"] == str(parts_list.parent / "a")
    assert torch.equal(first["box"], torch.tensor([[0.0, 1, 2, 3, 4, 5]]))
    assert first["label"].tolist() == [0]
    assert first["ignore_box"].shape == (0, 6)
    assert first["series_uid"] == "1.2.a"
    assert second["box"].shape == (0, 6)
    assert second["label"].shape == (0,)
    assert second["ignore_box"].tolist() == [[1.0, 1, 1, 2, 2, 2]]


def test_images_are_in_the_folder_that_is_named(parts_list: Path):
    assert list_items(parts_list, "validation", "/data")[0]["image"] == str(Path("/data") / "c")


def test_a_fold_is_validation_and_the_others_training(folds_list: Path):
    assert names(list_items(folds_list, "training", fold=1)) == ["a", "d"]
    assert names(list_items(folds_list, "validation", fold=1)) == ["b", "c"]
    assert names(list_items(folds_list, "test", fold=1)) == ["e"]


def test_no_list_has_no_items():
    assert list_items("") == []


def test_an_absent_fold_is_named_with_those_there_are(folds_list: Path):
    with pytest.raises(DatalistError, match=r"no fold 3; there are \[0, 1, 2\]"):
        list_items(folds_list, fold=3)


def test_an_empty_part_is_refused(parts_list: Path):
    with pytest.raises(DatalistError, match="no scan in test"):
        list_items(parts_list, "test")


def test_slices_are_refused(parts_list: Path):
    content = json.loads(parts_list.read_text())
    content["validation"][0] |= {"box_frame": "edge_px", "box_mode": "xyxy", "box": [[0, 0, 5, 5]]}
    parts_list.write_text(json.dumps(content))
    with pytest.raises(DatalistError, match="edge_px"):
        list_items(parts_list, "validation")
