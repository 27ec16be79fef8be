"""TensorBox in both directions, from the command line."""

import json
from pathlib import Path

import pytest

from lungdet import cli
from lungdet.datalists import DatalistError, ScanEntry, datalist_content, write_datalist
from lungdet.workflows.tensorbox_export import export_tensorbox

RECT = {"x1": 52, "y1": 209, "x2": 84.5, "y2": 240}


def test_there_and_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    old = [{"image_path": f"./a/LIDC-IDRI-{n:04d}.dat_{n}_.bmp", "rects": [RECT] * (n % 2)} for n in range(20)]
    (tmp_path / "boxes.json").write_text(json.dumps(old))
    source, target = str(tmp_path / "list.json"), str(tmp_path / "out" / "lung.json")
    assert cli.main(["datalist", "tensorbox", str(tmp_path / "boxes.json"), "-o", source]) == 0
    assert cli.main(["datalist", "tensorbox", source, "--to-tensorbox", "-o", target]) == 0
    names = [f"lung_{part}.json" for part in ("train", "val", "test")]
    assert capsys.readouterr().out.splitlines()[-1].endswith(names[-1])
    again = [entry for name in names for entry in json.loads((tmp_path / "out" / name).read_text())]
    assert sorted(again, key=lambda entry: entry["image_path"]) == old


def test_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_datalist(tmp_path / "a.json", datalist_content("x", {"training": [ScanEntry("1.nii", "p", "lps_mm")]}))
    with pytest.raises(ValueError, match="TensorBox holds 2D images"):
        export_tensorbox(tmp_path / "a.json", tmp_path / "b.json")
    (tmp_path / "b_val.json").write_text("[]")
    with pytest.raises(DatalistError, match=r"b_val.json"):
        export_tensorbox(tmp_path / "b_val.json", tmp_path / "b.json")
    assert cli.main(["datalist", "lidc", "x", "--to-tensorbox", "-o", str(tmp_path / "c.json")]) == 1
    assert "--to-tensorbox goes with tensorbox and one training list" in capsys.readouterr().err


def test_the_source_is_not_overwritten(tmp_path: Path):
    entry = ScanEntry("1.png", "p", "edge_px")
    write_datalist(tmp_path / "b_train.json", datalist_content("x", {"training": [entry]}))
    with pytest.raises(ValueError, match="would be overwritten"):
        export_tensorbox(tmp_path / "b_train.json", tmp_path / "b.json")
