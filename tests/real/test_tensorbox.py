"""The lists that the first detector trained on."""

import json
from pathlib import Path

import pytest

from lungdet.datalists import find_leaks
from lungdet.readers import read_tensorbox, tensorbox_content
from lungdet.workflows.datalist import make_datalist, write_tensorbox


@pytest.mark.parametrize(("name", "images", "boxes", "patients"), [("val", 1927, 1310, 79), ("test", 2723, 1920, 115)])
def test_lists_come_back_as_they_are(real_data: Path, name: str, images: int, boxes: int, patients: int):
    path = real_data / "tensorbox" / f"lung_{name}.json"
    listed = read_tensorbox(path)
    assert len(listed) == images
    assert sum(len(image.boxes_edge) for image in listed.images) == boxes
    assert len({image.patient_id for image in listed.images}) == patients
    assert tensorbox_content(listed.images) == json.loads(path.read_text())


def test_datalist_and_back(real_data: Path, tmp_path: Path):
    sources = [real_data / "tensorbox" / f"lung_{name}.json" for name in ("val", "test")]
    result = make_datalist("tensorbox", sources, tmp_path / "list.json")
    assert result.good
    assert find_leaks(result.parts) == []
    assert {part: len(entries) for part, entries in result.parts.items()} == {
        "training": 0, "validation": 1927, "test": 2723,
    }  # fmt: skip
    train, val, test = write_tensorbox(result, tmp_path)
    assert json.loads(train.read_text()) == []
    for written, source in zip((val, test), sources, strict=True):
        assert json.loads(written.read_text()) == json.loads(source.read_text())
